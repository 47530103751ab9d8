using System.Runtime.InteropServices;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>What is collected of all features while contexts pass through the model.</summary>
internal sealed class FeatureCollector
{
    private readonly DictionaryFeatures _dictionary;
    private readonly IndexDescription _description;

    public FeatureCollector(DictionaryFeatures dictionary, IndexDescription description)
    {
        _dictionary = dictionary;
        _description = description;
        Layers = [.. dictionary.Layers.Select(_ => new Dictionary<int, FeatureStatistics>())];
    }

    /// <summary>By the dictionary's layers: what was collected of the features that were active.</summary>
    public IReadOnlyList<Dictionary<int, FeatureStatistics>> Layers { get; }

    /// <summary>The layer in the model of the layer at an index.</summary>
    public int LayerOf(int index) => _dictionary.Layers[index].Layer;

    public FeatureStatistics New() => new(new ExampleCounts(_description.Strongest, _description.Samples));

    /// <summary>Runs contexts together and counts what is active in them, at every position but the first.</summary>
    /// <returns>How many tokens were counted.</returns>
    /// <exception cref="InvalidDataException">An activation is not a finite number.</exception>
    public long Add(Transformer transformer, IReadOnlyList<TokenContext> contexts, CancellationToken cancellation)
    {
        Tensor[] inputs = new Tensor[_dictionary.Layers.Count];
        ForwardHooks hooks = new();
        for (int i = 0; i < inputs.Length; i++)
        {
            int layer = i;
            hooks.Add(_dictionary.Layers[i].Input, _dictionary.Layers[i].Layer, (activation, _) => inputs[layer] = activation.Clone());
        }
        transformer.Forward([.. contexts.Select(context => context.Tokens)], hooks, logits: LogitRows.None, cancellation: cancellation);

        (int Context, int Position)[] rows = [.. contexts.SelectMany((context, index) => context.Tokens.Select((_, position) => (index, position)))];
        List<ActiveFeature>[] active = new List<ActiveFeature>[inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            active[i] = _dictionary.Layers[i].Encode(inputs[i].AsMatrix());
            if (active[i].FindIndex(feature => !float.IsFinite(feature.Value)) is >= 0 and int at)
                throw new InvalidDataException($"Feature {active[i][at].Feature} of layer {_dictionary.Layers[i].Layer} has the activation {active[i][at].Value} in context {contexts[rows[active[i][at].Position].Context].Id}.");
        }
        WorkerPool.For(inputs.Length, layer => Count(Layers[layer], active[layer], contexts, rows));
        return rows.Length - contexts.Count;
    }

    private void Count(Dictionary<int, FeatureStatistics> statistics, List<ActiveFeature> active, IReadOnlyList<TokenContext> contexts, (int Context, int Position)[] rows)
    {
        // By feature, then by row; an insertion order that depends on the texts alone.
        ActiveFeature[] sorted = [.. active.Where(feature => rows[feature.Position].Position > 0).OrderBy(feature => feature.Feature)];
        List<Firing> firings = [];
        for (int i = 0; i < sorted.Length; i++)
        {
            (int context, int position) = rows[sorted[i].Position];
            firings.Add(new Firing(position, sorted[i].Value));
            bool ends = i + 1 == sorted.Length || sorted[i + 1].Feature != sorted[i].Feature || rows[sorted[i + 1].Position].Context != context;
            if (!ends) continue;
            if (!statistics.TryGetValue(sorted[i].Feature, out FeatureStatistics? feature)) statistics.Add(sorted[i].Feature, feature = New());
            feature.Add(contexts[context], CollectionsMarshal.AsSpan(firings), _description.Before, _description.After);
            firings.Clear();
        }
    }
}
