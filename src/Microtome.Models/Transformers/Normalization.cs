using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>Root-mean-square or layer normalisation of rows, its denominator kept apart so that it can be read, frozen and differentiated through.</summary>
public sealed unsafe class Normalization
{
    private readonly NormKind _kind;
    private readonly float _epsilon;
    private readonly Tensor _scale;
    private readonly Tensor? _shift;

    internal Normalization(NormSpecification specification, Tensor scale, Tensor? shift)
    {
        _kind = specification.Kind;
        _epsilon = specification.Epsilon;
        _scale = scale;
        _shift = shift;
    }

    /// <summary>How many numbers are normalised together.</summary>
    public int Width => _scale.Length;

    /// <summary>Whether a hook on the normalised value sees the learned scale and shift already applied, as TransformerLens does it for layer normalisation but not for root mean square.</summary>
    public bool NormalizedIsAffine => _kind == NormKind.Layer;

    /// <summary>Each row less its mean, where the kind asks for it.</summary>
    /// <param name="x">[rows, width]; may be <paramref name="y"/></param>
    public void Center(Matrix x, Matrix y)
    {
        for (int row = 0; row < x.Rows; row++)
        {
            Span<float> source = x.Row(row), target = y.Row(row);
            if (_kind == NormKind.Layer) TensorPrimitives.Subtract(source, Mean(source), target);
            else if (x.Data != y.Data || x.Stride != y.Stride) source.CopyTo(target);
        }
    }

    /// <summary>The denominator of each centred row: the root of its mean square plus epsilon.</summary>
    public void Denominators(Matrix centered, Span<float> denominators)
    {
        for (int row = 0; row < centered.Rows; row++)
            denominators[row] = MathF.Sqrt(TensorPrimitives.SumOfSquares<float>(centered.Row(row)) / Width + _epsilon);
    }

    /// <summary>The learned scale and shift.</summary>
    public void Affine(Matrix x)
    {
        for (int row = 0; row < x.Rows; row++)
        {
            Span<float> values = x.Row(row);
            TensorPrimitives.Multiply(values, _scale.Span, values);
            if (_shift is not null) TensorPrimitives.Add(values, _shift.Span, values);
        }
    }

    /// <summary>All steps at once, in place.</summary>
    public void Apply(Matrix x)
    {
        Span<float> denominator = stackalloc float[1];
        for (int row = 0; row < x.Rows; row++)
        {
            Matrix one = x.RowRange(row, 1);
            Center(one, one);
            Denominators(one, denominator);
            TensorPrimitives.Divide(one.Row(0), denominator[0], one.Row(0));
            Affine(one);
        }
    }

    /// <summary>
    /// The adjoint with the denominators frozen: turns gradients with respect to the output into gradients with respect to the input, in place.
    /// </summary>
    /// <param name="gradients">[rows, width]</param>
    /// <param name="denominators">One for each row.</param>
    /// <param name="throughScale">False where the gradient is with respect to the value before the learned scale.</param>
    public void Pull(Matrix gradients, ReadOnlySpan<float> denominators, bool throughScale = true)
    {
        fixed (float* start = denominators)
        {
            float* denominator = start;
            WorkerPool.For(gradients.Rows, row =>
            {
                Span<float> gradient = gradients.Row(row);
                if (throughScale) TensorPrimitives.Multiply(gradient, _scale.Span, gradient);
                TensorPrimitives.Multiply(gradient, 1 / denominator[row], gradient);
                if (_kind == NormKind.Layer) TensorPrimitives.Subtract(gradient, Mean(gradient), gradient);
            });
        }
    }

    /// <summary>The linear map itself with the denominators frozen, without the learned shift, in place.</summary>
    /// <param name="values">[rows, width]</param>
    /// <param name="denominators">One for each row.</param>
    /// <param name="throughScale">False to end before the learned scale.</param>
    public void Push(Matrix values, ReadOnlySpan<float> denominators, bool throughScale = true)
    {
        fixed (float* start = denominators)
        {
            float* denominator = start;
            WorkerPool.For(values.Rows, row =>
            {
                Span<float> value = values.Row(row);
                if (_kind == NormKind.Layer) TensorPrimitives.Subtract(value, Mean(value), value);
                TensorPrimitives.Multiply(value, 1 / denominator[row], value);
                if (throughScale) TensorPrimitives.Multiply(value, _scale.Span, value);
            });
        }
    }

    private static float Mean(ReadOnlySpan<float> values) => TensorPrimitives.Sum(values) / values.Length;
}
