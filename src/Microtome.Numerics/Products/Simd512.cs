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
    public static Vector512<float> Add(Vector512<float> x, Vector512<float> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> x, Vector512<float> y, Vector512<float> sum) => Avx512F.FusedMultiplyAdd(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LowHalves(float* pairs) => (Vector512.Load((uint*)pairs) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> HighHalves(float* pairs) => (Vector512.Load((uint*)pairs) & Vector512.Create(0xFFFF0000)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> JoinHalves(Vector512<float> low, Vector512<float> high) =>
        ((low.AsUInt32() >>> 16) | (high.AsUInt32() & Vector512.Create(0xFFFF0000))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(float* source, nint rowStride, float* destination, nint destinationStride)
    {
        Vector512<float> row0 = EveryFourthRow(source, rowStride);
        Vector512<float> row1 = EveryFourthRow(source + rowStride, rowStride);
        Vector512<float> row2 = EveryFourthRow(source + 2 * rowStride, rowStride);
        Vector512<float> row3 = EveryFourthRow(source + 3 * rowStride, rowStride);
        Vector512<double> low01 = Avx512F.UnpackLow(row0, row1).AsDouble();
        Vector512<double> high01 = Avx512F.UnpackHigh(row0, row1).AsDouble();
        Vector512<double> low23 = Avx512F.UnpackLow(row2, row3).AsDouble();
        Vector512<double> high23 = Avx512F.UnpackHigh(row2, row3).AsDouble();
        Avx512F.UnpackLow(low01, low23).AsSingle().Store(destination);
        Avx512F.UnpackHigh(low01, low23).AsSingle().Store(destination + destinationStride);
        Avx512F.UnpackLow(high01, high23).AsSingle().Store(destination + 2 * destinationStride);
        Avx512F.UnpackHigh(high01, high23).AsSingle().Store(destination + 3 * destinationStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> EveryFourthRow(float* source, nint rowStride)
    {
        Vector512<float> rows = Vector128.Load(source).ToVector256Unsafe().ToVector512Unsafe();
        rows = Avx512DQ.InsertVector128(rows.AsDouble(), Vector128.Load(source + 4 * rowStride).AsDouble(), 1).AsSingle();
        rows = Avx512DQ.InsertVector128(rows.AsDouble(), Vector128.Load(source + 8 * rowStride).AsDouble(), 2).AsSingle();
        return Avx512DQ.InsertVector128(rows.AsDouble(), Vector128.Load(source + 12 * rowStride).AsDouble(), 3).AsSingle();
    }
}
