using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Models;

internal static class ActivationFunction
{
    /// <summary>Applies the activation to each value, in place.</summary>
    public static void Apply(this Activation activation, Span<float> values)
    {
        switch (activation)
        {
            case Activation.Silu:
                VectorOperations.Silu(values, values);
                break;
            case Activation.Gelu:
                VectorOperations.Gelu(values, values);
                break;
            case Activation.GeluTanh:
                VectorOperations.GeluTanh(values, values);
                break;
            case Activation.QuickGelu: // x · sigmoid(s x) = silu(s x) / s
                const float Slope = 1.702f;
                TensorPrimitives.Multiply(values, Slope, values);
                VectorOperations.Silu(values, values);
                TensorPrimitives.Divide(values, Slope, values);
                break;
            case Activation.Relu:
                TensorPrimitives.Max(values, 0f, values);
                break;
        }
    }
}
