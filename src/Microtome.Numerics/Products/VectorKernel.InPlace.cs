using System.Runtime.CompilerServices;

namespace Microtome.Numerics;

// One row times a matrix that is read where it lies. Each element of B is used once, so a panel would only cost time; the order
// of summation is that of the tiles.
internal sealed unsafe partial class VectorKernel<TSimd, TVector>
{
    public override void MultiplyAlongDepth(float* x, byte* b, bool bfloat16, nint lineStride, int depth, float* c, bool accumulate)
    {
        if (bfloat16) AlongDepth<BFloat16Squares>(x, b, lineStride / 2, depth, c, accumulate);
        else AlongDepth<FloatSquares>(x, b, lineStride, depth, c, accumulate);
    }

    public override void MultiplyAcrossLines(float* x, byte* b, bool bfloat16, nint depthStride, int lines, int depth, float* sums)
    {
        if (bfloat16) AcrossLines<BFloat16Line>(x, b, depthStride, lines, depth, sums);
        else AcrossLines<FloatLine>(x, b, depthStride, lines, depth, sums);
    }

    /// <summary>Turns squares of B so that the lanes of a vector belong to different columns of C.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AlongDepth<TSquares>(float* x, byte* lines, nint lineStride, int depth, float* c, bool accumulate)
        where TSquares : struct, ISquares
    {
        float* b = (float*)lines;
        float* upper = b + TSimd.Lanes * lineStride;
        float* square0 = ProductScratch.Panel, square1 = square0 + TSimd.Lanes * TSimd.Lanes;
        TVector c0 = default, c1 = default;
        for (int k = 0; k < depth; k += TSquares.Depth, b += TSimd.Lanes, upper += TSimd.Lanes)
        {
            float* ahead = b + InPlacePrefetch;
            for (int line = 0; line < 2 * TSimd.Lanes; line++, ahead += lineStride) TSimd.PrefetchFar(ahead);
            TSimd.TransposeSquare(b, lineStride, square0, TSimd.Lanes);
            TSimd.TransposeSquare(upper, lineStride, square1, TSimd.Lanes);
            for (int i = 0; i < TSimd.Lanes * TSimd.Lanes; i += TSimd.Lanes)
            {
                c0 = TSquares.MultiplyAdd(x, square0 + i, c0);
                c1 = TSquares.MultiplyAdd(x, square1 + i, c1);
                x += TSquares.Depth / TSimd.Lanes;
            }
        }
        Write(c, c0, c1, accumulate);
    }

    private const int InPlacePrefetch = 128; // floats

    /// <summary>Adds whole lines of B, a few at a time, to sums that stay in the first-level cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AcrossLines<TLine>(float* x, byte* b, nint depthStride, int lines, int depth, float* sums)
        where TLine : struct, ILine
    {
        nint step = depthStride * TLine.Size;
        int k = 0;
        for (; k + 4 <= depth; k += 4, b += 4 * step)
        {
            TVector x0 = TSimd.Broadcast(x + k), x1 = TSimd.Broadcast(x + k + 1);
            TVector x2 = TSimd.Broadcast(x + k + 2), x3 = TSimd.Broadcast(x + k + 3);
            byte* b0 = b, b1 = b + step, b2 = b + 2 * step, b3 = b + 3 * step;
            for (int line = 0; line < lines; line += TSimd.Lanes)
            {
                TVector sum = TSimd.Load(sums + line);
                sum = TSimd.MultiplyAdd(x0, TLine.Load(b0, line), sum);
                sum = TSimd.MultiplyAdd(x1, TLine.Load(b1, line), sum);
                sum = TSimd.MultiplyAdd(x2, TLine.Load(b2, line), sum);
                sum = TSimd.MultiplyAdd(x3, TLine.Load(b3, line), sum);
                TSimd.Store(sum, sums + line);
            }
        }
        for (; k < depth; k++, b += step)
        {
            TVector x0 = TSimd.Broadcast(x + k);
            for (int line = 0; line < lines; line += TSimd.Lanes)
                TSimd.Store(TSimd.MultiplyAdd(x0, TLine.Load(b, line), TSimd.Load(sums + line)), sums + line);
        }
    }

    private interface ISquares
    {
        /// <summary>How many k a square holds.</summary>
        static abstract int Depth { get; }

        static abstract TVector MultiplyAdd(float* x, float* b, TVector sum);
    }

    private readonly struct FloatSquares : ISquares
    {
        public static int Depth => TSimd.Lanes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector MultiplyAdd(float* x, float* b, TVector sum) => TSimd.MultiplyAdd(TSimd.Broadcast(x), TSimd.Load(b), sum);
    }

    private readonly struct BFloat16Squares : ISquares
    {
        public static int Depth => 2 * TSimd.Lanes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector MultiplyAdd(float* x, float* b, TVector sum) =>
            TSimd.MultiplyAdd(TSimd.Broadcast(x + 1), TSimd.HighHalves(b), TSimd.MultiplyAdd(TSimd.Broadcast(x), TSimd.LowHalves(b), sum));
    }

    private interface ILine
    {
        static abstract int Size { get; }

        static abstract TVector Load(byte* line, int index);
    }

    private readonly struct FloatLine : ILine
    {
        public static int Size => sizeof(float);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Load(byte* line, int index) => TSimd.Load((float*)line + index);
    }

    private readonly struct BFloat16Line : ILine
    {
        public static int Size => sizeof(ushort);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Load(byte* line, int index) => TSimd.Widen((ushort*)line + index);
    }
}
