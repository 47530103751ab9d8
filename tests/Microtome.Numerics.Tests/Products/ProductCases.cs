using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Products;

/// <summary>Random products of every shape, type and layout.</summary>
internal static unsafe class ProductCases
{
    private static readonly ElementType[] WeightTypes = [ElementType.F32, ElementType.BF16, ElementType.F16];
    private static readonly int[] Sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 24, 25, 31, 32, 33, 47, 48, 49, 64, 65];
    private static readonly int[] Depths = [0, 1, 2, 3, 4, 5, 7, 16, 31, 64, 100, 255, 256, 257, 300, 511, 512, 513, 700];

    public static int Size(Random random) => Pick(random, Sizes);

    public static int Depth(Random random) => Pick(random, Depths);

    public static ElementType WeightType(Random random) => Pick(random, WeightTypes);

    /// <summary>Products on the kernels that are chosen for the types of A and B are right to rounding, and write nothing else.</summary>
    public static void CompareWithReference(Func<ElementType, ElementType, PanelKernel> choose, int rounds)
    {
        Random random = new(1);
        for (int round = 0; round < rounds; round++)
        {
            int m = Size(random), k = Depth(random), n = Size(random);
            Operand a = new(random, WeightType(random), m, k, random.Next(3) == 0, random.Next(4));
            Operand b = new(random, WeightType(random), k, n, random.Next(2) == 0, random.Next(4));
            PanelKernel kernel = choose(a.View.Type, b.View.Type);
            bool accumulate = random.Next(2) == 0;
            Tensor c = Result(random, m, n);
            Tensor expected = c.Clone(), before = c.Clone();
            MatrixProduct.Reference(a.View, b.View, Inner(expected, m, n), accumulate);

            if (random.Next(2) == 0) MatrixProduct.Multiply(a.View, b.View, Inner(c, m, n), accumulate, kernel);
            else MatrixProduct.Multiply(a.View, PackedMatrix.Pack(b.View, kernel), Inner(c, m, n), accumulate);

            Tensor magnitude = Magnitude(a.View, b.View, before, accumulate);
            for (int row = 0; row < m + 2; row++)
                for (int column = 0; column < n + 2; column++)
                {
                    float actual = c.Row(row)[column];
                    if (row == 0 || column == 0 || row > m || column > n)
                        actual.ShouldBe(before.Row(row)[column], "an element outside the result changed");
                    else
                        MathF.Abs(actual - expected.Row(row)[column]).ShouldBeLessThanOrEqualTo(
                            (k + 2) * 6e-8f * magnitude.Row(row - 1)[column - 1],
                            $"[{m}, {k}]·[{k}, {n}] at {row - 1}, {column - 1}");
                }
            GC.KeepAlive(a);
            GC.KeepAlive(b);
        }
    }

    // A margin of one element around the result shows writes that go too far.
    public static Tensor Result(Random random, int m, int n)
    {
        Tensor c = Tensor.Uninitialized(m + 2, n + 2);
        foreach (ref float value in c.Span) value = 2 * random.NextSingle() - 1;
        return c;
    }

    public static Matrix Inner(Tensor c, int m, int n) => c.AsMatrix().RowRange(1, m).ColumnRange(1, n);

    private static T Pick<T>(Random random, T[] values) => values[random.Next(values.Length)];

    /// <summary>|A|·|B| + |C|, which rounding errors are proportional to.</summary>
    private static Tensor Magnitude(MatrixView a, MatrixView b, Tensor before, bool accumulate)
    {
        Tensor result = new(a.Rows, b.Columns);
        for (int row = 0; row < a.Rows; row++)
            for (int column = 0; column < b.Columns; column++)
            {
                double sum = accumulate ? MathF.Abs(before.Row(row + 1)[column + 1]) : 0;
                for (int k = 0; k < a.Columns; k++) sum += Math.Abs(a[row, k] * (double)b[k, column]);
                result.Row(row)[column] = (float)sum;
            }
        return result;
    }
}
