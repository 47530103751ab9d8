using System.Numerics.Tensors;

namespace Microtome.Numerics.Differentiation;

/// <summary>What to predict: a class for each row, and how much each row counts.</summary>
/// <param name="Classes">One for each row; -1 for a row that does not count.</param>
/// <param name="Weights">One for each row, 1 each when null.</param>
public sealed record Targets(int[] Classes, float[]? Weights = null)
{
    /// <summary>What a loss is divided by: the sum of the weights of the rows that count, unless another is given. That of a whole batch makes the losses of its parts add up to its own.</summary>
    public double TotalWeight
    {
        get => field >= 0 ? field : Sum();
        init;
    } = -1;

    private double Sum()
    {
        double total = 0;
        for (int row = 0; row < Classes.Length; row++) total += WeightOf(row);
        return total;
    }

    internal float WeightOf(int row) => Classes[row] < 0 ? 0 : Weights?[row] ?? 1;

    internal void Check(int rows, int classes)
    {
        if (Classes.Length != rows || (Weights is not null && Weights.Length != rows))
            throw new ArgumentException($"{Classes.Length} classes{(Weights is null ? "" : $" and {Weights.Length} weights")} do not fit {rows} rows.");
        foreach (int target in Classes)
            if (target < -1 || target >= classes) throw new ArgumentException($"The class {target} is not from 0 to {classes - 1}, nor -1.");
    }
}

public sealed partial class Tape
{
    private const int LossBlock = 1024; // rows of logits at a time: they stay in the last cache from their product to their gradients'

    /// <summary>The softmax of each row.</summary>
    public Variable Softmax(Variable x)
    {
        ArgumentNullException.ThrowIfNull(x);
        Matrix y = _pool.Rent(x.Rows, x.Columns);
        Rows.For(x.Rows, x.Columns * 4, row =>
        {
            Span<float> values = y.Row(row);
            x.Value.Row(row).CopyTo(values);
            TensorPrimitives.Divide(values, Exponential.ExpAndSum(values, TensorPrimitives.Max<float>(values)), values);
        });
        return Record(y, x.NeedsGradient, gradient =>
        {
            Matrix target = GradientOf(x, out bool accumulate);
            for (int row = 0; row < x.Rows; row++)
            {
                float along = VectorOperations.Dot(gradient.Row(row), y.Row(row));
                Span<float> own = target.Row(row), probabilities = y.Row(row), upstream = gradient.Row(row);
                for (int i = 0; i < own.Length; i++) own[i] = probabilities[i] * (upstream[i] - along) + (accumulate ? own[i] : 0);
            }
        });
    }

    /// <summary>The mean of <c>-log softmax(logits)[class]</c> over the rows, by their weights; in nats.</summary>
    /// <param name="logits">[rows, classes]</param>
    /// <param name="losses">Where each row's loss is written, if wanted.</param>
    /// <returns>[1, 1]; 0 where no row counts</returns>
    /// <exception cref="ArgumentException">The targets do not fit the logits.</exception>
    public Variable CrossEntropy(Variable logits, Targets targets, float[]? losses = null)
    {
        targets.Check(logits.Rows, logits.Columns);
        Matrix gradients = _pool.Rent(logits.Rows, logits.Columns);
        Rows.For(logits.Rows, logits.Columns, row => logits.Value.Row(row).CopyTo(gradients.Row(row)));
        Matrix loss = _pool.Rent(1, 1);
        double total = targets.TotalWeight;
        loss.Row(0)[0] = (float)PullCrossEntropy(gradients, targets, 0, total, losses);
        return Record(loss, logits.NeedsGradient, gradient =>
        {
            float factor = gradient.Row(0)[0];
            Matrix target = GradientOf(logits, out bool accumulate);
            Rows.For(logits.Rows, logits.Columns, row =>
            {
                if (accumulate) VectorOperations.AddScaled(target.Row(row), factor, gradients.Row(row));
                else TensorPrimitives.Multiply(gradients.Row(row), factor, target.Row(row));
            });
        }, gradients);
    }

    /// <summary>
    /// As <see cref="CrossEntropy"/> of the logits <c>x·Wᵀ</c>, which are never all in memory: both gradients are computed with each block of rows while its
    /// logits are cached (as in Hsu et al. 2024, arXiv 2410.10989, section 3.2).
    /// </summary>
    /// <param name="x">[rows, width]</param>
    /// <param name="weight">[classes, width]</param>
    /// <inheritdoc cref="CrossEntropy"/>
    public Variable LinearCrossEntropy(Variable x, Variable weight, Targets targets, float[]? losses = null)
    {
        if (x.Columns != weight.Columns) throw new ArgumentException($"Rows of {x.Columns} do not fit classes of {weight.Columns}.", nameof(weight));
        targets.Check(x.Rows, weight.Rows);
        double total = targets.TotalWeight, sum = 0;
        bool needed = x.NeedsGradient || weight.NeedsGradient;
        Matrix logits = _pool.Rent(Math.Min(LossBlock, x.Rows), weight.Rows), loss = _pool.Rent(1, 1);
        // The weight's gradient is kept transposed: the narrower operand is then the left one (see MultiplyTransposed).
        Matrix dX = x.NeedsGradient ? _pool.Rent(x.Rows, x.Columns) : default, dWeight = weight.NeedsGradient ? _pool.Rent(weight.Columns, weight.Rows) : default;
        if (x.Rows == 0 && weight.NeedsGradient) dWeight.Clear();
        for (int start = 0; start < x.Rows; start += LossBlock)
        {
            int count = Math.Min(LossBlock, x.Rows - start);
            Matrix block = logits.RowRange(0, count), rows = x.Value.RowRange(start, count);
            MatrixProduct.Multiply(rows, weight.Value.T, block);
            sum += PullCrossEntropy(block, targets, start, total, losses);
            if (x.NeedsGradient) MatrixProduct.Multiply(block, weight.Value, dX.RowRange(start, count));
            if (weight.NeedsGradient) MatrixProduct.Multiply(rows.T, block, dWeight, accumulate: start > 0);
        }
        _pool.Return(logits);
        loss.Row(0)[0] = (float)sum;
        List<Matrix> kept = [];
        if (x.NeedsGradient) kept.Add(dX);
        if (weight.NeedsGradient) kept.Add(dWeight);
        return Record(loss, needed, gradient =>
        {
            float factor = gradient.Row(0)[0];
            if (x.NeedsGradient) AddScaled(x, factor, dX);
            if (weight.NeedsGradient) AddTransposed(weight, factor, dWeight);
        }, [.. kept]);
    }

    private void AddTransposed(Variable variable, float factor, Matrix transposed)
    {
        Matrix turned = _pool.Rent(variable.Rows, variable.Columns);
        Transposition.Copy(transposed, turned);
        AddScaled(variable, factor, turned);
        _pool.Return(turned);
    }

    private void AddScaled(Variable variable, float factor, Matrix own)
    {
        Matrix target = GradientOf(variable, out bool accumulate);
        Rows.For(own.Rows, own.Columns, row =>
        {
            if (accumulate) VectorOperations.AddScaled(target.Row(row), factor, own.Row(row));
            else TensorPrimitives.Multiply(own.Row(row), factor, target.Row(row));
        });
    }

    /// <summary>Turns logits into the gradients of their loss; returns the rows' part of it.</summary>
    private static double PullCrossEntropy(Matrix logits, Targets targets, int firstRow, double totalWeight, float[]? losses)
    {
        double[] parts = new double[logits.Rows];
        Rows.For(logits.Rows, logits.Columns * 4, row =>
        {
            Span<float> values = logits.Row(row);
            float weight = targets.WeightOf(firstRow + row);
            int target = targets.Classes[firstRow + row];
            if (weight == 0 || totalWeight == 0)
            {
                values.Clear();
                if (losses is not null) losses[firstRow + row] = 0;
                return;
            }
            float largest = TensorPrimitives.Max<float>(values), own = values[target] - largest;
            float sum = Exponential.ExpAndSum(values, largest);
            double loss = Math.Log(sum) - own;
            float share = (float)(weight / totalWeight);
            TensorPrimitives.Multiply(values, share / sum, values);
            values[target] -= share;
            parts[row] = share * loss;
            if (losses is not null) losses[firstRow + row] = (float)loss;
        });
        double total = 0;
        foreach (double part in parts) total += part;
        return total;
    }
}
