using System.Numerics.Tensors;

namespace Microtome.Numerics.Differentiation;

public sealed partial class Tape
{
    /// <summary>
    /// Divides by the root mean square and scales (Zhang and Sennrich 2019, arXiv 1910.07467): whole rows, or, where the scale is narrower than a
    /// row, each group of as many columns by itself, as queries and keys are normalised by head.
    /// </summary>
    /// <param name="x">[rows, groups · width]</param>
    /// <param name="scale">[1, width]</param>
    /// <exception cref="ArgumentException">The rows are not made of whole groups.</exception>
    public Variable RmsNorm(Variable x, Variable scale, float epsilon)
    {
        int width = scale.Columns, groups = Groups(x, scale);
        Matrix y = _pool.Rent(x.Rows, x.Columns), inverse = _pool.Rent(x.Rows, groups);
        Rows.For(x.Rows, x.Columns * 2, row =>
        {
            for (int group = 0; group < groups; group++)
            {
                ReadOnlySpan<float> source = x.Value.Row(row).Slice(group * width, width);
                float factor = 1 / MathF.Sqrt(VectorOperations.SumOfSquares(source) / width + epsilon);
                inverse.Row(row)[group] = factor;
                NormKernel.Scale(source, factor, scale.Value.Row(0), y.Row(row).Slice(group * width, width));
            }
        });
        return Record(y, x.NeedsGradient || scale.NeedsGradient, gradient =>
        {
            if (scale.NeedsGradient)
            {
                Matrix target = GradientOf(scale, out bool accumulate);
                Rows.Sum(_pool, x.Rows, width, (row, total) =>
                {
                    for (int group = 0; group < groups; group++)
                        NormKernel.AddProducts(gradient.Row(row).Slice(group * width, width), x.Value.Row(row).Slice(group * width, width), inverse.Row(row)[group], total.Row(0));
                }, target.Row(0), accumulate);
            }
            if (!x.NeedsGradient) return;
            Matrix pulled = GradientOf(x, out bool add);
            Rows.For(x.Rows, x.Columns * 2, row =>
            {
                for (int group = 0; group < groups; group++)
                    NormKernel.Pull(gradient.Row(row).Slice(group * width, width), x.Value.Row(row).Slice(group * width, width), scale.Value.Row(0), inverse.Row(row)[group],
                        pulled.Row(row).Slice(group * width, width), add);
            });
        }, inverse);
    }

    /// <summary>Subtracts the mean, divides by the standard deviation, scales and shifts (Ba et al. 2016, arXiv 1607.06450).</summary>
    /// <param name="x">[rows, width]</param>
    /// <param name="scale">[1, width]</param>
    /// <param name="shift">[1, width]</param>
    public Variable LayerNorm(Variable x, Variable scale, Variable shift, float epsilon)
    {
        if (Groups(x, scale) != 1) throw new ArgumentException($"A scale of {scale.Columns} does not fit rows of {x.Columns}.", nameof(scale));
        return AddBias(RmsNorm(Center(x), scale, epsilon), shift);
    }

    /// <summary>Each row less its mean.</summary>
    public Variable Center(Variable x)
    {
        ArgumentNullException.ThrowIfNull(x);
        Matrix y = _pool.Rent(x.Rows, x.Columns);
        Rows.For(x.Rows, x.Columns * 2, row => TensorPrimitives.Subtract(x.Value.Row(row), NormKernel.Mean(x.Value.Row(row)), y.Row(row)));
        return Record(y, x.NeedsGradient, gradient =>
        {
            Matrix target = GradientOf(x, out bool accumulate);
            Rows.For(x.Rows, x.Columns * 2, row =>
            {
                Span<float> own = gradient.Row(row);
                float mean = NormKernel.Mean(own);
                if (!accumulate)
                {
                    TensorPrimitives.Subtract(own, mean, target.Row(row));
                    return;
                }
                TensorPrimitives.Add(target.Row(row), own, target.Row(row));
                TensorPrimitives.Subtract(target.Row(row), mean, target.Row(row));
            });
        });
    }

    private static int Groups(Variable x, Variable scale)
    {
        if (scale.Rows != 1 || scale.Columns == 0 || x.Columns % scale.Columns != 0)
            throw new ArgumentException($"A scale of [{scale.Rows}, {scale.Columns}] does not fit rows of {x.Columns}.", nameof(scale));
        return x.Columns / scale.Columns;
    }
}
