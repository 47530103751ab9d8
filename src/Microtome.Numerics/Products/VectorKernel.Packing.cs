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

    public override void PackBFloat16(ushort* source, nint lineStride, nint depthStride, int lines, int width, int depth, float* panel)
    {
        if (depthStride == 1 && lineStride % 2 == 0)
        {
            // Two numbers are transposed as one, and taken apart afterwards.
            float* pairs = ProductScratch.Expanded;
            PackAlongDepth((float*)source, lineStride / 2, lines, width, depth / 2, pairs);
            WidenPairs(pairs, width, depth / 2, panel);
            for (int k = depth & ~1; k < depth; k++)
                for (int line = 0; line < width; line++)
                    ((uint*)panel)[k * width + line] = line < lines ? (uint)source[line * lineStride + k] << 16 : 0;
        }
        else if (lineStride == 1 && lines == width && width == 2 * TSimd.Lanes)
        {
            WidenAcrossLines(source, depthStride, depth, panel);
        }
        else
        {
            for (int k = 0; k < depth; k++)
                for (int line = 0; line < width; line++)
                    ((uint*)panel)[k * width + line] = line < lines ? (uint)source[line * lineStride + k * depthStride] << 16 : 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WidenAcrossLines(ushort* source, nint depthStride, int depth, float* panel)
    {
        for (int k = 0; k < depth; k++, source += depthStride, panel += 2 * TSimd.Lanes)
        {
            TSimd.Store(TSimd.Widen(source), panel);
            TSimd.Store(TSimd.Widen(source + TSimd.Lanes), panel + TSimd.Lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WidenPairs(float* pairs, int width, int depth, float* panel)
    {
        for (int k = 0; k < depth; k++, pairs += width, panel += 2 * width)
        {
            int line = 0;
            for (; line + TSimd.Lanes <= width; line += TSimd.Lanes)
            {
                TSimd.Store(TSimd.LowHalves(pairs + line), panel + line);
                TSimd.Store(TSimd.HighHalves(pairs + line), panel + width + line);
            }
            for (; line < width; line++)
            {
                ((uint*)panel)[line] = ((uint*)pairs)[line] << 16;
                ((uint*)panel)[width + line] = ((uint*)pairs)[line] & 0xFFFF0000;
            }
        }
    }

    /// <summary>Each line is contiguous: a transposition.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAlongDepth(float* source, nint lineStride, int lines, int width, int depth, float* panel)
    {
        int whole = depth / TSimd.Lanes * TSimd.Lanes;
        if (lines == width && width == 2 * TSimd.Lanes)
        {
            for (int line = 0; line < lines; line += TSimd.Lanes)
            {
                float* next = line + TSimd.Lanes < lines ? source + (line + TSimd.Lanes) * lineStride : source + depth;
                for (int k = 0; k < whole; k += TSimd.Lanes)
                {
                    for (int i = 0; i < TSimd.Lanes; i++) TSimd.PrefetchFar(next + i * lineStride + k);
                    TSimd.TransposeSquare(source + line * lineStride + k, lineStride, panel + k * width + line, width);
                }
            }
        }
        else if (lines >= 4)
        {
            // The last four lines may overlap those before them.
            for (int line = 0; line < lines; line += 4)
            {
                int first = Math.Min(line, lines - 4);
                float* next = line + 4 < lines ? source + (line + 4) * lineStride : source + depth;
                for (int k = 0; k < whole; k += TSimd.Lanes)
                {
                    for (int i = 0; i < 4; i++) TSimd.PrefetchFar(next + i * lineStride + k);
                    TSimd.Transpose(source + first * lineStride + k, lineStride, panel + k * width + first, width);
                }
            }
            for (int k = 0; k < whole; k++)
                for (int line = lines; line < width; line++) panel[k * width + line] = 0;
        }
        else
        {
            new Span<float>(panel, depth * width).Clear();
            for (int line = 0; line < lines; line++)
                for (int k = 0; k < depth; k++) panel[k * width + line] = source[line * lineStride + k];
            return;
        }
        PackAny(source, lineStride, 1, lines, width, whole, depth, panel);
    }

    private const int LinesAhead = 16;

    /// <summary>The lines lie side by side: copies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAcrossLines(float* source, nint depthStride, int lines, int width, int depth, float* panel)
    {
        if (lines == width && width == 2 * TSimd.Lanes)
        {
            for (int k = 0; k < depth; k++, source += depthStride, panel += width)
            {
                TSimd.PrefetchFar(source + LinesAhead * depthStride);
                TSimd.PrefetchFar(source + LinesAhead * depthStride + 2 * TSimd.Lanes - 1);
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
            for (; line % 4 != 0 && line < width; line++) panel[line] = 0;
            for (; line + 4 <= width; line += 4) Vector128.Store(default(Vector128<float>), panel + line);
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
