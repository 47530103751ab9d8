using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics.Differentiation;

/// <summary>A function of one number and its derivative.</summary>
internal interface IActivation
{
    static abstract Vector256<float> Value(Vector256<float> x);

    static abstract Vector256<float> Slope(Vector256<float> x);
}

internal readonly struct SiluActivation : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Value(Vector256<float> x) => x * Exponential.Sigmoid(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Slope(Vector256<float> x)
    {
        Vector256<float> sigmoid = Exponential.Sigmoid(x);
        return sigmoid * (Vector256<float>.One + x * (Vector256<float>.One - sigmoid));
    }
}

internal readonly struct ReluActivation : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Value(Vector256<float> x) => Vector256.Max(x, Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Slope(Vector256<float> x) => Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256<float>.Zero), Vector256<float>.One, Vector256<float>.Zero);
}

/// <summary>With the tanh approximation.</summary>
internal readonly struct GeluTanhActivation : IActivation
{
    private const float Scale = 1.5957691216f, Cubic = 0.044715f; // 2·√(2/π): (1 + tanh u) / 2 is the sigmoid of 2u

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Value(Vector256<float> x) => x * Exponential.Sigmoid(Inner(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Slope(Vector256<float> x)
    {
        Vector256<float> sigmoid = Exponential.Sigmoid(Inner(x));
        Vector256<float> inner = Scale * (Vector256<float>.One + 3 * Cubic * x * x);
        return sigmoid * (Vector256<float>.One + x * inner * (Vector256<float>.One - sigmoid));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Inner(Vector256<float> x) => Scale * (x + Cubic * x * x * x);
}

/// <summary>With the error function.</summary>
internal readonly struct GeluActivation : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Value(Vector256<float> x) => x * Cumulative(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Slope(Vector256<float> x) => Cumulative(x) + x * 0.3989422804f * Exponential.Exp(-0.5f * x * x);

    /// <summary>The share of the normal distribution below x (Abramowitz and Stegun 1964, 7.1.26), to 1e-7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Cumulative(Vector256<float> x)
    {
        Vector256<float> z = Vector256.Abs(x) * 0.7071067812f;
        Vector256<float> t = Vector256<float>.One / (Vector256<float>.One + 0.3275911f * z);
        Vector256<float> sum = Vector256.Create(1.061405429f);
        sum = sum * t - Vector256.Create(1.453152027f);
        sum = sum * t + Vector256.Create(1.421413741f);
        sum = sum * t - Vector256.Create(0.284496736f);
        sum = sum * t + Vector256.Create(0.254829592f);
        Vector256<float> beyond = 0.5f * sum * t * Exponential.Exp(-z * z);
        return Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256<float>.Zero), Vector256<float>.One - beyond, beyond);
    }
}
