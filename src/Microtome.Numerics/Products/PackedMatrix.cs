namespace Microtome.Numerics;

/// <summary>
/// The right operand of many products, copied once into the order in which the kernel reads it. bfloat16 stays as it is, at two
/// bytes; float32 and float16 become float32, or bfloat16 for a matrix unit if that is <see cref="MatrixProduct.Precision"/> at the time.
/// Products with it have the same bits as products with the matrix that it was made from, unless only one of them uses the matrix
/// unit: packed bfloat16 always does, and packed float32 and float16 never do.
/// </summary>
public sealed unsafe class PackedMatrix
{
    private readonly Tensor _panels;

    private PackedMatrix(PanelKernel kernel, MatrixView matrix)
    {
        Kernel = kernel;
        Rows = matrix.Rows;
        Columns = matrix.Columns;
        IsPairs = matrix.Type == ElementType.BF16;
        int width = kernel.PanelColumns;
        nint panelLength = kernel.PanelLength(Rows, IsPairs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(panelLength, Array.MaxLength, nameof(matrix));
        _panels = Tensor.Uninitialized((Columns + width - 1) / width, (int)panelLength);
        WorkerPool.For(_panels.Shape[0], panel =>
        {
            MatrixView columns = matrix.ColumnRange(panel * width, Math.Min(width, matrix.Columns - panel * width));
            for (int k = 0; k < matrix.Rows; k += PanelKernel.BlockDepth)
            {
                int depth = Math.Min(PanelKernel.BlockDepth, matrix.Rows - k);
                kernel.PackRight(columns.RowRange(k, depth).T, IsPairs, Panel(panel, k));
            }
        });
    }

    /// <summary>The number of rows: the inner dimension of the products it takes part in.</summary>
    public int Rows { get; }

    public int Columns { get; }

    /// <summary>The memory that it takes, in bytes.</summary>
    public long Bytes => (long)_panels.Length * sizeof(float);

    internal PanelKernel Kernel { get; }

    /// <summary>Whether it was bfloat16.</summary>
    internal bool IsPairs { get; }

    internal float* Panel(int index, int k) => _panels.Pointer + (nint)index * _panels.Columns + Kernel.PanelLength(k, IsPairs);

    /// <summary>Copies <paramref name="matrix"/>, which is not needed any more afterwards.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It has 2^31 elements or more (bfloat16: 2^32).</exception>
    public static PackedMatrix Pack(MatrixView matrix)
    {
        PanelKernel? tiles = MatrixUnit.Kernels?.ForPacking(matrix.Rows, matrix.Type, MatrixProduct.Precision);
        return new PackedMatrix(tiles ?? MatrixKernel.Best, matrix);
    }

    internal static PackedMatrix Pack(MatrixView matrix, PanelKernel kernel) => new(kernel, matrix);
}
