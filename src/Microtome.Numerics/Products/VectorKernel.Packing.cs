using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics;

internal sealed unsafe partial class VectorKernel<TSimd, TVector>
{
    public override void Pack(float* source, nint lineStride, nint depthStride, int lines, int width, int depth, float* panel)
    {
        if (depthStride == 1) PackAlongDepth(source, lineStride, lines, width, depth, panel);
        else if (lineStride == 1) PackAcrossLines(source, depthStride, lines, width, depth, panel);
        else PackAny(source, lineStride, depthStride, lines, width, 0, depth, panel);
    }

    /// <summary>Each line is contiguous: a transposition.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAlongDepth(float* source, nint lineStride, int lines, int width, int depth, float* panel)
    {
        int k = 0;
        if (lines == width && width % TSimd.Lanes == 0)
        {
            for (; k + 4 <= depth; k += 4)
                for (int line = 0; line < width; line += TSimd.Lanes)
                    TSimd.Transpose(source + line * lineStride + k, lineStride, panel + k * width + line, width);
        }
        else
        {
            float* columns = stackalloc float[4 * TSimd.Lanes];
            float* rows = stackalloc float[4 * TSimd.Lanes];
            for (; k + 4 <= depth; k += 4)
                for (int line = 0; line < width; line += TSimd.Lanes)
                {
                    int count = Math.Min(TSimd.Lanes, width - line);
                    for (int i = 0; i < TSimd.Lanes; i++)
                        Vector128.Store(line + i < lines ? Vector128.Load(source + (line + i) * lineStride + k) : default, rows + 4 * i);
                    TSimd.Transpose(rows, 4, columns, TSimd.Lanes);
                    for (int j = 0; j < 4; j++)
                        for (int i = 0; i < count; i++) panel[(k + j) * width + line + i] = columns[j * TSimd.Lanes + i];
                }
        }
        PackAny(source, lineStride, 1, lines, width, k, depth, panel);
    }

    /// <summary>The lines lie side by side: copies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAcrossLines(float* source, nint depthStride, int lines, int width, int depth, float* panel)
    {
        if (lines == width && width == 2 * TSimd.Lanes)
        {
            for (int k = 0; k < depth; k++, source += depthStride, panel += width)
            {
                TSimd.Store(TSimd.Load(source), panel);
                TSimd.Store(TSimd.Load(source + TSimd.Lanes), panel + TSimd.Lanes);
            }
            return;
        }
        for (int k = 0; k < depth; k++, source += depthStride, panel += width)
        {
            int line = 0;
            for (; line + 4 <= lines; line += 4) Vector128.Store(Vector128.Load(source + line), panel + line);
            for (; line < lines; line++) panel[line] = source[line];
            for (; line < width; line++) panel[line] = 0;
        }
    }

    private static void PackAny(float* source, nint lineStride, nint depthStride, int lines, int width, int start, int depth, float* panel)
    {
        for (int k = start; k < depth; k++)
            for (int line = 0; line < width; line++)
                panel[k * width + line] = line < lines ? source[line * lineStride + k * depthStride] : 0;
    }
}
