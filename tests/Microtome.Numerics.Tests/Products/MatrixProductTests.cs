using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Products;

[Collection(nameof(WorkerPool))]
public sealed unsafe class MatrixProductTests
{
    public static TheoryData<int> Kernels => [.. Enumerable.Range(0, MatrixKernel.Supported.Count)];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Products_of_all_shapes_types_and_layouts_match_the_reference(int kernelIndex)
    {
        MatrixKernel kernel = MatrixKernel.Supported[kernelIndex];
        ProductCases.CompareWithReference((_, _) => kernel, rounds: 400);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Every_kernel_packed_or_not_gives_the_bits_of_the_plain_one(int kernelIndex)
    {
        MatrixKernel kernel = MatrixKernel.Supported[kernelIndex], plain = MatrixKernel.Supported[^1];
        Random random = new(2);
        for (int round = 0; round < 200; round++)
        {
            int m = ProductCases.Size(random), k = ProductCases.Depth(random), n = ProductCases.Size(random);
            Operand a = new(random, ElementType.F32, m, k, random.Next(3) == 0);
            Operand b = new(random, ProductCases.WeightType(random), k, n, random.Next(2) == 0, random.Next(3));
            bool accumulate = random.Next(2) == 0;
            Tensor expected = ProductCases.Result(random, m, n), direct = expected.Clone(), packed = expected.Clone();
            MatrixProduct.Multiply(a.View, b.View, ProductCases.Inner(expected, m, n), accumulate, plain);
            MatrixProduct.Multiply(a.View, b.View, ProductCases.Inner(direct, m, n), accumulate, kernel);
            MatrixProduct.Multiply(a.View, PackedMatrix.Pack(b.View, kernel), ProductCases.Inner(packed, m, n), accumulate);
            direct.Span.SequenceEqual(expected.Span).ShouldBeTrue($"[{m}, {k}]·[{k}, {n}] {b.View.Type}");
            if (IsByLine(a.View, b.View)) continue; // an order of its own, which the next test is about
            packed.Span.SequenceEqual(expected.Span).ShouldBeTrue($"[{m}, {k}]·[{k}, {n}] {b.View.Type}, packed");
            GC.KeepAlive(a);
            GC.KeepAlive(b);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_single_row_times_contiguous_columns_is_summed_in_32_sums(int kernelIndex)
    {
        MatrixKernel kernel = MatrixKernel.Supported[kernelIndex];
        Random random = new(8);
        for (int round = 0; round < 200; round++)
        {
            int k = ProductCases.Depth(random), n = ProductCases.Size(random);
            ElementType type = random.Next(2) == 0 ? ElementType.F32 : ElementType.BF16;
            Operand a = new(random, ElementType.F32, 1, k, false), b = new(random, type, k, n, transposed: true, random.Next(3));
            bool accumulate = random.Next(2) == 0;
            Tensor actual = ProductCases.Result(random, 1, n);
            float[] before = actual.Row(1).Slice(1, n).ToArray();
            MatrixProduct.Multiply(a.View, b.View, ProductCases.Inner(actual, 1, n), accumulate, kernel);
            for (int column = 0; column < n; column++)
            {
                float[] sums = new float[32];
                for (int i = 0; i < k; i++) sums[i % 32] = MathF.FusedMultiplyAdd(a.View[0, i], b.View[i, column], sums[i % 32]);
                for (int half = 16; half > 0; half /= 2)
                    for (int i = 0; i < half; i++) sums[i] += sums[i + half];
                actual.Row(1)[1 + column].ShouldBe(k == 0 ? (accumulate ? before[column] : 0) : accumulate ? before[column] + sums[0] : sums[0], $"{type}, {k} terms, column {column} of {n}");
            }
            GC.KeepAlive(a);
            GC.KeepAlive(b);
        }
    }

    private static bool IsByLine(MatrixView a, MatrixView b) => a.Rows == 1 && b.RowStride == 1 && b.Type is (ElementType.F32 or ElementType.BF16);

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
        MatrixProduct.Multiply(a.View, b.View, all.AsMatrix(), accumulate: false, MatrixKernel.Best);
        foreach (int count in new[] { 1, 2, 3, 5, 8, 12, 13, 33 })
        {
            if (count == 1 && transposed) continue; // has an order of its own
            MatrixProduct.Multiply(a.View.RowRange(7, count), b.View, some.AsMatrix().RowRange(0, count), accumulate: false, MatrixKernel.Best);
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
        PackedMatrix packed = PackedMatrix.Pack(b.View, MatrixKernel.Best);
        Tensor expected = Tensor.Uninitialized(m, n), expectedPacked = Tensor.Uninitialized(m, n), actual = Tensor.Uninitialized(m, n);
        int threads = WorkerPool.Threads;
        try
        {
            WorkerPool.Threads = 1;
            MatrixProduct.Multiply(a.View, b.View, expected.AsMatrix(), accumulate: false, MatrixKernel.Best);
            MatrixProduct.Multiply(a.View, packed, expectedPacked.AsMatrix());
            for (int count = 2; count <= 8; count++)
            {
                WorkerPool.Threads = count;
                MatrixProduct.Multiply(a.View, b.View, actual.AsMatrix(), accumulate: false, MatrixKernel.Best);
                actual.Span.SequenceEqual(expected.Span).ShouldBeTrue($"{count} threads");
                MatrixProduct.Multiply(a.View, packed, actual.AsMatrix());
                actual.Span.SequenceEqual(expectedPacked.Span).ShouldBeTrue($"{count} threads, packed");
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
}
