using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>
/// Concept vectors: the mean state at the last token of sentences that end in a word, less the mean over baseline words in the same
/// sentences (Lindsey 2025, "Emergent Introspective Awareness in Large Language Models").
/// </summary>
public static class ConceptVectors
{
    /// <summary>Makes one vector for each word, with directions for every layer, unscaled. The baseline is run once for all.</summary>
    /// <param name="progress">Told the fraction done.</param>
    /// <exception cref="ArgumentException">There are no words, one is empty, or a sentence is longer than the context.</exception>
    public static IReadOnlyList<SteeringVector> Make(LoadedModel model, IReadOnlyList<string> words, ConceptTemplates? templates = null, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        templates ??= ConceptTemplates.Default;
        if (words.Count == 0) throw new ArgumentException("There are no words to make vectors of.", nameof(words));
        if (words.Any(string.IsNullOrWhiteSpace)) throw new ArgumentException("A word to make a vector of is empty.", nameof(words));
        string[] all = [.. words, .. templates.Baseline];
        int sentences = templates.Templates.Count;
        StreamStates states = StreamStates.Collect(model.Transformer, [.. all.SelectMany(templates.Fill).Select(model.Prompts.Encode)], progress: progress, cancellation: cancellation);

        List<KeyValuePair<int, float[]>>[] directions = [.. words.Select(_ => new List<KeyValuePair<int, float[]>>())];
        for (int layer = 0; layer < states.Layers; layer++)
        {
            double[] baseline = Mean(states.After(layer), words.Count * sentences, templates.Baseline.Count * sentences);
            for (int word = 0; word < words.Count; word++)
            {
                double[] mean = Mean(states.After(layer), word * sentences, sentences);
                directions[word].Add(KeyValuePair.Create(layer, mean.Select((value, i) => (float)(value - baseline[i])).ToArray()));
            }
        }
        return [.. words.Select((word, i) => new SteeringVector(directions[i], new VectorRecipe
        {
            Model = model.Name,
            Family = model.Specification.Family,
            Method = "concept",
            Concept = word,
            Positive = [.. templates.Fill(word)],
            Negative = templates.Baseline,
            Version = MicrotomeVersion.Text,
        }))];
    }

    private static double[] Mean(Tensor states, int first, int count)
    {
        double[] mean = new double[states.Columns];
        for (int row = first; row < first + count; row++)
            for (int i = 0; i < mean.Length; i++) mean[i] += states.Row(row)[i];
        for (int i = 0; i < mean.Length; i++) mean[i] /= count;
        return mean;
    }
}
