using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics.Differentiation;

/// <summary>The gated linear unit with silu, and its derivatives.</summary>
internal static class Gating
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> hidden)
    {
        int i = 0;
        for (; i + 8 <= hidden.Length; i += 8)
        {
            Vector256<float> g = Vector256.Create(gate[i..]);
            (g * Exponential.Sigmoid(g) * Vector256.Create(up[i..])).CopyTo(hidden[i..]);
        }
        for (; i < hidden.Length; i++)
        {
            float g = gate[i];
            hidden[i] = g * Exponential.Sigmoid(Vector256.Create(g))[0] * up[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, ReadOnlySpan<float> gradient, Span<float> gateGradient, Span<float> upGradient, bool accumulate)
    {
        int i = 0;
        for (; i + 8 <= gradient.Length; i += 8)
        {
            (Vector256<float> dGate, Vector256<float> dUp) = Pull(Vector256.Create(gate[i..]), Vector256.Create(up[i..]), Vector256.Create(gradient[i..]));
            if (accumulate)
            {
                dGate += Vector256.Create<float>(gateGradient[i..]);
                dUp += Vector256.Create<float>(upGradient[i..]);
            }
            dGate.CopyTo(gateGradient[i..]);
            dUp.CopyTo(upGradient[i..]);
        }
        for (; i < gradient.Length; i++)
        {
            (Vector256<float> dGate, Vector256<float> dUp) = Pull(Vector256.Create(gate[i]), Vector256.Create(up[i]), Vector256.Create(gradient[i]));
            gateGradient[i] = dGate[0] + (accumulate ? gateGradient[i] : 0);
            upGradient[i] = dUp[0] + (accumulate ? upGradient[i] : 0);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> Gate, Vector256<float> Up) Pull(Vector256<float> g, Vector256<float> u, Vector256<float> d)
    {
        Vector256<float> sigmoid = Exponential.Sigmoid(g), silu = g * sigmoid;
        return (d * u * (sigmoid + silu * (Vector256<float>.One - sigmoid)), d * silu);
    }
}
