using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics;

/// <summary>
/// Multiplies with a <see cref="TileUnit"/>: operands become sums of bfloat16 terms (<see cref="TileTerms"/>), whose products are summed in
/// float32, over at most <see cref="PanelKernel.BlockDepth"/> k at a time. The layouts of the panels are those of <see cref="TileArguments"/>.
/// </summary>
internal sealed unsafe class TileKernel(TileKernels family, TileUnit unit, int leftTerms, int rightTerms) : PanelKernel
{
    private const int Side = TileUnit.Side, Columns = TileUnit.PanelColumns, StepDepth = TileUnit.Depth;

    public override string ToString() => $"tiles, {leftTerms}x{rightTerms}";

    public override int TileRows => 2 * Side;

    public override int PanelColumns => Columns;

    public override float* RightPanel => TileScratch.Right;

    public override int PanelHeight(int rows) => rows > Side ? 2 * Side : Side;

    public override int LineLength(int depth) => Steps(depth) * StepDepth * leftTerms / 2;

    public override nint PanelLength(int depth, bool pairs) => (nint)Steps(depth) * StepDepth * Columns * rightTerms / 2;

    public override PanelKernel ForLeft(ElementType type, Precision precision) => family.Get(TileKernels.Terms(type, precision), rightTerms);

    private static int Steps(int depth) => (depth + StepDepth - 1) / StepDepth;

    public override void PackLeft(MatrixView lines, int height, float* panel)
    {
        float* rows = TileScratch.Rows;
        ushort* destination = (ushort*)panel;
        new Span<float>(rows + lines.Rows * StepDepth, (height - lines.Rows) * StepDepth).Clear();
        for (int k = 0; k < lines.Columns; k += StepDepth)
        {
            MatrixView block = lines.ColumnRange(k, Math.Min(StepDepth, lines.Columns - k));
            Panels.Pack(MatrixKernel.Best, block.T, StepDepth, rows);
            SplitRows(rows, height, destination);
            destination += leftTerms * height * StepDepth;
        }
    }

    /// <summary>[height, 32] float32 to [terms, height, 32] bfloat16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SplitRows(float* rows, int height, ushort* destination)
    {
        int length = height * StepDepth;
        for (int i = 0; i < length; i += StepDepth)
        {
            Vector512<float> low = Vector512.Load(rows + i), high = Vector512.Load(rows + i + Side);
            if (leftTerms == 1)
            {
                Join(TileTerms.Nearest(low), TileTerms.Nearest(high)).Store(destination + i);
                continue;
            }
            for (int term = 0; term < leftTerms; term++)
            {
                bool last = term == leftTerms - 1;
                Join(TileTerms.Next(ref low, last), TileTerms.Next(ref high, last)).Store(destination + term * length + i);
            }
        }
    }

    /// <summary>The upper halves of the lanes of two vectors, side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Join(Vector512<uint> low, Vector512<uint> high) => Vector512.Narrow(low >>> 16, high >>> 16);

    public override void PackRight(MatrixView lines, bool pairs, float* panel)
    {
        int depth = lines.Columns, padded = Steps(depth) * StepDepth;
        if (rightTerms == 1 && lines.Type == ElementType.BF16 && lines.ColumnStride == 1 && lines.RowStride % 2 == 0)
        {
            // Two numbers of consecutive k lie together already, and are transposed as one.
            MatrixKernel.Best.Pack((float*)lines.Data, lines.RowStride / 2, 1, lines.Rows, Columns, depth / 2, panel);
            new Span<float>(panel + depth / 2 * Columns, (padded - depth + 1) / 2 * Columns).Clear();
            if (depth % 2 == 0) return;
            for (int line = 0; line < lines.Rows; line++)
                ((uint*)panel)[depth / 2 * Columns + line] = ((ushort*)lines.Data)[line * lines.RowStride + depth - 1];
            return;
        }
        float* rows = ProductScratch.Panel;
        Panels.Pack(MatrixKernel.Best, lines, Columns, rows);
        new Span<float>(rows + depth * Columns, (padded - depth) * Columns).Clear();
        uint* destination = (uint*)panel;
        for (int k = 0; k < padded; k += StepDepth, destination += rightTerms * Columns * StepDepth / 2)
            SplitPairs(rows + k * Columns, destination);
    }

    /// <summary>[32, columns] float32 to [terms, 16, columns, 2] bfloat16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SplitPairs(float* rows, uint* destination)
    {
        const int TermLength = Columns * StepDepth / 2;
        for (int k = 0; k < StepDepth; k += 2, rows += 2 * Columns, destination += Columns)
            for (int column = 0; column < Columns; column += Side)
            {
                Vector512<float> even = Vector512.Load(rows + column), odd = Vector512.Load(rows + Columns + column);
                if (rightTerms == 1)
                {
                    (TileTerms.Nearest(even) >>> 16 | TileTerms.Nearest(odd)).Store(destination + column);
                    continue;
                }
                for (int term = 0; term < rightTerms; term++)
                {
                    bool last = term == rightTerms - 1;
                    (TileTerms.Next(ref even, last) >>> 16 | TileTerms.Next(ref odd, last)).Store(destination + term * TermLength + column);
                }
            }
    }

    public override void MultiplyPanels(float* left, int lastHeight, float* right, bool pairs, int depth, Matrix c, bool accumulate)
    {
        int wholeRows = lastHeight == Side ? (c.Rows - 1) / (2 * Side) * 2 * Side : c.Rows; // those in panels of two tiles
        for (int row = 0; row < c.Rows;)
        {
            bool half = row == wholeRows;
            int rows = half ? c.Rows - row : Math.Min(TileScratch.PanelsAtOnce * 2 * Side, wholeRows - row);
            int height = half ? 1 : 2, panels = (rows + height * Side - 1) / (height * Side);
            Matrix result = c.RowRange(row, rows);
            bool direct = !accumulate && c.Columns == Columns && rows == panels * height * Side;
            float* sums = direct ? result.Data : TileScratch.Sums;
            TileArguments arguments = new(sums, direct ? result.Stride : Columns, left + row * LineLength(depth), right, Steps(depth), panels);
            unit.Multiply(leftTerms, rightTerms, height, &arguments);
            if (!direct) Write(sums, result, accumulate);
            row += rows;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write(float* sums, Matrix c, bool accumulate)
    {
        if (!accumulate || c.Columns != Columns)
        {
            MatrixKernel.CopyTile(sums, Columns, c, accumulate);
            return;
        }
        float* destination = c.Data;
        for (int row = 0; row < c.Rows; row++, sums += Columns, destination += c.Stride)
        {
            (Vector512.Load(destination) + Vector512.Load(sums)).Store(destination);
            (Vector512.Load(destination + Side) + Vector512.Load(sums + Side)).Store(destination + Side);
        }
    }
}
