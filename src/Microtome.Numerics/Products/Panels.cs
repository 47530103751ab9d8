namespace Microtome.Numerics;

/// <summary>Brings operands of any type and strides into panels.</summary>
internal static unsafe class Panels
{
    /// <param name="lines">[lines, depth]: rows of A, or rows of B transposed; at most 32 by <see cref="MatrixKernel.BlockDepth"/></param>
    /// <param name="width">The width of the panel; lines beyond those given become zeros.</param>
    /// <param name="panel">[depth, width]</param>
    public static void Pack(MatrixKernel kernel, MatrixView lines, int width, float* panel)
    {
        switch (lines.Type)
        {
            case ElementType.F32:
                kernel.Pack((float*)lines.Data, lines.RowStride, lines.ColumnStride, lines.Rows, width, lines.Columns, panel);
                break;
            case ElementType.BF16:
                kernel.PackBFloat16((ushort*)lines.Data, lines.RowStride, lines.ColumnStride, lines.Rows, width, lines.Columns, panel);
                break;
            default:
                float* expanded = ProductScratch.Expanded;
                bool across = lines.RowStride == 1;
                Expand(across ? lines.T : lines, expanded);
                kernel.Pack(expanded, across ? 1 : lines.Columns, across ? lines.Rows : 1, lines.Rows, width, lines.Columns, panel);
                break;
        }
    }

    private static void Expand(MatrixView rows, float* destination)
    {
        for (int row = 0; row < rows.Rows; row++)
            rows.CopyRow(row, new Span<float>(destination + (nint)row * rows.Columns, rows.Columns));
    }
}
