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
/// <param name="HeldOut">The share of held-out states that are told right, with its interval; five folds, a pair's two texts always together.</param>
public sealed record Probe(int Layer, float[] Direction, Interval HeldOut)
{
    private const int Folds = 5, MostComponents = 256, MostSteps = 50;
    private const double Penalty = 1e-3;

    /// <summary>Fits one probe for each layer.</summary>
    /// <param name="seed">Which pairs go into which fold.</param>
    /// <exception cref="ArgumentException">There are fewer pairs than folds, or the states of all texts are equal.</exception>
    public static IReadOnlyList<Probe> Fit(StreamStates states, int seed = 0)
    {
        int pairs = states.Prompts / 2;
        if (pairs < Folds) throw new ArgumentException($"A probe needs at least {Folds} pairs, so that some can be held out; there are {pairs}.", nameof(states));
        Random random = new(seed);
        int[] order = [.. Enumerable.Range(0, pairs)];
        random.Shuffle(order);
        return [.. Enumerable.Range(0, states.Layers).Select(layer => Fit(states.After(layer), layer, order))];
    }

    private static Probe Fit(Tensor states, int layer, int[] order)
    {
        int right = 0;
        for (int fold = 0; fold < Folds; fold++)
        {
            int[] held = [.. order.Where((_, i) => i % Folds == fold)], kept = [.. order.Where((_, i) => i % Folds != fold)];
            (double[] weights, double bias) = Regress(states, kept);
            foreach (int pair in held)
            {
                if (Apply(states.Row(2 * pair), weights) + bias > 0) right++;
                if (Apply(states.Row(2 * pair + 1), weights) + bias < 0) right++;
            }
        }
        (double[] all, _) = Regress(states, order);
        double norm = Math.Sqrt(all.Sum(weight => weight * weight));
        if (!(norm > 0)) throw new ArgumentException($"At layer {layer} the texts' states do not differ, so nothing tells them apart.", nameof(states));
        return new Probe(layer, Array.ConvertAll(all, weight => (float)(weight / norm)), Proportion.Wilson(right, 2 * order.Length));
    }

    /// <summary>Weights for states as they are, and the bias.</summary>
    private static (double[] Weights, double Bias) Regress(Tensor states, int[] pairs)
    {
        int count = 2 * pairs.Length, width = states.Columns;
        Tensor rows = Tensor.Uninitialized(count, width);
        for (int i = 0; i < count; i++) states.Row(2 * pairs[i / 2] + i % 2).CopyTo(rows.Row(i));
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

        Vector<double> solution = Newton(x);
        double[] weights = new double[width];
        double bias = solution[rank];
        for (int c = 0; c < rank; c++)
            for (int i = 0; i < width; i++) weights[i] += solution[c] * scale * components.Directions[c][i];
        for (int i = 0; i < width; i++) bias -= weights[i] * components.Mean[i];
        return (weights, bias);
    }

    /// <summary>Minimises <c>Σ log(1 + exp(-y x·w)) / n + penalty |w|² / 2</c>; rows of x alternate between y = 1 and y = -1, the last column is 1 and has no penalty.</summary>
    private static Vector<double> Newton(DenseMatrix x)
    {
        int count = x.RowCount, columns = x.ColumnCount;
        Vector<double> w = new DenseVector(columns);
        Vector<double> penalty = DenseVector.Create(columns, i => i == columns - 1 ? 1e-9 : Penalty);
        for (int step = 0; step < MostSteps; step++)
        {
            Vector<double> scores = x * w;
            Vector<double> positive = scores.Map(score => 1 / (1 + Math.Exp(-score)));
            Vector<double> gradient = x.TransposeThisAndMultiply(positive.MapIndexed((i, p) => (p - (i % 2 == 0 ? 1 : 0)) / count)) + penalty.PointwiseMultiply(w);
            Matrix<double> weighted = x.Clone();
            for (int i = 0; i < count; i++) weighted.SetRow(i, x.Row(i) * (positive[i] * (1 - positive[i]) / count));
            Matrix<double> hessian = x.TransposeThisAndMultiply(weighted);
            for (int i = 0; i < columns; i++) hessian[i, i] += penalty[i];
            Vector<double> change = hessian.Cholesky().Solve(gradient);
            double before = Loss(x, w, penalty), share = 1;
            while (share > 1e-6 && Loss(x, w - share * change, penalty) > before) share /= 2; // a step may go too far
            w -= share * change;
            if ((share * change).L2Norm() < 1e-9 * (1 + w.L2Norm())) break;
        }
        return w;
    }

    private static double Loss(DenseMatrix x, Vector<double> w, Vector<double> penalty)
    {
        Vector<double> scores = x * w;
        double sum = 0;
        for (int i = 0; i < scores.Count; i++)
        {
            double margin = i % 2 == 0 ? scores[i] : -scores[i];
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
