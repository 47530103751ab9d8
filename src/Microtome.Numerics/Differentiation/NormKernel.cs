using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics.Differentiation;

/// <summary>The loops of normalisation over one row.</summary>
internal static class NormKernel
{
    /// <summary>y = factor · x ∘ scale</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(ReadOnlySpan<float> x, float factor, ReadOnlySpan<float> scale, Span<float> y)
    {
        int i = 0;
        for (; i + 8 <= x.Length; i += 8) (Vector256.Create(x[i..]) * factor * Vector256.Create(scale[i..])).CopyTo(y[i..]);
        for (; i < x.Length; i++) y[i] = x[i] * factor * scale[i];
    }

    /// <summary>sum += factor · x ∘ y</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddProducts(ReadOnlySpan<float> x, ReadOnlySpan<float> y, float factor, Span<float> sum)
    {
        int i = 0;
        for (; i + 8 <= x.Length; i += 8)
            Vector256.FusedMultiplyAdd(Vector256.Create(x[i..]) * factor, Vector256.Create(y[i..]), Vector256.Create<float>(sum[i..])).CopyTo(sum[i..]);
        for (; i < x.Length; i++) sum[i] = MathF.FusedMultiplyAdd(x[i] * factor, y[i], sum[i]);
    }

    /// <summary>With s = d ∘ scale: factor · s - x · factor³ · (s·x) / width, which is the gradient with respect to x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pull(ReadOnlySpan<float> d, ReadOnlySpan<float> x, ReadOnlySpan<float> scale, float factor, Span<float> result, bool accumulate)
    {
        Vector256<float> dots = default;
        int i = 0;
        for (; i + 8 <= x.Length; i += 8)
            dots = Vector256.FusedMultiplyAdd(Vector256.Create(d[i..]) * Vector256.Create(scale[i..]), Vector256.Create(x[i..]), dots);
        float dot = Vector256.Sum(dots);
        for (; i < x.Length; i++) dot += d[i] * scale[i] * x[i];
        float along = -dot * factor * factor * factor / x.Length;
        for (i = 0; i + 8 <= x.Length; i += 8)
        {
            Vector256<float> own = Vector256.FusedMultiplyAdd(Vector256.Create(d[i..]) * Vector256.Create(scale[i..]), Vector256.Create(factor), Vector256.Create(x[i..]) * along);
            if (accumulate) own += Vector256.Create<float>(result[i..]);
            own.CopyTo(result[i..]);
        }
        for (; i < x.Length; i++)
        {
            float own = MathF.FusedMultiplyAdd(d[i] * scale[i], factor, x[i] * along);
            result[i] = accumulate ? own + result[i] : own;
        }
    }

    /// <summary>The mean, summed in an order that depends on the length alone.</summary>
    public static float Mean(ReadOnlySpan<float> x)
    {
        Vector256<float> sums = default;
        int i = 0;
        for (; i + 8 <= x.Length; i += 8) sums += Vector256.Create(x[i..]);
        float sum = Vector256.Sum(sums);
        for (; i < x.Length; i++) sum += x[i];
        return sum / x.Length;
    }
}
