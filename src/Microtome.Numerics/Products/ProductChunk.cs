namespace Microtome.Numerics;

/// <summary>
/// A product whose left operand is packed as a whole. A work item takes a block of its rows, which stay in the second-level cache,
/// through a group of right panels, each of which stays in the first-level cache while the rows pass by. When B is not packed, each
/// panel is packed there and then.
/// </summary>
internal sealed unsafe class ProductChunk
{
    private const long MultiplyAddsWorthThreads = 1 << 20;
    private const long ElementsWorthThreads = 1 << 18;
    private const int ItemsPerThread = 8;
    private const int SmallLeft = 1 << 17; // elements

    private readonly PanelKernel _kernel;
    private readonly MatrixView _a, _b;
    private readonly PackedMatrix? _packed;
    private readonly int _packedRow;
    private readonly Matrix _c;
    private readonly bool _accumulate;
    private readonly MatrixKernel? _byLine, _alongDepth, _acrossLines; // not null where B is read in place in that order
    private readonly int _depth, _tiles, _blockTiles, _lastHeight, _paddedRows, _panels, _blocks, _groups;
    private readonly float* _left;

    /// <param name="packed">Used instead of <paramref name="b"/>, from row <paramref name="packedRow"/> on, unless null.</param>
    /// <param name="blockTiles">Left panels in a block.</param>
    public ProductChunk(
        PanelKernel kernel, MatrixView a, MatrixView b, PackedMatrix? packed, int packedRow, Matrix c, int blockTiles, bool accumulate)
    {
        (_kernel, _a, _b, _packed, _packedRow, _c, _blockTiles, _accumulate) = (kernel, a, b, packed, packedRow, c, blockTiles, accumulate);
        _depth = a.Columns;
        _tiles = (a.Rows + kernel.TileRows - 1) / kernel.TileRows;
        _lastHeight = kernel.PanelHeight(a.Rows - (_tiles - 1) * kernel.TileRows);
        _paddedRows = (_tiles - 1) * kernel.TileRows + _lastHeight;
        _panels = (c.Columns + kernel.PanelColumns - 1) / kernel.PanelColumns;
        _blocks = (_tiles + blockTiles - 1) / blockTiles;
        _groups = Math.Clamp((ItemsPerThread * WorkerPool.Threads + _blocks - 1) / _blocks, 1, _panels);
        if (kernel is MatrixKernel inPlace && packed is null && a.Rows <= MatrixKernel.InPlaceRows && b.Type is (ElementType.F32 or ElementType.BF16))
        {
            if (b.RowStride == 1 && a.Rows == 1) _byLine = inPlace;
            else if (b.RowStride == 1 && (b.Type == ElementType.F32 || b.ColumnStride % 2 == 0)) _alongDepth = inPlace;
            else if (b.ColumnStride == 1) _acrossLines = inPlace;
        }
        _left = ProductScratch.Left(_paddedRows * kernel.LineLength(_depth));
    }

    public void Run()
    {
        long elements = (long)_paddedRows * _depth;
        Each(_tiles, PackLeft, threaded: elements >= ElementsWorthThreads);
        Each(
            _blocks * _groups, MultiplyItem,
            threaded: elements * _c.Columns >= MultiplyAddsWorthThreads || (long)_depth * _c.Columns >= ElementsWorthThreads);
    }

    /// <summary>What takes less than about ten microseconds is not worth another thread.</summary>
    private static void Each(int count, Action<int> body, bool threaded)
    {
        if (threaded) WorkerPool.For(count, body);
        else
            for (int i = 0; i < count; i++) body(i);
    }

    private int Height(int tile) => tile == _tiles - 1 ? _lastHeight : _kernel.TileRows;

    private int DepthAt(int k) => Math.Min(PanelKernel.BlockDepth, _depth - k);

    /// <summary>The packed left operand: [blocks of k, left panels].</summary>
    private float* Left(int tile, int k) =>
        _left + (nint)_kernel.LineLength(k) * _paddedRows + (nint)tile * _kernel.TileRows * _kernel.LineLength(DepthAt(k));

    private void PackLeft(int tile)
    {
        int row = tile * _kernel.TileRows, height = Height(tile);
        MatrixView lines = _a.RowRange(row, Math.Min(height, _a.Rows - row));
        for (int k = 0; k < _depth; k += PanelKernel.BlockDepth)
            _kernel.PackLeft(lines.ColumnRange(k, DepthAt(k)), height, Left(tile, k));
    }

    private void MultiplyItem(int item)
    {
        int group = item % _groups, firstTile = item / _groups * _blockTiles;
        int lastTile = Math.Min(_tiles, firstTile + _blockTiles);
        int firstPanel = (int)((long)_panels * group / _groups), lastPanel = (int)((long)_panels * (group + 1) / _groups);
        int column = firstPanel * _kernel.PanelColumns, columns = Math.Min(_c.Columns, lastPanel * _kernel.PanelColumns) - column;
        if (_byLine is not null)
        {
            MatrixView lines = _b.ColumnRange(column, columns);
            _byLine.MultiplyLines(Left(0, 0), lines.Data, lines.Type == ElementType.BF16, lines.ColumnStride * lines.Type.Size(), columns, _depth, _c.Data + column, _accumulate);
            return;
        }
        if (_acrossLines is not null)
        {
            MultiplyAcrossLines(_acrossLines, column, columns);
            return;
        }
        // A small left operand stays cached as a whole; then B is best read in the order in which it lies in memory.
        int depth = _paddedRows * _depth <= SmallLeft ? _depth : PanelKernel.BlockDepth;
        for (int start = 0; start < _depth; start += depth)
            for (int panel = firstPanel; panel < lastPanel; panel++)
                for (int k = start; k < Math.Min(_depth, start + depth); k += PanelKernel.BlockDepth)
                    MultiplyPanel(panel, k, firstTile, lastTile);
    }

    private void MultiplyPanel(int panel, int k, int firstTile, int lastTile)
    {
        int column = panel * _kernel.PanelColumns, columns = Math.Min(_kernel.PanelColumns, _c.Columns - column), depth = DepthAt(k);
        if (_alongDepth is not null && columns == _kernel.PanelColumns && _alongDepth.CanMultiplyAlongDepth(depth))
        {
            MultiplyAlongDepth(_alongDepth, column, k, depth);
            return;
        }
        float* right;
        if (_packed is not null) right = _packed.Panel(panel, _packedRow + k);
        else
        {
            right = _kernel.RightPanel;
            _kernel.PackRight(_b.RowRange(k, depth).ColumnRange(column, columns).T, pairs: false, right);
        }
        int row = firstTile * _kernel.TileRows, end = Math.Min(_c.Rows, lastTile * _kernel.TileRows);
        Matrix c = new(_c.Data + row * _c.Stride + column, end - row, columns, _c.Stride, _c.Owner);
        _kernel.MultiplyPanels(Left(firstTile, k), Height(lastTile - 1), right, _packed is { IsPairs: true }, depth, c, _accumulate || k > 0);
    }

    /// <summary>A full panel of B whose columns are contiguous, read in place.</summary>
    private void MultiplyAlongDepth(MatrixKernel kernel, int column, int k, int depth)
    {
        MatrixView b = _b.RowRange(k, depth).ColumnRange(column, kernel.PanelColumns);
        bool accumulate = _accumulate || k > 0, bfloat16 = b.Type == ElementType.BF16;
        if (_c.Rows == _lastHeight)
        {
            kernel.MultiplyAlongDepth(Left(0, k), b.Data, bfloat16, b.ColumnStride, depth, _depth - k, _c.Data + column, _c.Stride, accumulate);
            return;
        }
        float* tile = stackalloc float[MatrixKernel.LargestTile];
        kernel.MultiplyAlongDepth(Left(0, k), b.Data, bfloat16, b.ColumnStride, depth, _depth - k, tile, kernel.PanelColumns, accumulate: false);
        MatrixKernel.CopyTile(tile, kernel.PanelColumns, _c.ColumnRange(column, kernel.PanelColumns), accumulate);
    }

    /// <summary>Columns of B that lie side by side, read in place a few rows at a time.</summary>
    private void MultiplyAcrossLines(MatrixKernel kernel, int firstColumn, int columns)
    {
        int half = kernel.PanelColumns / 2, whole = columns / half * half, rows = _c.Rows;
        int strip = ProductScratch.PanelLength / _lastHeight;
        float* sums = ProductScratch.Panel;
        for (int start = 0; start < whole; start += strip)
        {
            int column = firstColumn + start, count = Math.Min(strip, whole - start);
            for (int k = 0; k < _depth; k += PanelKernel.BlockDepth)
            {
                MatrixView b = _b.RowRange(k, DepthAt(k)).ColumnRange(column, count);
                new Span<float>(sums, rows * strip).Clear();
                kernel.MultiplyAcrossLines(
                    rows, _lastHeight, Left(0, k), b.Data, b.Type == ElementType.BF16, b.RowStride, count, b.Rows, sums, strip);
                MatrixKernel.CopyTile(sums, strip, _c.ColumnRange(column, count), _accumulate || k > 0);
            }
        }
        if (whole < columns) MultiplyTail(kernel, firstColumn + whole, columns - whole);
    }

    private void MultiplyTail(MatrixKernel kernel, int column, int columns)
    {
        for (int k = 0; k < _depth; k += PanelKernel.BlockDepth)
        {
            int depth = DepthAt(k);
            Panels.Pack(kernel, _b.RowRange(k, depth).ColumnRange(column, columns).T, kernel.PanelColumns, ProductScratch.Panel);
            kernel.Multiply(_lastHeight, Left(0, k), ProductScratch.Panel, pairs: false, depth, _c.ColumnRange(column, columns), _accumulate || k > 0);
        }
    }
}
