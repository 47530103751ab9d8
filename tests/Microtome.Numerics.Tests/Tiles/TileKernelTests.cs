using Microtome.Numerics;
using Microtome.Numerics.Tests.Products;

namespace Microtome.Numerics.Tests.Tiles;

/// <summary>Products in tiles, with the unit's arithmetic done by its specification.</summary>
[Collection(nameof(WorkerPool))]
public sealed unsafe class TileKernelTests
{
    private static readonly TileKernels Kernels = new(new PlainTileUnit());

    [Fact]
    public void Products_of_all_shapes_types_and_layouts_match_the_reference() =>
        ProductCases.CompareWithReference((left, right) => Kernels.Get(TileTerms.Exact(left), TileTerms.Exact(right)), rounds: 400);

    [Fact]
    public void Packing_b_does_not_change_bits()
    {
        Random random = new(2);
        for (int round = 0; round < 100; round++)
        {
            int m = ProductCases.Size(random), k = ProductCases.Depth(random), n = ProductCases.Size(random);
            Operand a = new(random, ProductCases.WeightType(random), m, k, random.Next(3) == 0);
            Operand b = new(random, ProductCases.WeightType(random), k, n, random.Next(2) == 0, random.Next(3));
            TileKernel kernel = Kernels.Get(TileTerms.Exact(a.View.Type), TileTerms.Exact(b.View.Type));
            bool accumulate = random.Next(2) == 0;
            Tensor direct = ProductCases.Result(random, m, n), packed = direct.Clone();
            MatrixProduct.Multiply(a.View, b.View, ProductCases.Inner(direct, m, n), accumulate, kernel);
            MatrixProduct.Multiply(a.View, PackedMatrix.Pack(b.View, kernel), ProductCases.Inner(packed, m, n), accumulate);
            packed.Span.SequenceEqual(direct.Span).ShouldBeTrue($"[{m}, {k}]·[{k}, {n}] {a.View.Type} {b.View.Type}");
            GC.KeepAlive(a);
            GC.KeepAlive(b);
        }
    }

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.BF16)]
    public void An_element_does_not_depend_on_the_rows_and_columns_computed_with_it(ElementType type)
    {
        Random random = new(3);
        Operand a = new(random, ElementType.F32, 50, 600, false), b = new(random, type, 600, 100, true);
        TileKernel kernel = Kernels.Get(3, TileTerms.Exact(type));
        Tensor all = Tensor.Uninitialized(50, 100), some = Tensor.Uninitialized(50, 100);
        MatrixProduct.Multiply(a.View, b.View, all.AsMatrix(), accumulate: false, kernel);
        foreach ((int rows, int columns) in new[] { (1, 1), (16, 16), (17, 33), (33, 91) })
        {
            Matrix part = some.AsMatrix().RowRange(0, rows).ColumnRange(0, columns);
            MatrixProduct.Multiply(a.View.RowRange(7, rows), b.View.ColumnRange(9, columns), part, accumulate: false, kernel);
            for (int row = 0; row < rows; row++) part.Row(row).SequenceEqual(all.Row(7 + row).Slice(9, columns)).ShouldBeTrue($"{rows} by {columns}");
        }
        GC.KeepAlive(a);
        GC.KeepAlive(b);
    }

    [Theory]
    [InlineData(40, 700, 500)]
    [InlineData(1100, 300, 200)]
    [InlineData(700, 5000, 70)]
    public void Any_number_of_threads_gives_the_same_bits(int m, int k, int n)
    {
        Random random = new(4);
        Operand a = new(random, ElementType.F32, m, k, false), b = new(random, ElementType.BF16, k, n, true);
        TileKernel kernel = Kernels.Get(3, 1);
        Tensor expected = Tensor.Uninitialized(m, n), actual = Tensor.Uninitialized(m, n);
        int threads = WorkerPool.Threads;
        try
        {
            WorkerPool.Threads = 1;
            MatrixProduct.Multiply(a.View, b.View, expected.AsMatrix(), accumulate: false, kernel);
            foreach (int count in new[] { 2, 3, 8 })
            {
                WorkerPool.Threads = count;
                MatrixProduct.Multiply(a.View, b.View, actual.AsMatrix(), accumulate: false, kernel);
                actual.Span.SequenceEqual(expected.Span).ShouldBeTrue($"{count} threads");
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
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    public void Exact_products_are_within_four_millionths_of_the_largest_of_their_row(ElementType type)
    {
        foreach (int k in new[] { 32, 300, 4096 })
            LargestError(ElementType.F32, type, k, Kernels.Get(3, TileTerms.Exact(type))).ShouldBeLessThan(1e-6, $"{k}");
    }

    /// <summary>Two terms would do for most matrices, but for these each element is off by as much.</summary>
    [Fact]
    public void Exact_products_of_equal_numbers_are_as_accurate()
    {
        const int K = 512;
        Tensor a = new(16, K), c = new(16, 32);
        a.Span.Fill(1 + 1f / 256 + 1f / 131072);
        Operand b = new(new Random(5), ElementType.BF16, K, 32, true);
        Tensor expected = new(16, 32);
        MatrixProduct.Reference(a.AsMatrix(), b.View, expected.AsMatrix(), accumulate: false);
        MatrixProduct.Multiply(a.AsMatrix(), b.View, c.AsMatrix(), accumulate: false, Kernels.Get(3, 1));
        for (int i = 0; i < c.Length; i++) MathF.Abs(c.Span[i] - expected.Span[i]).ShouldBeLessThan(1e-6f * 30);
        GC.KeepAlive(b);
    }

    [Fact]
    public void In_bfloat16_precision_operands_are_rounded_and_sums_are_not()
    {
        Random random = new(6);
        Operand a = new(random, ElementType.F32, 40, 300, false), b = new(random, ElementType.F32, 300, 50, false);
        TileKernel kernel = Kernels.For(40, 300, ElementType.F32, ElementType.F32, Precision.BFloat16)!;
        Tensor rounded = Round(a.View), roundedB = Round(b.View), expected = new(40, 50), actual = new(40, 50);
        MatrixProduct.Reference(rounded.AsMatrix(), roundedB.AsMatrix(), expected.AsMatrix(), accumulate: false);
        MatrixProduct.Multiply(a.View, b.View, actual.AsMatrix(), accumulate: false, kernel);
        for (int i = 0; i < actual.Length; i++) actual.Span[i].ShouldBe(expected.Span[i], 2e-5f);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void What_is_not_finite_reaches_its_row_and_column_and_nothing_else(float value)
    {
        Random random = new(7);
        Operand a = new(random, ElementType.F32, 34, 40, false), b = new(random, ElementType.F32, 40, 35, false);
        ((float*)a.View.Data)[33 * a.View.RowStride + 39] = value;
        ((float*)b.View.Data)[39 * b.View.RowStride + 34] = value;
        Tensor c = new(34, 35);
        MatrixProduct.Multiply(a.View, b.View, c.AsMatrix(), accumulate: false, Kernels.Get(3, 3));
        for (int row = 0; row < 34; row++)
            for (int column = 0; column < 35; column++)
                float.IsFinite(c.Row(row)[column]).ShouldBe(row != 33 && column != 34);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
    }

    [Fact]
    public void The_largest_numbers_do_not_overflow_by_being_split()
    {
        Tensor a = new(16, 32), b = new(32, 8), c = new(16, 8);
        a.Span.Fill(float.MaxValue);
        for (int column = 0; column < 8; column++) b.Row(5)[column] = 0.5f;
        MatrixProduct.Multiply(a.AsMatrix(), b.AsMatrix(), c.AsMatrix(), accumulate: false, Kernels.Get(3, 3));
        c.Span.ToArray().ShouldAllBe(value => value == float.MaxValue / 2);
    }

    [Theory]
    [InlineData(-100)]
    [InlineData(-124)]
    [InlineData(-140)]
    public void The_smallest_numbers_lose_no_more_than_the_smallest_normal_one_each(int exponent)
    {
        const int K = 64;
        Random random = new(8);
        Tensor a = new(16, K), b = new(K, 16), c = new(16, 16), expected = new(16, 16);
        foreach (ref float value in a.Span) value = MathF.ScaleB(2 * random.NextSingle() - 1, exponent);
        foreach (ref float value in b.Span) value = 2 * random.NextSingle() - 1;
        MatrixProduct.Reference(a.AsMatrix(), b.AsMatrix(), expected.AsMatrix(), accumulate: false);
        MatrixProduct.Multiply(a.AsMatrix(), b.AsMatrix(), c.AsMatrix(), accumulate: false, Kernels.Get(3, 3));
        for (int i = 0; i < c.Length; i++)
            Math.Abs((double)c.Span[i] - expected.Span[i]).ShouldBeLessThan(K * Math.Pow(2, -122) + 1e-6 * Math.Pow(2, exponent) * K);
    }

    [Theory]
    [InlineData(16, 32, ElementType.BF16, Precision.Exact, 1)]
    [InlineData(15, 32, ElementType.BF16, Precision.Exact, 0)]
    [InlineData(16, 31, ElementType.BF16, Precision.Exact, 0)]
    [InlineData(64, 32, ElementType.F32, Precision.Exact, 3)]
    [InlineData(63, 32, ElementType.F32, Precision.Exact, 0)]
    [InlineData(16, 32, ElementType.F32, Precision.BFloat16, 1)]
    public void Tiles_are_used_from_so_many_rows_and_so_great_a_depth_on(int m, int k, ElementType b, Precision precision, int rightTerms)
    {
        TileKernel? kernel = Kernels.For(m, k, ElementType.F32, b, precision);
        if (rightTerms == 0) kernel.ShouldBeNull();
        else kernel.ShouldBeSameAs(Kernels.Get(precision == Precision.Exact ? 3 : 1, rightTerms));
    }

    [Fact]
    public void Only_what_is_one_term_is_packed_for_tiles()
    {
        Kernels.ForPacking(256, ElementType.BF16, Precision.Exact).ShouldNotBeNull();
        Kernels.ForPacking(256, ElementType.F32, Precision.Exact).ShouldBeNull();
        Kernels.ForPacking(256, ElementType.F32, Precision.BFloat16).ShouldNotBeNull();
    }

    [Fact]
    public void Bfloat16_packed_for_tiles_keeps_two_bytes_per_element()
    {
        Operand b = new(new Random(9), ElementType.BF16, 256, 128, true);
        PackedMatrix.Pack(b.View, Kernels.Get(1, 1)).Bytes.ShouldBe(256 * 128 * 2);
    }

    /// <summary>The largest difference from the exact product, as a part of the largest number in its row.</summary>
    private static double LargestError(ElementType left, ElementType right, int k, PanelKernel kernel)
    {
        Random random = new(10);
        Operand a = new(random, left, 64, k, false), b = new(random, right, k, 256, true);
        Tensor expected = new(64, 256), actual = new(64, 256);
        MatrixProduct.Reference(a.View, b.View, expected.AsMatrix(), accumulate: false);
        MatrixProduct.Multiply(a.View, b.View, actual.AsMatrix(), accumulate: false, kernel);
        double largest = 0;
        for (int row = 0; row < 64; row++)
        {
            double scale = 0, error = 0;
            for (int column = 0; column < 256; column++)
            {
                scale = Math.Max(scale, Math.Abs(expected.Row(row)[column]));
                error = Math.Max(error, Math.Abs((double)actual.Row(row)[column] - expected.Row(row)[column]));
            }
            largest = Math.Max(largest, error / scale);
        }
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        return largest;
    }

    private static Tensor Round(MatrixView matrix)
    {
        Tensor rounded = Tensor.Uninitialized(matrix.Rows, matrix.Columns);
        for (int row = 0; row < matrix.Rows; row++)
            for (int column = 0; column < matrix.Columns; column++)
                rounded.Row(row)[column] = BitConverter.UInt32BitsToSingle((uint)Elements.ToBFloat16(matrix[row, column]) << 16);
        return rounded;
    }
}
