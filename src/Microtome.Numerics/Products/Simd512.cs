using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microtome.Numerics;

/// <summary>AVX-512: 32 registers of 16 floats.</summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512F.IsSupported && Avx512DQ.IsSupported;

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
        Vector512<float> row0 = Load(source), row1 = Load(source + rowStride);
        Vector512<float> row2 = Load(source + 2 * rowStride), row3 = Load(source + 3 * rowStride);
        Vector512<double> low01 = Avx512F.UnpackLow(row0, row1).AsDouble(), high01 = Avx512F.UnpackHigh(row0, row1).AsDouble();
        Vector512<double> low23 = Avx512F.UnpackLow(row2, row3).AsDouble(), high23 = Avx512F.UnpackHigh(row2, row3).AsDouble();
        StoreParts(Avx512F.UnpackLow(low01, low23).AsSingle(), destination, 4 * destinationStride);
        StoreParts(Avx512F.UnpackHigh(low01, low23).AsSingle(), destination + destinationStride, 4 * destinationStride);
        StoreParts(Avx512F.UnpackLow(high01, high23).AsSingle(), destination + 2 * destinationStride, 4 * destinationStride);
        StoreParts(Avx512F.UnpackHigh(high01, high23).AsSingle(), destination + 3 * destinationStride, 4 * destinationStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreParts(Vector512<float> value, float* destination, nint stride)
    {
        value.GetLower().GetLower().Store(destination);
        value.GetLower().GetUpper().Store(destination + stride);
        Avx512F.ExtractVector128(value, 2).Store(destination + 2 * stride);
        Avx512F.ExtractVector128(value, 3).Store(destination + 3 * stride);
    }
}
