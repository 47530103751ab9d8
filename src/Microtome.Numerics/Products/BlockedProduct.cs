namespace Microtome.Numerics;

/// <summary>
/// One product, cut into pieces that fit the caches. A is packed a chunk at a time; a work item takes a block of its rows (second-level
/// cache) through a group of right panels, each of which stays in the first-level cache while the rows pass by. An unpacked B is
/// packed there and then, one panel at a time.
/// </summary>
internal sealed unsafe class BlockedProduct(MatrixKernel kernel, MatrixView a, MatrixView b, PackedMatrix? packed, Matrix c, bool accumulate)
{
    private const int RowsPerBlock = 480;
    private const int LongestChunk = 64 * MatrixKernel.BlockDepth;
    private const long MultiplyAddsWorthThreads = 1 << 20;
    private const long ElementsWorthThreads = 1 << 17;

    private readonly int _panels = (c.Columns + kernel.PanelColumns - 1) / kernel.PanelColumns;
    private readonly bool _threaded =
        (long)a.Rows * a.Columns * c.Columns >= MultiplyAddsWorthThreads || (long)a.Columns * c.Columns >= ElementsWorthThreads;

    public void Run()
    {
        if (c.Rows == 0 || c.Columns == 0) return;
        if (a.Columns == 0)
        {
            if (!accumulate) c.Clear();
            return;
        }
        int depth = Math.Min(a.Columns, LongestChunk);
        int rows = Math.Max(1, ProductScratch.LargestLeft / depth / RowsPerBlock) * RowsPerBlock;
        if (rows * (long)depth > ProductScratch.LargestLeft) rows = ProductScratch.LargestLeft / depth / kernel.TileRows * kernel.TileRows;
        for (int row = 0; row < a.Rows; row += rows)
            for (int k = 0; k < a.Columns; k += depth)
                Chunk(row, Math.Min(rows, a.Rows - row), k, Math.Min(depth, a.Columns - k));
    }

    private void Chunk(int firstRow, int rows, int firstK, int depth)
    {
        int tiles = (rows + kernel.TileRows - 1) / kernel.TileRows;
        int lastHeight = kernel.PanelHeight(rows - (tiles - 1) * kernel.TileRows);
        int paddedRows = (tiles - 1) * kernel.TileRows + lastHeight;
        float* left = ProductScratch.Left(paddedRows * depth);
        MatrixView source = a.RowRange(firstRow, rows).ColumnRange(firstK, depth);
        Each((long)rows * depth >= ElementsWorthThreads, tiles, tile =>
        {
            int row = tile * kernel.TileRows;
            int height = tile == tiles - 1 ? lastHeight : kernel.TileRows;
            MatrixView lines = source.RowRange(row, Math.Min(height, rows - row));
            for (int k = 0; k < depth; k += MatrixKernel.BlockDepth)
            {
                int count = Math.Min(MatrixKernel.BlockDepth, depth - k);
                Panels.Pack(kernel, lines.ColumnRange(k, count), height, left + (nint)k * paddedRows + (nint)row * count);
            }
        });

        int blocks = (rows + RowsPerBlock - 1) / RowsPerBlock;
        int tilesPerBlock = (tiles + blocks - 1) / blocks;
        int groups = Math.Clamp(8 * WorkerPool.Threads / blocks, 1, _panels);
        Each(_threaded, blocks * groups, item =>
        {
            int group = item % groups, block = item / groups;
            int firstTile = block * tilesPerBlock, lastTile = Math.Min(tiles, firstTile + tilesPerBlock);
            int firstPanel = (int)((long)_panels * group / groups), lastPanel = (int)((long)_panels * (group + 1) / groups);
            for (int k = 0; k < depth; k += MatrixKernel.BlockDepth)
            {
                int count = Math.Min(MatrixKernel.BlockDepth, depth - k);
                bool add = accumulate || firstK + k > 0;
                for (int panel = firstPanel; panel < lastPanel; panel++)
                {
                    int column = panel * kernel.PanelColumns;
                    int columns = Math.Min(kernel.PanelColumns, c.Columns - column);
                    float* right;
                    if (packed is not null) right = packed.Panel(panel, firstK + k);
                    else
                    {
                        right = ProductScratch.Panel;
                        Panels.Pack(kernel, b.RowRange(firstK + k, count).ColumnRange(column, columns).T, kernel.PanelColumns, right);
                    }
                    for (int tile = firstTile; tile < lastTile; tile++)
                    {
                        int row = tile * kernel.TileRows;
                        int height = tile == tiles - 1 ? lastHeight : kernel.TileRows;
                        Matrix target = new(
                            c.Data + (firstRow + row) * c.Stride + column, Math.Min(height, rows - row), columns, c.Stride);
                        kernel.Multiply(height, left + (nint)k * paddedRows + (nint)row * count, right, packed is { IsPairs: true }, count, target, add);
                    }
                }
            }
        });
    }

    private static void Each(bool threaded, int count, Action<int> body)
    {
        if (threaded) WorkerPool.For(count, body);
        else
            for (int i = 0; i < count; i++) body(i);
    }
}
