using System.Runtime.Intrinsics;

namespace Microtome.Numerics;

/// <summary>
/// Multiplies packed panels. A left panel holds up to <see cref="TileRows"/> rows of A as [k, height], a right panel holds
/// <see cref="PanelColumns"/> columns of B as [k, columns]; both are padded with zeros. Every kernel computes the same bits:
/// one fused multiply-add per term in order of k, over at most <see cref="BlockDepth"/> terms.
/// </summary>
internal abstract unsafe class MatrixKernel
{
    /// <summary>Terms that are summed before the sum is added to C: 32 KB of a right panel, which stays in the first-level cache.</summary>
    public const int BlockDepth = 256;

    private const int LargestTile = 12 * 32;

    /// <summary>Everything this processor can run, the fastest first. The last is the plain one.</summary>
    public static IReadOnlyList<MatrixKernel> Supported { get; } = FindSupported();

    public static MatrixKernel Best => Supported[0];

    public abstract int TileRows { get; }

    public abstract int PanelColumns { get; }

    /// <summary>The height of the left panel for the last rows of A, of which fewer than <see cref="TileRows"/> may be left.</summary>
    public abstract int PanelHeight(int rows);

    /// <summary>Packs lines (rows of A or columns of B) into a panel of the given width; lines that are missing become zeros.</summary>
    /// <param name="depth">Elements of each line.</param>
    /// <param name="panel">[depth, width]</param>
    public abstract void Pack(float* source, nint lineStride, nint depthStride, int lines, int width, int depth, float* panel);

    /// <summary>As <see cref="Pack"/>, from bfloat16.</summary>
    public abstract void PackBFloat16(ushort* source, nint lineStride, nint depthStride, int lines, int width, int depth, float* panel);

    /// <summary>Turns a right panel whose numbers are all exact in bfloat16 into pairs of them: column j with column j + half the panel.</summary>
    public abstract void Narrow(float* panel, int depth, float* pairs);

    /// <summary>One row of A times <see cref="PanelColumns"/> columns of B, each contiguous.</summary>
    /// <param name="bfloat16">Whether B holds bfloat16; then the stride is even.</param>
    /// <param name="depth">A multiple of <see cref="InPlaceDepth"/>.</param>
    public abstract void MultiplyAlongDepth(float* x, byte* b, bool bfloat16, nint lineStride, int depth, float* c, bool accumulate);

    /// <summary>Adds one row of A times columns of B that lie side by side, a multiple of half a panel, to the sums.</summary>
    public abstract void MultiplyAcrossLines(float* x, byte* b, bool bfloat16, nint depthStride, int lines, int depth, float* sums);

    public int InPlaceDepth => PanelColumns;

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
        for (int row = 0; row < c.Rows; row++) CopyRow(tile + row * PanelColumns, c.Data + row * c.Stride, c.Columns, accumulate);
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
