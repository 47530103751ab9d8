namespace Microtome.Numerics;

/// <summary>Brings operands of any type and strides into panels.</summary>
internal static unsafe class Panels
{
    /// <param name="lines">[lines, depth]: rows of A, or rows of B transposed; at most 32 by <see cref="MatrixKernel.BlockDepth"/></param>
    /// <param name="width">The width of the panel; lines beyond those given become zeros.</param>
    /// <param name="panel">[depth, width]</param>
    public static void Pack(MatrixKernel kernel, MatrixView lines, int width, float* panel)
    {
        float* source = (float*)lines.Data;
        nint lineStride = lines.RowStride, depthStride = lines.ColumnStride;
        if (lines.Type != ElementType.F32)
        {
            source = ProductScratch.Expanded;
            bool alongLines = lines.RowStride == 1;
            Expand(alongLines ? lines.T : lines, source);
            (lineStride, depthStride) = alongLines ? (1, lines.Rows) : (lines.Columns, 1);
        }
        kernel.Pack(source, lineStride, depthStride, lines.Rows, width, lines.Columns, panel);
    }

    private static void Expand(MatrixView rows, float* destination)
    {
        for (int row = 0; row < rows.Rows; row++)
            rows.CopyRow(row, new Span<float>(destination + (nint)row * rows.Columns, rows.Columns));
    }
}
