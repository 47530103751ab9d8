using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microtome.Numerics;

/// <summary>AVX2 with FMA: 16 registers of 8 floats.</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    public static string Name => "AVX2, 256-bit vectors";

    public static int Lanes => 8;

    public static int TileRows => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, float* destination) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float* source) => Vector256.Create(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* address) => Sse.Prefetch0(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PrefetchFar(float* address) => Sse.Prefetch1(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> x, Vector256<float> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> x, Vector256<float> y, Vector256<float> sum) => Fma.MultiplyAdd(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LowHalves(float* pairs) => (Vector256.Load((uint*)pairs) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> HighHalves(float* pairs) => (Vector256.Load((uint*)pairs) & Vector256.Create(0xFFFF0000)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(ushort* source) => (Avx2.ConvertToVector256Int32(Vector128.Load(source)) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> JoinHalves(Vector256<float> low, Vector256<float> high) =>
        ((low.AsUInt32() >>> 16) | (high.AsUInt32() & Vector256.Create(0xFFFF0000))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(float* source, nint rowStride, float* destination, nint destinationStride)
    {
        TransposeHalves(source, rowStride, out Vector256<float> r0, out Vector256<float> r1, out Vector256<float> r2, out Vector256<float> r3);
        StoreParts(r0, destination, 4 * destinationStride);
        StoreParts(r1, destination + destinationStride, 4 * destinationStride);
        StoreParts(r2, destination + 2 * destinationStride, 4 * destinationStride);
        StoreParts(r3, destination + 3 * destinationStride, 4 * destinationStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreParts(Vector256<float> value, float* destination, nint stride)
    {
        value.GetLower().Store(destination);
        value.GetUpper().Store(destination + stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeSquare(float* source, nint rowStride, float* destination, nint destinationStride)
    {
        TransposeHalves(source, rowStride, out Vector256<float> a0, out Vector256<float> a1, out Vector256<float> a2, out Vector256<float> a3);
        TransposeHalves(source + 4 * rowStride, rowStride, out Vector256<float> b0, out Vector256<float> b1, out Vector256<float> b2, out Vector256<float> b3);
        StoreHalves(a0, b0, destination, 4 * destinationStride);
        StoreHalves(a1, b1, destination + destinationStride, 4 * destinationStride);
        StoreHalves(a2, b2, destination + 2 * destinationStride, 4 * destinationStride);
        StoreHalves(a3, b3, destination + 3 * destinationStride, 4 * destinationStride);
    }

    /// <summary>rJ holds column J of four rows, and column J + 4 in its upper half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeHalves(
        float* source, nint rowStride, out Vector256<float> r0, out Vector256<float> r1, out Vector256<float> r2, out Vector256<float> r3)
    {
        Vector256<float> row0 = Load(source), row1 = Load(source + rowStride);
        Vector256<float> row2 = Load(source + 2 * rowStride), row3 = Load(source + 3 * rowStride);
        Vector256<double> low01 = Avx.UnpackLow(row0, row1).AsDouble(), high01 = Avx.UnpackHigh(row0, row1).AsDouble();
        Vector256<double> low23 = Avx.UnpackLow(row2, row3).AsDouble(), high23 = Avx.UnpackHigh(row2, row3).AsDouble();
        r0 = Avx.UnpackLow(low01, low23).AsSingle();
        r1 = Avx.UnpackHigh(low01, low23).AsSingle();
        r2 = Avx.UnpackLow(high01, high23).AsSingle();
        r3 = Avx.UnpackHigh(high01, high23).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreHalves(Vector256<float> a, Vector256<float> b, float* destination, nint stride)
    {
        Avx.Permute2x128(a, b, 0x20).Store(destination);
        Avx.Permute2x128(a, b, 0x31).Store(destination + stride);
    }
}
