using System.Runtime.Intrinsics;

namespace Microtome.Numerics;

/// <summary>
/// Multiplies in float32. A left panel is [k, height], a right panel [k, columns]. Every kernel computes the same bits: one fused
/// multiply-add per term in order of k, over at most <see cref="PanelKernel.BlockDepth"/> terms.
/// </summary>
internal abstract unsafe class MatrixKernel : PanelKernel
{
    public const int LargestTile = 12 * 32;

    /// <summary>Everything this processor can run, the fastest first. The last is the plain one.</summary>
    public static IReadOnlyList<MatrixKernel> Supported { get; } = FindSupported();

    public static MatrixKernel Best => Supported[0];

    public override float* RightPanel => ProductScratch.Panel;

    public override int LineLength(int depth) => depth;

    public override nint PanelLength(int depth, bool pairs) => (nint)depth * PanelColumns / (pairs ? 2 : 1);

    public override void PackLeft(MatrixView lines, int height, float* panel) => Panels.Pack(this, lines, height, panel);

    public override void PackRight(MatrixView lines, bool pairs, float* panel)
    {
        float* packed = pairs ? ProductScratch.Panel : panel;
        Panels.Pack(this, lines, PanelColumns, packed);
        if (pairs) Narrow(packed, lines.Columns, panel);
    }

    public override void MultiplyPanels(float* left, int lastHeight, float* right, bool pairs, int depth, Matrix c, bool accumulate)
    {
        for (int row = 0; row < c.Rows; row += TileRows, left += TileRows * depth)
        {
            int rows = Math.Min(TileRows, c.Rows - row);
            Multiply(row + TileRows < c.Rows ? TileRows : lastHeight, left, right, pairs, depth, c.RowRange(row, rows), accumulate);
        }
    }

    /// <summary>Packs lines (rows of A or columns of B) into a panel of the given width; lines that are missing become zeros.</summary>
    /// <param name="depth">Elements of each line.</param>
    /// <param name="panel">[depth, width]</param>
    public abstract void Pack(float* source, nint lineStride, nint depthStride, int lines, int width, int depth, float* panel);

    /// <summary>As <see cref="Pack"/>, from bfloat16.</summary>
    public abstract void PackBFloat16(ushort* source, nint lineStride, nint depthStride, int lines, int width, int depth, float* panel);

    /// <summary>Turns a right panel whose numbers are all exact in bfloat16 into pairs of them: column j with column j + half the panel.</summary>
    public abstract void Narrow(float* panel, int depth, float* pairs);

    /// <summary>Rows of A for which B is best read where it lies.</summary>
    public const int InPlaceRows = 4;

    /// <summary>Whether B can be read in place along k for that many k.</summary>
    public bool CanMultiplyAlongDepth(int depth) => depth % PanelColumns == 0;

    /// <summary>In how many sums the product of a single row and a contiguous column of B is formed.</summary>
    public const int LineSums = 32;

    /// <summary>
    /// C [count] = or += one row · columns of B, each of which is contiguous: a line. Term k goes to sum k mod <see cref="LineSums"/>, and then <see cref="SumOfLine"/>
    /// adds the sums: in that order a line is read as fast as memory gives it.
    /// </summary>
    /// <param name="a">[depth]</param>
    /// <param name="lineBytes">Bytes from one line to the next.</param>
    public abstract void MultiplyLines(float* a, byte* lines, bool bfloat16, nint lineBytes, int count, int depth, float* c, bool accumulate);

    /// <summary>The sum of a line's sums, which it overwrites: the upper half is added to the lower until one is left.</summary>
    protected static float SumOfLine(float* sums)
    {
        for (int half = LineSums / 2; half >= 4; half /= 2)
            for (int i = 0; i < half; i += 4) (Vector128.Load(sums + i) + Vector128.Load(sums + half + i)).Store(sums + i);
        return sums[0] + sums[2] + (sums[1] + sums[3]);
    }

    /// <summary>C [4, PanelColumns] = or += left panel · columns of B, each of which is contiguous.</summary>
    /// <param name="left">A panel of 4 rows.</param>
    /// <param name="bfloat16">Whether B holds bfloat16; then the stride is even.</param>
    public abstract void MultiplyAlongDepth(
        float* left, byte* b, bool bfloat16, nint lineStride, int depth, int rest, float* c, nint stride, bool accumulate);

    /// <summary>Sums [rows, lines] += left panel · columns of B that lie side by side, a multiple of half a right panel.</summary>
    public abstract void MultiplyAcrossLines(
        int rows, int height, float* left, byte* b, bool bfloat16, nint depthStride, int lines, int depth, float* sums, nint stride);

    /// <summary>C [height, PanelColumns] = or += left panel · right panel.</summary>
    protected abstract void Tile(int height, float* left, float* right, bool pairs, int depth, float* c, nint stride, bool accumulate);

    /// <summary>As <see cref="Tile"/>, writing only the rows and columns that exist.</summary>
    public void Multiply(int height, float* left, float* right, bool pairs, int depth, Matrix c, bool accumulate)
    {
        if (c.Rows == height && c.Columns == PanelColumns)
        {
            Tile(height, left, right, pairs, depth, c.Data, c.Stride, accumulate);
            return;
        }
        float* tile = stackalloc float[LargestTile];
        Tile(height, left, right, pairs, depth, tile, PanelColumns, accumulate: false);
        CopyTile(tile, PanelColumns, c, accumulate);
    }

    /// <summary>C = or += the top left of a tile.</summary>
    public static void CopyTile(float* tile, nint stride, Matrix c, bool accumulate)
    {
        for (int row = 0; row < c.Rows; row++) CopyRow(tile + row * stride, c.Data + row * c.Stride, c.Columns, accumulate);
    }

    private static void CopyRow(float* source, float* destination, int count, bool accumulate)
    {
        int i = 0;
        if (accumulate)
        {
            for (; i + 4 <= count; i += 4) (Vector128.Load(destination + i) + Vector128.Load(source + i)).Store(destination + i);
            for (; i < count; i++) destination[i] += source[i];
        }
        else
        {
            for (; i + 4 <= count; i += 4) Vector128.Load(source + i).Store(destination + i);
            for (; i < count; i++) destination[i] = source[i];
        }
    }

    private static List<MatrixKernel> FindSupported()
    {
        List<MatrixKernel> kernels = [];
        if (Simd512.IsSupported) kernels.Add(new VectorKernel<Simd512, Vector512<float>>());
        if (Simd256.IsSupported) kernels.Add(new VectorKernel<Simd256, Vector256<float>>());
        if (Simd128.IsSupported) kernels.Add(new VectorKernel<Simd128, Vector128<float>>());
        kernels.Add(new PlainKernel());
        return kernels;
    }
}
