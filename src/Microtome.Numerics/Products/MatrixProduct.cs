namespace Microtome.Numerics;

/// <summary>
/// Matrix products in float32: <c>C = A·B</c>, or <c>C += A·B</c>. Every element is a sum over blocks of 256 k, in order; within a block
/// one fused multiply-add per term, in order. So its bits depend on its row of A, its column of B and what C held, and on nothing else:
/// not on the number of threads, on the other rows and columns, on strides, on whether B is packed, or on the processor. One case has an
/// order of its own, so that it can run at the speed of memory: a single row times a B of float32 or bfloat16 whose columns are contiguous
/// (weights as they are stored) and which is not packed adds term k to sum k mod 32, and the 32 sums in halves.
/// </summary>
/// <remarks>
/// A processor's matrix unit (<see cref="MatrixUnit"/>), where there is one, takes the products over at least 32 k that are worth it: those of 16
/// rows and more with a B of bfloat16, of 64 and more with another. It sums a block in an order of its own, no less accurately; there the
/// bits depend on whether it is used, too. It counts numbers below 2^-126 as zero, and may give NaN where the others give an infinity.
/// </remarks>
public static unsafe class MatrixProduct
{
    /// <summary>What products keep of their operands' precision where a matrix unit multiplies them. It applies to products that start after it was set.</summary>
    public static Precision Precision { get; set; }

    /// <param name="a">[m, k]</param>
    /// <param name="b">[k, n], of any weight type and either storage order</param>
    /// <param name="c">[m, n]; must not overlap a or b</param>
    /// <param name="accumulate">Add to what c holds.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void Multiply(MatrixView a, MatrixView b, Matrix c, bool accumulate = false) =>
        Multiply(a, b, c, accumulate, KernelFor(a, b));

    /// <inheritdoc cref="Multiply(MatrixView, MatrixView, Matrix, bool)"/>
    public static void Multiply(MatrixView a, PackedMatrix b, Matrix c, bool accumulate = false)
    {
        ArgumentNullException.ThrowIfNull(b);
        Check(a.Rows, a.Columns, b.Rows, b.Columns, c);
        BlockedProduct.Multiply(KernelFor(a, b), a, default, b, c, accumulate);
        KeepAlive(a, default, c);
        GC.KeepAlive(b);
    }

    internal static void Multiply(MatrixView a, MatrixView b, Matrix c, bool accumulate, PanelKernel kernel)
    {
        Check(a.Rows, a.Columns, b.Rows, b.Columns, c);
        BlockedProduct.Multiply(kernel, a, b, null, c, accumulate);
        KeepAlive(a, b, c);
    }

    internal static PanelKernel KernelFor(MatrixView a, MatrixView b) =>
        (PanelKernel?)MatrixUnit.Kernels?.For(a.Rows, a.Columns, a.Type, b.Type, Precision) ?? MatrixKernel.Best;

    internal static PanelKernel KernelFor(MatrixView a, PackedMatrix b) => b.Kernel.ForLeft(a.Type, Precision);

    private static void KeepAlive(MatrixView a, MatrixView b, Matrix c)
    {
        GC.KeepAlive(a.Owner);
        GC.KeepAlive(b.Owner);
        GC.KeepAlive(c.Owner);
    }

    /// <summary>What tests compare the products with: the sum in float64, rounded once.</summary>
    internal static void Reference(MatrixView a, MatrixView b, Matrix c, bool accumulate)
    {
        WorkerPool.For(c.Rows, row =>
        {
            float[] left = new float[a.Columns];
            a.CopyRow(row, left);
            double[] sums = new double[c.Columns];
            float[] right = new float[c.Columns];
            for (int k = 0; k < left.Length; k++)
            {
                b.CopyRow(k, right);
                for (int j = 0; j < sums.Length; j++) sums[j] += (double)left[k] * right[j];
            }
            Span<float> result = c.Row(row);
            for (int j = 0; j < sums.Length; j++) result[j] = (float)(accumulate ? result[j] + sums[j] : sums[j]);
        });
    }

    private static void Check(int m, int k, int bRows, int n, Matrix c)
    {
        if (k != bRows || m != c.Rows || n != c.Columns)
            throw new ArgumentException($"[{m}, {k}] times [{bRows}, {n}] does not fit into [{c.Rows}, {c.Columns}].");
    }
}
