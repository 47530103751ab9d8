using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>How a direction is taken from pairs of texts.</summary>
public enum PairMethod
{
    /// <summary>The mean over pairs of the positive text's state minus the negative one's, unscaled.</summary>
    MeanDifference,

    /// <summary>The first principal component of the pairs' differences, centred; unit length (repeng's <c>pca_diff</c>).</summary>
    PcaDifference,

    /// <summary>The first principal component of all states, each less its pair's mean; unit length (repeng's <c>pca_center</c>).</summary>
    PcaCenter,
}

/// <summary>Steering vectors from pairs of texts that differ in one respect (Zou et al. 2023, "Representation Engineering", arXiv 2310.01405).</summary>
public static class PairVectors
{
    /// <summary>The name in files and on the command line.</summary>
    public static string Name(this PairMethod method) => method switch
    {
        PairMethod.MeanDifference => "mean_diff",
        PairMethod.PcaDifference => "pca_diff",
        _ => "pca_center",
    };

    /// <summary>Runs both texts of every pair and makes a direction for each layer.</summary>
    /// <param name="progress">Told the fraction done.</param>
    /// <exception cref="ArgumentException">There are no pairs, a text is empty or too long, or the texts of all pairs lead to the same states.</exception>
    public static SteeringVector Make(LoadedModel model, IReadOnlyList<ContrastPair> pairs, PairMethod method, string concept = "", IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        StreamStates states = StreamStates.Collect(model.Transformer, Encode(model, pairs), progress: progress, cancellation: cancellation);
        return FromStates(states, method).With(new VectorRecipe
        {
            Model = model.Name,
            Family = model.Specification.Family,
            Method = method.Name(),
            Concept = concept,
            Positive = [.. pairs.Select(pair => pair.Positive)],
            Negative = [.. pairs.Select(pair => pair.Negative)],
            Version = MicrotomeVersion.Text,
        });
    }

    /// <summary>The tokens of the pairs' texts: positive, negative, positive, negative and so on.</summary>
    public static IReadOnlyList<int[]> Encode(LoadedModel model, IReadOnlyList<ContrastPair> pairs) =>
        pairs.Count > 0 ? [.. pairs.SelectMany(pair => new[] { model.Prompts.Encode(pair.Positive), model.Prompts.Encode(pair.Negative) })]
        : throw new ArgumentException("There are no pairs.", nameof(pairs));

    /// <summary>Directions from states in the order of <see cref="Encode"/>. Means are for every layer; components for all but the first, as repeng has them.</summary>
    /// <exception cref="ArgumentException">The states of all pairs are equal.</exception>
    public static SteeringVector FromStates(StreamStates states, PairMethod method) => method == PairMethod.MeanDifference
        ? new(Enumerable.Range(0, states.Layers).Select(layer => KeyValuePair.Create(layer, MeanDifference(states.After(layer)))))
        : new(Enumerable.Range(Math.Min(1, states.Layers - 1), Math.Max(1, states.Layers - 1)).Select(layer => KeyValuePair.Create(layer, Component(states.HiddenState(layer), layer, method))));

    /// <summary>The mean of rows 0, 2, 4, … less the mean of rows 1, 3, 5, ….</summary>
    private static float[] MeanDifference(Tensor states)
    {
        double[] sum = new double[states.Columns];
        for (int row = 0; row < states.Rows; row += 2)
            for (int i = 0; i < sum.Length; i++) sum[i] += (double)states.Row(row)[i] - states.Row(row + 1)[i];
        return Array.ConvertAll(sum, value => (float)(value * 2 / states.Rows));
    }

    private static float[] Component(Tensor states, int layer, PairMethod method)
    {
        int pairs = states.Rows / 2;
        Tensor differences = Tensor.Uninitialized(pairs, states.Columns);
        for (int pair = 0; pair < pairs; pair++) TensorPrimitives.Subtract(states.Row(2 * pair), states.Row(2 * pair + 1), differences.Row(pair));

        // A pair's states less their mean are half the difference and its opposite: their mean is zero, and their components are those of
        // the differences that are not centred.
        double[] component;
        try
        {
            component = PrincipalComponents.Of(differences.AsMatrix(), 1, center: method == PairMethod.PcaDifference).Directions[0];
        }
        catch (ArgumentException exception)
        {
            throw new ArgumentException($"At layer {layer} the pairs have no principal component: {exception.Message} Give pairs that differ from each other.", exception);
        }

        // Most pairs' positive states lie further along the direction than the negative ones.
        int larger = 0, smaller = 0;
        for (int pair = 0; pair < pairs; pair++)
        {
            double along = 0;
            for (int i = 0; i < component.Length; i++) along += component[i] * differences.Row(pair)[i];
            if (along > 0) larger++;
            if (along < 0) smaller++;
        }
        return Array.ConvertAll(component, value => (float)(smaller > larger ? -value : value));
    }
}
