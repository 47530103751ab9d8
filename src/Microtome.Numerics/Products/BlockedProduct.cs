namespace Microtome.Numerics;

/// <summary>Cuts a product into chunks whose left operand, packed, has a bounded size.</summary>
internal static unsafe class BlockedProduct
{
    private const int LargestBlock = 528; // rows; packed, 256 elements of each take half of a second-level cache

    /// <param name="b">Used when <paramref name="packed"/> is null.</param>
    public static void Multiply(PanelKernel kernel, MatrixView a, MatrixView b, PackedMatrix? packed, Matrix c, bool accumulate)
    {
        if (c.Rows == 0 || c.Columns == 0) return;
        if (a.Columns == 0)
        {
            if (!accumulate) c.Clear();
            return;
        }
        int blocks = (c.Rows + LargestBlock - 1) / LargestBlock;
        int blockTiles = (c.Rows + blocks * kernel.TileRows - 1) / (blocks * kernel.TileRows);
        int blockRows = blockTiles * kernel.TileRows;
        int largestDepth = ProductScratch.LargestLeft / blockRows / PanelKernel.BlockDepth * PanelKernel.BlockDepth;
        for (int k = 0; k < a.Columns; k += largestDepth)
        {
            int depth = Math.Min(largestDepth, a.Columns - k);
            int rows = ProductScratch.LargestLeft / (depth * blockRows) * blockRows;
            MatrixView bRows = packed is null ? b.RowRange(k, depth) : default;
            for (int row = 0; row < c.Rows; row += rows)
            {
                int count = Math.Min(rows, c.Rows - row);
                new ProductChunk(
                    kernel, a.RowRange(row, count).ColumnRange(k, depth), bRows, packed, k, c.RowRange(row, count), blockTiles, accumulate || k > 0).Run();
            }
        }
    }
}
