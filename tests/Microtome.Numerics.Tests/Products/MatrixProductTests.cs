using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Products;

[Collection(nameof(WorkerPool))]
public sealed unsafe class MatrixProductTests
{
    private static readonly ElementType[] WeightTypes = [ElementType.F32, ElementType.BF16, ElementType.F16];
    private static readonly int[] Sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 24, 25, 31, 32, 33, 47, 48, 49, 64, 65];
    private static readonly int[] Depths = [0, 1, 2, 3, 4, 5, 7, 16, 31, 64, 100, 255, 256, 257, 300, 511, 512, 513, 700];

    public static TheoryData<int> Kernels => [.. Enumerable.Range(0, MatrixKernel.Supported.Count)];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Products_of_all_shapes_types_and_layouts_match_the_reference(int kernelIndex)
    {
        MatrixKernel kernel = MatrixKernel.Supported[kernelIndex];
        Random random = new(1);
        for (int round = 0; round < 400; round++)
        {
            int m = Pick(random, Sizes), k = Pick(random, Depths), n = Pick(random, Sizes);
            Operand a = new(random, Pick(random, WeightTypes), m, k, random.Next(3) == 0, random.Next(4));
            Operand b = new(random, Pick(random, WeightTypes), k, n, random.Next(2) == 0, random.Next(4));
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

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Every_kernel_packed_or_not_gives_the_bits_of_the_plain_one(int kernelIndex)
    {
        MatrixKernel kernel = MatrixKernel.Supported[kernelIndex], plain = MatrixKernel.Supported[^1];
        Random random = new(2);
        for (int round = 0; round < 200; round++)
        {
            int m = Pick(random, Sizes), k = Pick(random, Depths), n = Pick(random, Sizes);
            Operand a = new(random, ElementType.F32, m, k, random.Next(3) == 0);
            Operand b = new(random, Pick(random, WeightTypes), k, n, random.Next(2) == 0, random.Next(3));
            bool accumulate = random.Next(2) == 0;
            Tensor expected = Result(random, m, n), direct = expected.Clone(), packed = expected.Clone();
            MatrixProduct.Multiply(a.View, b.View, Inner(expected, m, n), accumulate, plain);
            MatrixProduct.Multiply(a.View, b.View, Inner(direct, m, n), accumulate, kernel);
            MatrixProduct.Multiply(a.View, PackedMatrix.Pack(b.View, kernel), Inner(packed, m, n), accumulate);
            direct.Span.SequenceEqual(expected.Span).ShouldBeTrue($"[{m}, {k}]·[{k}, {n}] {b.View.Type}");
            packed.Span.SequenceEqual(expected.Span).ShouldBeTrue($"[{m}, {k}]·[{k}, {n}] {b.View.Type}, packed");
            GC.KeepAlive(a);
            GC.KeepAlive(b);
        }
    }

    [Theory]
    [InlineData(ElementType.F32, false)]
    [InlineData(ElementType.F32, true)]
    [InlineData(ElementType.BF16, false)]
    [InlineData(ElementType.BF16, true)]
    public void A_row_does_not_depend_on_the_rows_computed_with_it(ElementType type, bool transposed)
    {
        Random random = new(3);
        Operand a = new(random, ElementType.F32, 50, 1000, false), b = new(random, type, 1000, 2100, transposed);
        Tensor all = Tensor.Uninitialized(50, 2100), some = Tensor.Uninitialized(50, 2100);
        MatrixProduct.Multiply(a.View, b.View, all.AsMatrix());
        foreach (int count in new[] { 1, 2, 3, 5, 8, 12, 13, 33 })
        {
            MatrixProduct.Multiply(a.View.RowRange(7, count), b.View, some.AsMatrix().RowRange(0, count));
            some.Span[..(count * 2100)].SequenceEqual(all.Span.Slice(7 * 2100, count * 2100)).ShouldBeTrue($"{count} rows");
        }
        GC.KeepAlive(a);
        GC.KeepAlive(b);
    }

    [Theory]
    [InlineData(1, 2000, 3000)]
    [InlineData(40, 700, 500)]
    [InlineData(1100, 300, 200)]
    [InlineData(700, 5000, 70)]
    public void Any_number_of_threads_gives_the_same_bits(int m, int k, int n)
    {
        Random random = new(4);
        Operand a = new(random, ElementType.F32, m, k, false), b = new(random, ElementType.F32, k, n, true);
        PackedMatrix packed = PackedMatrix.Pack(b.View);
        Tensor expected = Tensor.Uninitialized(m, n), actual = Tensor.Uninitialized(m, n);
        int threads = WorkerPool.Threads;
        try
        {
            WorkerPool.Threads = 1;
            MatrixProduct.Multiply(a.View, b.View, expected.AsMatrix());
            for (int count = 2; count <= 8; count++)
            {
                WorkerPool.Threads = count;
                MatrixProduct.Multiply(a.View, b.View, actual.AsMatrix());
                actual.Span.SequenceEqual(expected.Span).ShouldBeTrue($"{count} threads");
                MatrixProduct.Multiply(a.View, packed, actual.AsMatrix());
                actual.Span.SequenceEqual(expected.Span).ShouldBeTrue($"{count} threads, packed");
            }
        }
        finally
        {
            WorkerPool.Threads = threads;
            GC.KeepAlive(a);
            GC.KeepAlive(b);
        }
    }

    [Theory]
    [InlineData(3, 40_000, 20)]
    [InlineData(2500, 1000, 20)]
    public void Products_larger_than_a_chunk_match_the_reference(int m, int k, int n)
    {
        Random random = new(5);
        Operand a = new(random, ElementType.F32, m, k, false), b = new(random, ElementType.F32, k, n, false);
        Tensor expected = new(m, n), actual = new(m, n);
        MatrixProduct.Reference(a.View, b.View, expected.AsMatrix(), false);
        MatrixProduct.Multiply(a.View, b.View, actual.AsMatrix());
        for (int i = 0; i < expected.Length; i++) actual.Span[i].ShouldBe(expected.Span[i], 1e-3f);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void What_is_not_finite_reaches_its_row_and_column_and_nothing_else(float value)
    {
        Random random = new(6);
        Operand a = new(random, ElementType.F32, 14, 20, false), b = new(random, ElementType.F32, 20, 35, false);
        ((float*)a.View.Data)[13 * a.View.RowStride + 19] = value;
        ((float*)b.View.Data)[19 * b.View.RowStride + 34] = value;
        Tensor c = new(14, 35);
        MatrixProduct.Multiply(a.View, b.View, c.AsMatrix());
        for (int row = 0; row < 14; row++)
            for (int column = 0; column < 35; column++)
                float.IsFinite(c.Row(row)[column]).ShouldBe(row != 13 && column != 34);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        Tensor a = new(3, 4), b = new(5, 6), c = new(3, 6);
        Should.Throw<ArgumentException>(() => MatrixProduct.Multiply(a.AsMatrix(), b.AsMatrix(), c.AsMatrix()))
            .Message.ShouldBe("[3, 4] times [5, 6] does not fit into [3, 6].");
    }

    [Fact]
    public void Packed_bfloat16_keeps_two_bytes_per_element()
    {
        Operand b = new(new Random(7), ElementType.BF16, 256, 128, true);
        PackedMatrix.Pack(b.View).Bytes.ShouldBe(256 * 128 * 2);
    }

    private static T Pick<T>(Random random, T[] values) => values[random.Next(values.Length)];

    // A margin of one element around the result shows writes that go too far.
    private static Tensor Result(Random random, int m, int n)
    {
        Tensor c = Tensor.Uninitialized(m + 2, n + 2);
        foreach (ref float value in c.Span) value = 2 * random.NextSingle() - 1;
        return c;
    }

    private static Matrix Inner(Tensor c, int m, int n) => c.AsMatrix().RowRange(1, m).ColumnRange(1, n);

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
