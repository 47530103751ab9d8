using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Double;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>
/// A logistic regression that tells the states of positive from those of negative texts (Alain and Bengio 2016, arXiv 1610.01644), at one layer. It is
/// fitted by Newton's method with a penalty of half the squared weights, on states that are centred and scaled to a mean squared length of 1.
/// </summary>
/// <param name="Direction">[width], of unit length: towards positive.</param>
/// <param name="HeldOut">The share of held-out states that are told right, with its interval; five folds, a pair's two texts always together, of two lists a fifth of each.</param>
public sealed record Probe(int Layer, float[] Direction, Interval HeldOut)
{
    private const int Folds = 5, MostComponents = 256, MostSteps = 50;
    private const double Penalty = 1e-3;

    /// <summary>Fits one probe for each layer to pairs of texts: positive, negative, positive, negative and so on.</summary>
    /// <param name="seed">Which pairs go into which fold.</param>
    /// <exception cref="ArgumentException">There are fewer pairs than folds, or the states of all texts are equal.</exception>
    public static IReadOnlyList<Probe> Fit(StreamStates states, int seed = 0)
    {
        int pairs = states.Prompts / 2;
        if (pairs < Folds) throw new ArgumentException($"A probe needs at least {Folds} pairs, so that some can be held out; there are {pairs}.", nameof(states));
        int[] order = [.. Enumerable.Range(0, pairs)];
        new Random(seed).Shuffle(order);
        Example[][] folds = [.. Enumerable.Range(0, Folds).Select(fold => order.Where((_, i) => i % Folds == fold).SelectMany(pair => new[] { new Example(2 * pair, true), new Example(2 * pair + 1, false) }).ToArray())];
        Example[] all = [.. order.SelectMany(pair => new[] { new Example(2 * pair, true), new Example(2 * pair + 1, false) })];
        return [.. Enumerable.Range(0, states.Layers).Select(layer => Fit(states.After(layer), layer, folds, all))];
    }

    /// <summary>Fits one probe for each layer to two lists of texts, which need not be equally long.</summary>
    /// <param name="states">Of the positive texts, and then of the negative ones.</param>
    /// <param name="positive">How many are positive.</param>
    /// <param name="seed">Which texts go into which fold; each fold has its share of both lists.</param>
    /// <exception cref="ArgumentException">A list has fewer texts than there are folds, or the states of all texts are equal.</exception>
    public static IReadOnlyList<Probe> Fit(StreamStates states, int positive, int seed)
    {
        int negative = states.Prompts - positive;
        if (Math.Min(positive, negative) < Folds) throw new ArgumentException($"A probe needs at least {Folds} texts of each kind, so that some can be held out; there are {positive} and {negative}.", nameof(states));
        Random random = new(seed);
        Example[] first = [.. Enumerable.Range(0, positive).Select(row => new Example(row, true))], second = [.. Enumerable.Range(positive, negative).Select(row => new Example(row, false))];
        random.Shuffle(first);
        random.Shuffle(second);
        Example[][] folds = [.. Enumerable.Range(0, Folds).Select(fold => first.Where((_, i) => i % Folds == fold).Concat(second.Where((_, i) => i % Folds == fold)).ToArray())];
        return [.. Enumerable.Range(0, states.Layers).Select(layer => Fit(states.After(layer), layer, folds, [.. first, .. second]))];
    }

    /// <param name="Row">Of the states.</param>
    private readonly record struct Example(int Row, bool IsPositive);

    private static Probe Fit(Tensor states, int layer, Example[][] folds, Example[] all)
    {
        int right = 0;
        foreach (Example[] held in folds)
        {
            (double[] weights, double bias) = Regress(states, [.. all.Except(held)]);
            foreach (Example example in held)
            {
                double score = Apply(states.Row(example.Row), weights) + bias;
                if (example.IsPositive ? score > 0 : score < 0) right++;
            }
        }
        (double[] whole, _) = Regress(states, all);
        double norm = Math.Sqrt(whole.Sum(weight => weight * weight));
        if (!(norm > 0)) throw new ArgumentException($"At layer {layer} the texts' states do not differ, so nothing tells them apart.", nameof(states));
        return new Probe(layer, Array.ConvertAll(whole, weight => (float)(weight / norm)), Proportion.Wilson(right, all.Length));
    }

    /// <summary>Weights for states as they are, and the bias.</summary>
    private static (double[] Weights, double Bias) Regress(Tensor states, Example[] examples)
    {
        int count = examples.Length, width = states.Columns;
        Tensor rows = Tensor.Uninitialized(count, width);
        for (int i = 0; i < count; i++) states.Row(examples[i].Row).CopyTo(rows.Row(i));
        PrincipalComponents components;
        try
        {
            components = PrincipalComponents.Of(rows.AsMatrix(), MostComponents);
        }
        catch (ArgumentException)
        {
            return (new double[width], 0);
        }

        // The solution lies in the span of the states, so that few coordinates are enough whatever the width.
        int rank = components.Directions.Length;
        DenseMatrix x = DenseMatrix.Create(count, rank + 1, 1);
        double squares = 0;
        for (int i = 0; i < count; i++)
        {
            double[] coordinates = components.Project(rows.Row(i));
            for (int c = 0; c < rank; c++) x[i, c] = coordinates[c];
            squares += coordinates.Sum(value => value * value);
        }
        double scale = 1 / Math.Sqrt(Math.Max(squares / count, 1e-300));
        for (int i = 0; i < count; i++)
            for (int c = 0; c < rank; c++) x[i, c] *= scale;

        Vector<double> solution = Newton(x, [.. examples.Select(example => example.IsPositive)]);
        double[] weights = new double[width];
        double bias = solution[rank];
        for (int c = 0; c < rank; c++)
            for (int i = 0; i < width; i++) weights[i] += solution[c] * scale * components.Directions[c][i];
        for (int i = 0; i < width; i++) bias -= weights[i] * components.Mean[i];
        return (weights, bias);
    }

    /// <summary>Minimises <c>Σ log(1 + exp(-y x·w)) / n + penalty |w|² / 2</c>; the last column of x is 1 and has no penalty.</summary>
    /// <param name="positive">Whether y is 1, of each row of x; else it is -1.</param>
    private static Vector<double> Newton(DenseMatrix x, bool[] positive)
    {
        int count = x.RowCount, columns = x.ColumnCount;
        Vector<double> w = new DenseVector(columns);
        Vector<double> penalty = DenseVector.Create(columns, i => i == columns - 1 ? 1e-9 : Penalty);
        for (int step = 0; step < MostSteps; step++)
        {
            Vector<double> scores = x * w;
            Vector<double> probabilities = scores.Map(score => 1 / (1 + Math.Exp(-score)));
            Vector<double> gradient = x.TransposeThisAndMultiply(probabilities.MapIndexed((i, p) => (p - (positive[i] ? 1 : 0)) / count)) + penalty.PointwiseMultiply(w);
            Matrix<double> weighted = x.Clone();
            for (int i = 0; i < count; i++) weighted.SetRow(i, x.Row(i) * (probabilities[i] * (1 - probabilities[i]) / count));
            Matrix<double> hessian = x.TransposeThisAndMultiply(weighted);
            for (int i = 0; i < columns; i++) hessian[i, i] += penalty[i];
            Vector<double> change = hessian.Cholesky().Solve(gradient);
            double before = Loss(x, positive, w, penalty), share = 1;
            while (share > 1e-6 && Loss(x, positive, w - share * change, penalty) > before) share /= 2; // a step may go too far
            w -= share * change;
            if ((share * change).L2Norm() < 1e-9 * (1 + w.L2Norm())) break;
        }
        return w;
    }

    private static double Loss(DenseMatrix x, bool[] positive, Vector<double> w, Vector<double> penalty)
    {
        Vector<double> scores = x * w;
        double sum = 0;
        for (int i = 0; i < scores.Count; i++)
        {
            double margin = positive[i] ? scores[i] : -scores[i];
            sum += margin > 0 ? Math.Log(1 + Math.Exp(-margin)) : -margin + Math.Log(1 + Math.Exp(margin));
        }
        return sum / scores.Count + 0.5 * penalty.PointwiseMultiply(w).DotProduct(w);
    }

    private static double Apply(ReadOnlySpan<float> state, double[] weights)
    {
        double sum = 0;
        for (int i = 0; i < weights.Length; i++) sum += state[i] * weights[i];
        return sum;
    }
}
