using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Microtome.Numerics;

/// <summary>Interleaving of two vectors of four floats, under one name for both processor families.</summary>
internal static class Interleave
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Low(Vector128<float> x, Vector128<float> y) =>
        AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(x, y) : Sse.UnpackLow(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> High(Vector128<float> x, Vector128<float> y) =>
        AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(x, y) : Sse.UnpackHigh(x, y);

    /// <summary>(x0, x1, y0, y1)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LowPairs(Vector128<float> x, Vector128<float> y) => AdvSimd.Arm64.IsSupported
        ? AdvSimd.Arm64.ZipLow(x.AsDouble(), y.AsDouble()).AsSingle()
        : Sse2.UnpackLow(x.AsDouble(), y.AsDouble()).AsSingle();

    /// <summary>(x2, x3, y2, y3)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> HighPairs(Vector128<float> x, Vector128<float> y) => AdvSimd.Arm64.IsSupported
        ? AdvSimd.Arm64.ZipHigh(x.AsDouble(), y.AsDouble()).AsSingle()
        : Sse2.UnpackHigh(x.AsDouble(), y.AsDouble()).AsSingle();
}
