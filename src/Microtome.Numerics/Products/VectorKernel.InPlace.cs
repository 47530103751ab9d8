using System.Runtime.CompilerServices;

namespace Microtome.Numerics;

// A few rows times a matrix that is read where it lies: with so few uses of each element of B, a panel would only cost time. The
// order of summation is that of the tiles.
internal sealed unsafe partial class VectorKernel<TSimd, TVector>
{
    private const int SquaresAhead = 128; // floats
    private const int BytesAhead = 1024, NextLines = 1 << 15;

    public override void MultiplyLines(float* a, byte* lines, bool bfloat16, nint lineBytes, int count, int depth, float* c, bool accumulate)
    {
        if (bfloat16) Lines<BFloat16Line>(a, lines, lineBytes, count, depth, c, accumulate);
        else Lines<FloatLine>(a, lines, lineBytes, count, depth, c, accumulate);
    }

    public override void MultiplyAlongDepth(
        float* left, byte* b, bool bfloat16, nint lineStride, int depth, int rest, float* c, nint stride, bool accumulate)
    {
        if (bfloat16) FourAlongDepth<PairSquares>(left, (float*)b, lineStride / 2, depth, rest / 2, c, stride, accumulate);
        else FourAlongDepth<FloatSquares>(left, (float*)b, lineStride, depth, rest, c, stride, accumulate);
    }

    public override void MultiplyAcrossLines(
        int rows, int height, float* left, byte* b, bool bfloat16, nint depthStride, int lines, int depth, float* sums, nint stride)
    {
        if (bfloat16) AcrossLines<BFloat16Line>(rows, height, left, b, depthStride, lines, depth, sums, stride);
        else AcrossLines<FloatLine>(rows, height, left, b, depthStride, lines, depth, sums, stride);
    }

    /// <summary>Four lines at a time, so that the processor reads ahead in few places and sums do not wait for each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Lines<TLine>(float* a, byte* lines, nint lineBytes, int count, int depth, float* c, bool accumulate)
        where TLine : struct, ILine
    {
        const int Together = 4;
        float* sums = stackalloc float[Together * LineSums];
        float* rests = stackalloc float[(Together + 1) * LineSums]; // the last k, filled up with zeros: those of a, then those of each line
        int whole = depth / LineSums * LineSums;
        if (whole < depth) CopyRest<FloatLine>((byte*)a, whole, depth, rests);
        for (int line = 0; line < count; line += Together, lines += Together * lineBytes)
        {
            int present = Math.Min(Together, count - line);
            // Lines that are missing are the first once more.
            byte* b0 = lines, b1 = present > 1 ? lines + lineBytes : b0, b2 = present > 2 ? lines + 2 * lineBytes : b0, b3 = present > 3 ? lines + 3 * lineBytes : b0;
            nint ahead = Together * lineBytes <= NextLines ? Together * lineBytes : BytesAhead; // of short lines the next four
            for (int part = 0; part < LineSums; part += 2 * TSimd.Lanes)
                FourLines<TLine>(a + part, b0 + part * TLine.Size, b1 + part * TLine.Size, b2 + part * TLine.Size, b3 + part * TLine.Size, whole, ahead, sums + part);
            if (whole < depth)
            {
                CopyRest<TLine>(b0, whole, depth, rests + LineSums);
                CopyRest<TLine>(b1, whole, depth, rests + 2 * LineSums);
                CopyRest<TLine>(b2, whole, depth, rests + 3 * LineSums);
                CopyRest<TLine>(b3, whole, depth, rests + 4 * LineSums);
                for (int i = 0; i < Together * LineSums; i += TSimd.Lanes)
                    TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(rests + i % LineSums), TSimd.Load(rests + LineSums + i), TSimd.Load(sums + i)), sums + i);
            }
            for (int i = 0; i < present; i++)
            {
                float sum = SumOfLine(sums + i * LineSums);
                c[line + i] = accumulate ? c[line + i] + sum : sum;
            }
        }
    }

    /// <summary>Two vectors of the sums of each of four lines.</summary>
    /// <param name="sums">[4, <see cref="MatrixKernel.LineSums"/>]</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourLines<TLine>(float* a, byte* b0, byte* b1, byte* b2, byte* b3, int depth, nint ahead, float* sums)
        where TLine : struct, ILine
    {
        TVector s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
        for (int k = 0; k < depth; k += LineSums)
        {
            TSimd.PrefetchFar((float*)(b0 + k * TLine.Size + ahead));
            TSimd.PrefetchFar((float*)(b1 + k * TLine.Size + ahead));
            TSimd.PrefetchFar((float*)(b2 + k * TLine.Size + ahead));
            TSimd.PrefetchFar((float*)(b3 + k * TLine.Size + ahead));
            TVector x0 = TSimd.Load(a + k), x1 = TSimd.Load(a + k + TSimd.Lanes);
            s00 = TSimd.MultiplyAdd(x0, TLine.Load(b0, k), s00);
            s01 = TSimd.MultiplyAdd(x1, TLine.Load(b0, k + TSimd.Lanes), s01);
            s10 = TSimd.MultiplyAdd(x0, TLine.Load(b1, k), s10);
            s11 = TSimd.MultiplyAdd(x1, TLine.Load(b1, k + TSimd.Lanes), s11);
            s20 = TSimd.MultiplyAdd(x0, TLine.Load(b2, k), s20);
            s21 = TSimd.MultiplyAdd(x1, TLine.Load(b2, k + TSimd.Lanes), s21);
            s30 = TSimd.MultiplyAdd(x0, TLine.Load(b3, k), s30);
            s31 = TSimd.MultiplyAdd(x1, TLine.Load(b3, k + TSimd.Lanes), s31);
        }
        StoreTwo(s00, s01, sums);
        StoreTwo(s10, s11, sums + LineSums);
        StoreTwo(s20, s21, sums + 2 * LineSums);
        StoreTwo(s30, s31, sums + 3 * LineSums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTwo(TVector first, TVector second, float* sums)
    {
        TSimd.Store(first, sums);
        TSimd.Store(second, sums + TSimd.Lanes);
    }

    private static void CopyRest<TLine>(byte* line, int start, int end, float* rest)
        where TLine : struct, ILine
    {
        new Span<float>(rest, LineSums).Clear();
        for (int k = start; k < end; k++)
            rest[k - start] = TLine.Size == sizeof(float) ? ((float*)line)[k] : BitConverter.UInt32BitsToSingle((uint)((ushort*)line)[k] << 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourAlongDepth<TSquares>(float* a, float* b, nint lineStride, int depth, int rest, float* c, nint stride, bool accumulate)
        where TSquares : struct, ISquares
    {
        float* square0 = ProductScratch.Panel, square1 = square0 + TSimd.Lanes * TSimd.Lanes;
        TVector c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        float* end = b + rest;
        for (int k = 0; k < depth; k += TSquares.Depth, b += TSimd.Lanes)
        {
            TransposeTwo(b, end, lineStride, square0, square1);
            for (int i = 0; i < TSimd.Lanes * TSimd.Lanes; i += TSimd.Lanes)
            {
                TVector b0 = TSquares.First(square0 + i), b1 = TSquares.First(square1 + i);
                AddProducts(a, b0, b1, ref c00, ref c01);
                AddProducts(a + 1, b0, b1, ref c10, ref c11);
                AddProducts(a + 2, b0, b1, ref c20, ref c21);
                AddProducts(a + 3, b0, b1, ref c30, ref c31);
                a += 4;
                if (!TSquares.Pairs) continue;
                b0 = TSquares.Second(square0 + i);
                b1 = TSquares.Second(square1 + i);
                AddProducts(a, b0, b1, ref c00, ref c01);
                AddProducts(a + 1, b0, b1, ref c10, ref c11);
                AddProducts(a + 2, b0, b1, ref c20, ref c21);
                AddProducts(a + 3, b0, b1, ref c30, ref c31);
                a += 4;
            }
        }
        Write(c, c00, c01, accumulate);
        Write(c + stride, c10, c11, accumulate);
        Write(c + 2 * stride, c20, c21, accumulate);
        Write(c + 3 * stride, c30, c31, accumulate);
    }

    /// <summary>Turns two squares of B, so that the lanes of a vector belong to different columns of C.</summary>
    /// <param name="end">The end of the first line.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeTwo(float* b, float* end, nint lineStride, float* square0, float* square1)
    {
        // After the lines' ends come the beginnings of the next panel's lines, which lie after these if B is one matrix.
        float* ahead = b + SquaresAhead;
        if (ahead >= end) ahead += (2 * TSimd.Lanes - 1) * lineStride;
        for (int line = 0; line < 2 * TSimd.Lanes; line++, ahead += lineStride) TSimd.PrefetchFar(ahead);
        TSimd.TransposeSquare(b, lineStride, square0, TSimd.Lanes);
        TSimd.TransposeSquare(b + TSimd.Lanes * lineStride, lineStride, square1, TSimd.Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProducts(float* a, TVector b0, TVector b1, ref TVector c0, ref TVector c1)
    {
        TVector x = TSimd.Broadcast(a);
        c0 = TSimd.MultiplyAdd(x, b0, c0);
        c1 = TSimd.MultiplyAdd(x, b1, c1);
    }

    /// <summary>Adds whole lines of B, four at a time, to sums that stay in the first-level cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AcrossLines<TLine>(
        int rows, int height, float* a, byte* b, nint depthStride, int lines, int depth, float* sums, nint stride)
        where TLine : struct, ILine
    {
        nint step = depthStride * TLine.Size;
        int k = 0;
        for (; k + 4 <= depth; k += 4, a += 4 * height, b += 4 * step)
            for (int row = 0; row < rows; row++)
            {
                TVector x0 = TSimd.Broadcast(a + row), x1 = TSimd.Broadcast(a + height + row);
                TVector x2 = TSimd.Broadcast(a + 2 * height + row), x3 = TSimd.Broadcast(a + 3 * height + row);
                byte* b0 = b, b1 = b + step, b2 = b + 2 * step, b3 = b + 3 * step;
                float* rowSums = sums + row * stride;
                for (int line = 0; line < lines; line += TSimd.Lanes)
                {
                    TVector sum = TSimd.Load(rowSums + line);
                    sum = TSimd.MultiplyAdd(x0, TLine.Load(b0, line), sum);
                    sum = TSimd.MultiplyAdd(x1, TLine.Load(b1, line), sum);
                    sum = TSimd.MultiplyAdd(x2, TLine.Load(b2, line), sum);
                    sum = TSimd.MultiplyAdd(x3, TLine.Load(b3, line), sum);
                    TSimd.Store(sum, rowSums + line);
                }
            }
        for (; k < depth; k++, a += height, b += step)
            for (int row = 0; row < rows; row++)
            {
                TVector x0 = TSimd.Broadcast(a + row);
                float* rowSums = sums + row * stride;
                for (int line = 0; line < lines; line += TSimd.Lanes)
                    TSimd.Store(TSimd.MultiplyAdd(x0, TLine.Load(b, line), TSimd.Load(rowSums + line)), rowSums + line);
            }
    }

    /// <summary>What a lane of a transposed square is: one float32, or two bfloat16 of consecutive k.</summary>
    private interface ISquares
    {
        static abstract bool Pairs { get; }

        /// <summary>How many k a square holds.</summary>
        static abstract int Depth { get; }

        static abstract TVector First(float* square);

        static abstract TVector Second(float* square);
    }

    private readonly struct FloatSquares : ISquares
    {
        public static bool Pairs => false;

        public static int Depth => TSimd.Lanes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector First(float* square) => TSimd.Load(square);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Second(float* square) => default;
    }

    private readonly struct PairSquares : ISquares
    {
        public static bool Pairs => true;

        public static int Depth => 2 * TSimd.Lanes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector First(float* square) => TSimd.LowHalves(square);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Second(float* square) => TSimd.HighHalves(square);
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
