using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microtome.Numerics;

/// <summary>AVX-512: 32 registers of 16 floats.</summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512F.IsSupported && Avx512DQ.IsSupported;

    public static string Name => "AVX-512, 512-bit vectors";

    public static int Lanes => 16;

    public static int TileRows => 12;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* destination) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float* source) => Vector512.Create(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* address) => Sse.Prefetch0(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PrefetchFar(float* address) => Sse.Prefetch1(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> x, Vector512<float> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> x, Vector512<float> y, Vector512<float> sum) => Avx512F.FusedMultiplyAdd(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LowHalves(float* pairs) => (Vector512.Load((uint*)pairs) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> HighHalves(float* pairs) => (Vector512.Load((uint*)pairs) & Vector512.Create(0xFFFF0000)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Widen(ushort* source) => (Avx512F.ConvertToVector512UInt32(Vector256.Load(source)) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> JoinHalves(Vector512<float> low, Vector512<float> high) =>
        ((low.AsUInt32() >>> 16) | (high.AsUInt32() & Vector512.Create(0xFFFF0000))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(float* source, nint rowStride, float* destination, nint destinationStride)
    {
        TransposeQuarters(source, rowStride, out Vector512<float> r0, out Vector512<float> r1, out Vector512<float> r2, out Vector512<float> r3);
        StoreParts(r0, destination, 4 * destinationStride);
        StoreParts(r1, destination + destinationStride, 4 * destinationStride);
        StoreParts(r2, destination + 2 * destinationStride, 4 * destinationStride);
        StoreParts(r3, destination + 3 * destinationStride, 4 * destinationStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreParts(Vector512<float> value, float* destination, nint stride)
    {
        value.GetLower().GetLower().Store(destination);
        value.GetLower().GetUpper().Store(destination + stride);
        Avx512F.ExtractVector128(value, 2).Store(destination + 2 * stride);
        Avx512F.ExtractVector128(value, 3).Store(destination + 3 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeSquare(float* source, nint rowStride, float* destination, nint destinationStride)
    {
        // Within four rows first: rJ then holds columns J, J + 4, J + 8 and J + 12, one in each quarter.
        TransposeQuarters(source, rowStride, out Vector512<float> a0, out Vector512<float> a1, out Vector512<float> a2, out Vector512<float> a3);
        TransposeQuarters(source + 4 * rowStride, rowStride, out Vector512<float> b0, out Vector512<float> b1, out Vector512<float> b2, out Vector512<float> b3);
        TransposeQuarters(source + 8 * rowStride, rowStride, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3);
        TransposeQuarters(source + 12 * rowStride, rowStride, out Vector512<float> d0, out Vector512<float> d1, out Vector512<float> d2, out Vector512<float> d3);
        StoreQuarters(a0, b0, c0, d0, destination, 4 * destinationStride);
        StoreQuarters(a1, b1, c1, d1, destination + destinationStride, 4 * destinationStride);
        StoreQuarters(a2, b2, c2, d2, destination + 2 * destinationStride, 4 * destinationStride);
        StoreQuarters(a3, b3, c3, d3, destination + 3 * destinationStride, 4 * destinationStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeQuarters(
        float* source, nint rowStride, out Vector512<float> r0, out Vector512<float> r1, out Vector512<float> r2, out Vector512<float> r3)
    {
        Vector512<float> row0 = Load(source), row1 = Load(source + rowStride);
        Vector512<float> row2 = Load(source + 2 * rowStride), row3 = Load(source + 3 * rowStride);
        Vector512<double> low01 = Avx512F.UnpackLow(row0, row1).AsDouble(), high01 = Avx512F.UnpackHigh(row0, row1).AsDouble();
        Vector512<double> low23 = Avx512F.UnpackLow(row2, row3).AsDouble(), high23 = Avx512F.UnpackHigh(row2, row3).AsDouble();
        r0 = Avx512F.UnpackLow(low01, low23).AsSingle();
        r1 = Avx512F.UnpackHigh(low01, low23).AsSingle();
        r2 = Avx512F.UnpackLow(high01, high23).AsSingle();
        r3 = Avx512F.UnpackHigh(high01, high23).AsSingle();
    }

    /// <summary>Stores (a0, b0, c0, d0), (a1, b1, c1, d1) and so on, where x0 is the first quarter of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreQuarters(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* destination, nint stride)
    {
        Vector512<float> ab01 = Avx512F.Shuffle4x128(a, b, 0b01_00_01_00), ab23 = Avx512F.Shuffle4x128(a, b, 0b11_10_11_10);
        Vector512<float> cd01 = Avx512F.Shuffle4x128(c, d, 0b01_00_01_00), cd23 = Avx512F.Shuffle4x128(c, d, 0b11_10_11_10);
        Avx512F.Shuffle4x128(ab01, cd01, 0b10_00_10_00).Store(destination);
        Avx512F.Shuffle4x128(ab01, cd01, 0b11_01_11_01).Store(destination + stride);
        Avx512F.Shuffle4x128(ab23, cd23, 0b10_00_10_00).Store(destination + 2 * stride);
        Avx512F.Shuffle4x128(ab23, cd23, 0b11_01_11_01).Store(destination + 3 * stride);
    }
}
