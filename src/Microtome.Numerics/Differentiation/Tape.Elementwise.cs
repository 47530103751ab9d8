using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics.Differentiation;

public sealed partial class Tape
{
    /// <summary><c>x + y</c>, of equal shapes</summary>
    public Variable Add(Variable x, Variable y)
    {
        CheckSameShape(x, y);
        Matrix sum = _pool.Rent(x.Rows, x.Columns);
        Rows.For(x.Rows, x.Columns, row => TensorPrimitives.Add(x.Value.Row(row), y.Value.Row(row), sum.Row(row)));
        Variable output = null!;
        output = Record(sum, x.NeedsGradient || y.NeedsGradient, gradient =>
        {
            if (y.NeedsGradient) AddTo(y, gradient);
            PassOn(x, output);
        });
        return output;
    }

    /// <summary>The product of each pair of elements.</summary>
    public Variable MultiplyElements(Variable x, Variable y)
    {
        CheckSameShape(x, y);
        Matrix product = _pool.Rent(x.Rows, x.Columns);
        Rows.For(x.Rows, x.Columns, row => TensorPrimitives.Multiply(x.Value.Row(row), y.Value.Row(row), product.Row(row)));
        return Record(product, x.NeedsGradient || y.NeedsGradient, gradient =>
        {
            if (x.NeedsGradient) AddProduct(x, gradient, y.Value);
            if (y.NeedsGradient) AddProduct(y, gradient, x.Value);
        });
    }

    /// <summary><c>factor · x</c></summary>
    public Variable Scale(Variable x, float factor)
    {
        ArgumentNullException.ThrowIfNull(x);
        Matrix scaled = _pool.Rent(x.Rows, x.Columns);
        Rows.For(x.Rows, x.Columns, row => TensorPrimitives.Multiply(x.Value.Row(row), factor, scaled.Row(row)));
        return Record(scaled, x.NeedsGradient, gradient =>
        {
            Matrix target = GradientOf(x, out bool accumulate);
            Rows.For(x.Rows, x.Columns, row =>
            {
                if (accumulate) VectorOperations.AddScaled(target.Row(row), factor, gradient.Row(row));
                else TensorPrimitives.Multiply(gradient.Row(row), factor, target.Row(row));
            });
        });
    }

    /// <summary><c>x + bias</c> in every row</summary>
    /// <param name="x">[rows, width]</param>
    /// <param name="bias">[1, width]</param>
    public Variable AddBias(Variable x, Variable bias)
    {
        if (bias.Rows != 1 || bias.Columns != x.Columns) throw new ArgumentException($"A bias of [{bias.Rows}, {bias.Columns}] does not fit rows of {x.Columns}.", nameof(bias));
        Matrix sum = _pool.Rent(x.Rows, x.Columns);
        Rows.For(x.Rows, x.Columns, row => TensorPrimitives.Add(x.Value.Row(row), bias.Value.Row(0), sum.Row(row)));
        Variable output = null!;
        output = Record(sum, x.NeedsGradient || bias.NeedsGradient, gradient =>
        {
            if (bias.NeedsGradient)
            {
                Matrix target = GradientOf(bias, out bool accumulate);
                Rows.Sum(_pool, x.Rows, x.Columns, (row, total) => TensorPrimitives.Add(total.Row(0), gradient.Row(row), total.Row(0)), target.Row(0), accumulate);
            }
            PassOn(x, output);
        });
        return output;
    }

    /// <summary>The sum of all elements, of each times a weight where there are any.</summary>
    /// <param name="weights">Of the shape of x.</param>
    /// <returns>[1, 1]</returns>
    public Variable Sum(Variable x, Matrix? weights = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (weights is { } given && (given.Rows != x.Rows || given.Columns != x.Columns)) throw new ArgumentException($"Weights of [{given.Rows}, {given.Columns}] do not fit [{x.Rows}, {x.Columns}].", nameof(weights));
        Matrix sum = _pool.Rent(1, 1);
        double total = 0;
        for (int row = 0; row < x.Rows; row++)
        {
            ReadOnlySpan<float> values = x.Value.Row(row);
            if (weights is { } w) total += VectorOperations.Dot(values, w.Row(row));
            else
                foreach (float value in values) total += value;
        }
        sum.Row(0)[0] = (float)total;
        return Record(sum, x.NeedsGradient, gradient =>
        {
            float factor = gradient.Row(0)[0];
            Matrix target = GradientOf(x, out bool accumulate);
            for (int row = 0; row < x.Rows; row++)
            {
                if (!accumulate) target.Row(row).Clear();
                if (weights is { } w) VectorOperations.AddScaled(target.Row(row), factor, w.Row(row));
                else TensorPrimitives.Add(target.Row(row), factor, target.Row(row));
            }
        });
    }

    /// <summary><c>x · sigmoid(x)</c></summary>
    public Variable Silu(Variable x) => Activate<SiluActivation>(x);

    /// <summary>The Gaussian error linear unit, with the error function.</summary>
    public Variable Gelu(Variable x) => Activate<GeluActivation>(x);

    /// <summary>The Gaussian error linear unit, with the tanh approximation.</summary>
    public Variable GeluTanh(Variable x) => Activate<GeluTanhActivation>(x);

    /// <summary><c>max(x, 0)</c></summary>
    public Variable Relu(Variable x) => Activate<ReluActivation>(x);

    /// <summary><c>silu(gate) ∘ up</c> of the halves of each row (Shazeer 2020, arXiv 2002.05202, equation 6).</summary>
    /// <param name="gateUp">[rows, 2 · width]: gates, then what they multiply</param>
    /// <returns>[rows, width]</returns>
    public Variable GatedSilu(Variable gateUp)
    {
        if (gateUp.Columns % 2 != 0) throw new ArgumentException($"{gateUp.Columns} columns have no halves.", nameof(gateUp));
        int width = gateUp.Columns / 2;
        Matrix x = gateUp.Value, hidden = _pool.Rent(gateUp.Rows, width);
        Rows.For(gateUp.Rows, width * 4, row => Gating.Forward(x.Row(row)[..width], x.Row(row)[width..], hidden.Row(row)));
        return Record(hidden, gateUp.NeedsGradient, gradient =>
        {
            Matrix target = GradientOf(gateUp, out bool accumulate);
            Rows.For(gateUp.Rows, width * 4, row => Gating.Backward(x.Row(row)[..width], x.Row(row)[width..], gradient.Row(row), target.Row(row)[..width], target.Row(row)[width..], accumulate));
        });
    }

    private Variable Activate<TActivation>(Variable x) where TActivation : IActivation
    {
        ArgumentNullException.ThrowIfNull(x);
        Matrix y = _pool.Rent(x.Rows, x.Columns);
        Rows.For(x.Rows, x.Columns * 4, row => Apply<TActivation>(x.Value.Row(row), default, y.Row(row), false));
        return Record(y, x.NeedsGradient, gradient =>
        {
            Matrix target = GradientOf(x, out bool accumulate);
            Rows.For(x.Rows, x.Columns * 4, row => Apply<TActivation>(x.Value.Row(row), gradient.Row(row), target.Row(row), accumulate));
        });
    }

    /// <summary>The function's values, or, with a gradient, its slopes times that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<TActivation>(ReadOnlySpan<float> x, ReadOnlySpan<float> gradient, Span<float> result, bool accumulate) where TActivation : IActivation
    {
        bool slope = !gradient.IsEmpty;
        Span<float> padded = stackalloc float[24];
        for (int i = 0; i < x.Length; i += 8)
        {
            bool whole = i + 8 <= x.Length;
            if (!whole)
            {
                padded.Clear();
                x[i..].CopyTo(padded);
                if (slope) gradient[i..].CopyTo(padded[8..]);
                if (accumulate) result[i..].CopyTo(padded[16..]);
            }
            Vector256<float> input = Vector256.Create<float>(whole ? x[i..] : padded);
            Vector256<float> value = slope ? TActivation.Slope(input) * Vector256.Create<float>(whole ? gradient[i..] : padded[8..]) : TActivation.Value(input);
            if (accumulate) value += Vector256.Create<float>(whole ? result[i..] : padded[16..]);
            if (whole) value.CopyTo(result[i..]);
            else
            {
                value.CopyTo(padded);
                padded[..(x.Length - i)].CopyTo(result[i..]);
            }
        }
    }

    private void AddProduct(Variable variable, Matrix x, Matrix y)
    {
        Matrix target = GradientOf(variable, out bool accumulate);
        Rows.For(x.Rows, x.Columns, row =>
        {
            if (accumulate) TensorPrimitives.MultiplyAdd(x.Row(row), y.Row(row), target.Row(row), target.Row(row));
            else TensorPrimitives.Multiply(x.Row(row), y.Row(row), target.Row(row));
        });
    }
}
