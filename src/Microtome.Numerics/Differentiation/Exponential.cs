using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics.Differentiation;

/// <summary>The exponential function in float32 arithmetic throughout, to about one unit in the last place: training computes very many.</summary>
internal static class Exponential
{
    private const float Log2E = 1.44269504088896341f, HighLn2 = 0.693359375f, LowLn2 = -2.12194440e-4f;
    private const float Smallest = -87.33654f, Largest = 88.37f;

    /// <summary>e^x; what lies beyond 2^-126 and 2^127.5 becomes those, and NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> x)
    {
        // x = n·ln 2 + r with |r| ≤ ln 2 / 2, and a polynomial for e^r (Moshier, Cephes, expf).
        Vector256<float> bounded = Vector256.Min(Vector256.Max(x, Vector256.Create(Smallest)), Vector256.Create(Largest));
        Vector256<float> n = Vector256.Round(bounded * Log2E);
        Vector256<float> r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-HighLn2), bounded);
        r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-LowLn2), r);
        Vector256<float> p = Vector256.Create(1.9875691500e-4f);
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.3981999507e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(8.3334519073e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(4.1665795894e-2f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.6666665459e-1f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(5.0000001201e-1f));
        p = Vector256.FusedMultiplyAdd(p, r * r, r + Vector256<float>.One);
        Vector256<int> exponent = Vector256.ShiftLeft(Vector256.ConvertToInt32(n) + Vector256.Create(127), 23);
        Vector256<float> result = p * exponent.AsSingle();
        return Vector256.ConditionalSelect(Vector256.Equals(x, x), result, x);
    }

    /// <summary>1 / (1 + e^-x)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sigmoid(Vector256<float> x) => Vector256<float>.One / (Vector256<float>.One + Exp(-x));

    /// <summary>x = exp(x - <paramref name="shift"/>); returns the sum, in an order that depends on the length alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ExpAndSum(Span<float> x, float shift)
    {
        Vector256<float> less = Vector256.Create(shift), sum0 = default, sum1 = default;
        int i = 0;
        for (; i + 16 <= x.Length; i += 16)
        {
            Vector256<float> first = Exp(Vector256.Create<float>(x[i..]) - less), second = Exp(Vector256.Create<float>(x[(i + 8)..]) - less);
            first.CopyTo(x[i..]);
            second.CopyTo(x[(i + 8)..]);
            sum0 += first;
            sum1 += second;
        }
        float rest = 0;
        if (i < x.Length)
        {
            Span<float> tail = stackalloc float[16];
            tail.Fill(float.NegativeInfinity);
            x[i..].CopyTo(tail);
            Exp(Vector256.Create<float>(tail) - less).CopyTo(tail);
            Exp(Vector256.Create<float>(tail[8..]) - less).CopyTo(tail[8..]);
            tail[..(x.Length - i)].CopyTo(x[i..]);
            for (int j = 0; j < x.Length - i; j++) rest += tail[j];
        }
        return Vector256.Sum(sum0 + sum1) + rest;
    }
}
