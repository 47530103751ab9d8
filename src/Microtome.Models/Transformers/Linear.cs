using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Models;

/// <summary><c>y = x·W + b</c></summary>
public sealed class Linear
{
    internal Linear(MatrixView weight, Tensor? bias)
    {
        Weight = weight;
        Bias = bias;
    }

    /// <summary>[in, out], as stored: a transpose costs nothing.</summary>
    public MatrixView Weight { get; }

    /// <summary>[out]</summary>
    public Tensor? Bias { get; }

    /// <param name="x">[rows, in]</param>
    /// <param name="y">[rows, out]</param>
    public void Apply(Matrix x, Matrix y)
    {
        MatrixProduct.Multiply(x, Weight, y);
        if (Bias is null) return;
        for (int row = 0; row < y.Rows; row++) TensorPrimitives.Add(y.Row(row), Bias.Span, y.Row(row));
    }

    public Tensor Apply(Tensor x)
    {
        Tensor y = Tensor.Uninitialized(x.Rows, Weight.Columns);
        Apply(x.AsMatrix(), y.AsMatrix());
        return y;
    }
}
