namespace Microtome.Numerics;

/// <summary>
/// The right operand of many products, copied once into the order in which the kernel reads it. bfloat16 stays as it is, at two
/// bytes; float32 and float16 become float32. Products with it have the same bits as products with the matrix that it was made from.
/// </summary>
public sealed unsafe class PackedMatrix
{
    private readonly Tensor _panels;

    private PackedMatrix(MatrixKernel kernel, MatrixView matrix)
    {
        Kernel = kernel;
        Rows = matrix.Rows;
        Columns = matrix.Columns;
        IsPairs = matrix.Type == ElementType.BF16;
        int step = IsPairs ? kernel.PanelColumns / 2 : kernel.PanelColumns; // floats
        PanelStep = step;
        int panels = (Columns + kernel.PanelColumns - 1) / kernel.PanelColumns;
        _panels = Tensor.Uninitialized(panels, Rows, step);
        float* destination = _panels.Pointer;
        WorkerPool.For(panels, panel =>
        {
            MatrixView columns = matrix.ColumnRange(panel * kernel.PanelColumns, Math.Min(kernel.PanelColumns, matrix.Columns - panel * kernel.PanelColumns));
            for (int k = 0; k < matrix.Rows; k += MatrixKernel.BlockDepth)
            {
                int depth = Math.Min(MatrixKernel.BlockDepth, matrix.Rows - k);
                float* block = destination + ((nint)panel * matrix.Rows + k) * step;
                float* packed = IsPairs ? ProductScratch.Panel : block;
                Panels.Pack(kernel, columns.RowRange(k, depth).T, kernel.PanelColumns, packed);
                if (IsPairs) kernel.Narrow(packed, depth, block);
            }
        });
    }

    /// <summary>The number of rows: the inner dimension of the products it takes part in.</summary>
    public int Rows { get; }

    public int Columns { get; }

    /// <summary>The memory that it takes, in bytes.</summary>
    public long Bytes => (long)_panels.Length * sizeof(float);

    internal MatrixKernel Kernel { get; }

    /// <summary>Whether the panels hold pairs of bfloat16.</summary>
    internal bool IsPairs { get; }

    /// <summary>Floats from one k of a panel to the next.</summary>
    internal int PanelStep { get; }

    internal float* Panel(int index, int k) => _panels.Pointer + ((nint)index * Rows + k) * PanelStep;

    /// <summary>Copies <paramref name="matrix"/>, which is not needed any more afterwards.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It has 2^31 elements or more (bfloat16: 2^32).</exception>
    public static PackedMatrix Pack(MatrixView matrix) => new(MatrixKernel.Best, matrix);

    internal static PackedMatrix Pack(MatrixView matrix, MatrixKernel kernel) => new(kernel, matrix);
}
