using System.Numerics.Tensors;

namespace Microtome.Models;

internal static class ActivationFunction
{
    /// <summary>Applies the activation to each value, in place.</summary>
    public static void Apply(this Activation activation, Span<float> values)
    {
        switch (activation)
        {
            case Activation.Relu:
                TensorPrimitives.Max(values, 0f, values);
                break;
            case Activation.Silu:
                for (int i = 0; i < values.Length; i++) values[i] = values[i] / (1 + MathF.Exp(-values[i]));
                break;
            case Activation.QuickGelu:
                for (int i = 0; i < values.Length; i++) values[i] = values[i] / (1 + MathF.Exp(-1.702f * values[i]));
                break;
            case Activation.GeluTanh:
                for (int i = 0; i < values.Length; i++)
                {
                    float x = values[i];
                    values[i] = 0.5f * x * (1 + MathF.Tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
                }
                break;
            case Activation.Gelu:
                for (int i = 0; i < values.Length; i++) values[i] = (float)(0.5 * values[i] * (1 + Erf(values[i] / Math.Sqrt(2))));
                break;
        }
    }

    private static double Erf(double x)
    {
        double sum = x, term = x;
        if (Math.Abs(x) > 4) return Math.Sign(x);
        for (int n = 1; n < 100; n++)
        {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.Sqrt(Math.PI) * sum;
    }
}
