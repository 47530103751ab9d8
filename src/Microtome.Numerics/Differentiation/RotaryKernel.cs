using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics.Differentiation;

/// <summary>The loop of rotary position embedding over one row.</summary>
internal static class RotaryKernel
{
    /// <param name="direction">1, or -1 to turn back.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(ReadOnlySpan<float> x, int headWidth, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines, float direction, Span<float> y, bool accumulate)
    {
        int half = cosines.Length;
        for (int head = 0; head < x.Length; head += headWidth)
        {
            ReadOnlySpan<float> first = x.Slice(head, half), second = x.Slice(head + half, half);
            Span<float> target = y.Slice(head, headWidth);
            int i = 0;
            for (; i + 8 <= half; i += 8)
            {
                Vector256<float> a = Vector256.Create(first[i..]), b = Vector256.Create(second[i..]);
                Vector256<float> cosine = Vector256.Create(cosines[i..]), sine = Vector256.Create(sines[i..]) * direction;
                Vector256<float> low = a * cosine - b * sine, high = b * cosine + a * sine;
                if (accumulate)
                {
                    low += Vector256.Create<float>(target[i..]);
                    high += Vector256.Create<float>(target[(half + i)..]);
                }
                low.CopyTo(target[i..]);
                high.CopyTo(target[(half + i)..]);
            }
            for (; i < half; i++)
            {
                float a = first[i], b = second[i], sine = sines[i] * direction;
                target[i] = a * cosines[i] - b * sine + (accumulate ? target[i] : 0);
                target[half + i] = b * cosines[i] + a * sine + (accumulate ? target[half + i] : 0);
            }
            for (i = 2 * half; i < headWidth; i++) target[i] = x[head + i] + (accumulate ? target[i] : 0);
        }
    }
}
