using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>The directions at the end of the model that a graph explains.</summary>
internal static class LogitTargets
{
    /// <summary>Chooses targets and the vectors with which they read the normalised stream: <c>W_U[t] − mean_v W_U[v]</c>, before any soft cap.</summary>
    /// <returns>The targets, and vectors [targets, width].</returns>
    public static (GraphTarget[] Targets, Tensor Vectors) Choose(Transformer transformer, Tensor logits, AttributionOptions options, Func<int, string> textOf)
    {
        float[] probabilities = new float[logits.Length];
        TensorPrimitives.SoftMax<float>(logits.Span, probabilities);
        IReadOnlyList<TargetRequest> requests = options.Targets;
        if (requests.Count == 0) requests = [.. MostProbable(probabilities, options).Select(token => new TargetRequest(token, textOf(token)))];

        MatrixView unembedding = transformer.Weights.Unembedding.Weight.T; // [vocabulary, width]
        Tensor vectors = Tensor.Uninitialized(requests.Count, unembedding.Columns);
        float[] mean = Mean(unembedding), other = new float[unembedding.Columns];
        GraphTarget[] targets = new GraphTarget[requests.Count];
        for (int i = 0; i < targets.Length; i++)
        {
            (int token, int? minus, string text) = requests[i];
            foreach (int id in (ReadOnlySpan<int>)[token, minus ?? token])
                if ((uint)id >= (uint)probabilities.Length) throw new ArgumentException($"The target token {id} is outside the vocabulary of {probabilities.Length}.", nameof(options));
            unembedding.CopyRow(token, vectors.Row(i));
            if (minus is { } subtracted) unembedding.CopyRow(subtracted, other);
            TensorPrimitives.Subtract(vectors.Row(i), minus is null ? mean : other, vectors.Row(i));
            targets[i] = new GraphTarget(minus is null ? token : probabilities.Length + i, text, probabilities[token]);
        }
        return (targets, vectors);
    }

    /// <summary>The most probable tokens, highest first, ties to the lower.</summary>
    private static List<int> MostProbable(float[] probabilities, AttributionOptions options)
    {
        List<int> chosen = [];
        double sum = 0;
        foreach (int token in Enumerable.Range(0, probabilities.Length).OrderByDescending(token => probabilities[token]).Take(options.MaximumTargets))
        {
            chosen.Add(token);
            if ((sum += probabilities[token]) >= options.TargetProbability) break;
        }
        return chosen;
    }

    private static float[] Mean(MatrixView rows)
    {
        Tensor ones = Tensor.Uninitialized(1, rows.Rows), mean = Tensor.Uninitialized(1, rows.Columns);
        ones.Span.Fill(1);
        MatrixProduct.Multiply(ones.AsMatrix(), rows, mean.AsMatrix());
        TensorPrimitives.Divide(mean.Span, rows.Rows, mean.Span);
        return mean.Span.ToArray();
    }
}
