using System.Numerics;
using System.Runtime.CompilerServices;

namespace Microtome.Numerics;

// Activations are computed in float64 and rounded once: the error is that of the last rounding, also where 1 + tanh or 1 + erf
// would lose all digits.
public static partial class VectorOperations
{
    private const double HalfRoot = 0.70710678118654752440;
    private const double TanhScale = 0.79788456080286535588; // sqrt(2 / pi)

    /// <summary>x·(1 + erf(x / √2)) / 2: the Gaussian error linear unit (Hendrycks and Gimpel 2016). The result may be x.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Gelu(ReadOnlySpan<float> x, Span<float> result) => Map<GeluFunction>(x, result);

    /// <summary>x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2: the approximation of the same paper, which many models use. The result may be x.</summary>
    /// <inheritdoc cref="Gelu" path="/exception"/>
    public static void GeluTanh(ReadOnlySpan<float> x, Span<float> result) => Map<GeluTanhFunction>(x, result);

    /// <summary>x / (1 + exp(-x)). The result may be x.</summary>
    /// <inheritdoc cref="Gelu" path="/exception"/>
    public static void Silu(ReadOnlySpan<float> x, Span<float> result) => Map<SiluFunction>(x, result);

    /// <summary>1 / (1 + exp(-x)). The result may be x.</summary>
    /// <inheritdoc cref="Gelu" path="/exception"/>
    public static void Sigmoid(ReadOnlySpan<float> x, Span<float> result) => Map<SigmoidFunction>(x, result);

    /// <summary>The hyperbolic tangent. The result may be x.</summary>
    /// <inheritdoc cref="Gelu" path="/exception"/>
    public static void Tanh(ReadOnlySpan<float> x, Span<float> result) => Map<TanhFunction>(x, result);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Map<TFunction>(ReadOnlySpan<float> x, Span<float> result) where TFunction : struct, IFunction
    {
        CheckLengths(x.Length, result.Length);
        int i = 0;
        for (; i + Vector<float>.Count <= x.Length; i += Vector<float>.Count)
            Apply<TFunction>(new Vector<float>(x[i..])).CopyTo(result[i..]);
        if (i == x.Length) return;
        Span<float> rest = stackalloc float[Vector<float>.Count];
        rest.Clear();
        x[i..].CopyTo(rest);
        Apply<TFunction>(new Vector<float>(rest)).CopyTo(rest);
        rest[..(x.Length - i)].CopyTo(result[i..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Apply<TFunction>(Vector<float> x) where TFunction : struct, IFunction
    {
        Vector.Widen(x, out Vector<double> low, out Vector<double> high);
        return Vector.Narrow(TFunction.Apply(low), TFunction.Apply(high));
    }

    private interface IFunction
    {
        static abstract Vector<double> Apply(Vector<double> x);
    }

    private readonly struct SigmoidFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<double> Apply(Vector<double> x) => Vector<double>.One / (Vector<double>.One + Vector.Exp(-x));
    }

    private readonly struct SiluFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<double> Apply(Vector<double> x) => x / (Vector<double>.One + Vector.Exp(-x));
    }

    private readonly struct TanhFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<double> Apply(Vector<double> x)
        {
            // The first terms of the series where the difference below would cancel.
            Vector<double> small = x - x * x * x / new Vector<double>(3.0);
            Vector<double> tanh = Vector<double>.One - new Vector<double>(2.0) / (Vector.Exp(x + x) + Vector<double>.One);
            return Vector.ConditionalSelect(Vector.LessThan(Vector.Abs(x), new Vector<double>(1e-4)), small, tanh);
        }
    }

    private readonly struct GeluTanhFunction : IFunction
    {
        // (1 + tanh u) / 2 = 1 / (1 + exp(-2u))
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<double> Apply(Vector<double> x) =>
            x / (Vector<double>.One + Vector.Exp(new Vector<double>(-2 * TanhScale) * (x + new Vector<double>(0.044715) * x * x * x)));
    }

    private readonly struct GeluFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<double> Apply(Vector<double> x)
        {
            // With z = |x| / √2, half of erfc(z) is what lies beyond |x| under the normal distribution.
            Vector<double> z = Vector.Abs(x) * new Vector<double>(HalfRoot);
            Vector<double> beyond = new Vector<double>(0.5) * Vector.Exp(-z * z) * ScaledErfc(Vector.Min(z, new Vector<double>(10.5)));
            return x * Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<double>.Zero), Vector<double>.One - beyond, beyond);
        }

        /// <summary>exp(z²)·erfc(z) for z in [0, 10.5], with a relative error below 6e-10: a Chebyshev series in t = 2 / (2 + z), divided by t.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector<double> ScaledErfc(Vector<double> z)
        {
            Vector<double> t = new Vector<double>(2.0) / (new Vector<double>(2.0) + z);
            Vector<double> s = (t + t - new Vector<double>(1.16)) * new Vector<double>(1 / 0.84); // -1 at z = 10.5, 1 at 0
            Vector<double> sum = new(-2.1926504115299394e-06);
            sum = sum * s + new Vector<double>(5.670811152924671e-06);
            sum = sum * s + new Vector<double>(1.258281934411798e-05);
            sum = sum * s + new Vector<double>(-7.086763580154809e-05);
            sum = sum * s + new Vector<double>(3.7705939594090404e-06);
            sum = sum * s + new Vector<double>(0.0006249549824623202);
            sum = sum * s + new Vector<double>(-0.0006722310890248818);
            sum = sum * s + new Vector<double>(-0.006327281648764695);
            sum = sum * s + new Vector<double>(0.006307953351570126);
            sum = sum * s + new Vector<double>(0.1035209877745507);
            sum = sum * s + new Vector<double>(0.3271879301776727);
            sum = sum * s + new Vector<double>(0.5694087225293488);
            return sum * t;
        }
    }
}
