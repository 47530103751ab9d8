using System.Globalization;

namespace Microtome.Dictionaries;

/// <summary>
/// Neuronpedia's bulk exports: a folder <c>LAYER-NAME</c> for each source, or one of them alone, with <c>features/</c>, <c>activations/</c> and one or more
/// folders <c>explanations…/</c> of <c>batch-N.jsonl.gz</c>, where each line is an object that says by <c>index</c> which feature it is of. Its labels are the
/// explanations, and cannot be changed.
/// </summary>
/// <remarks>Nothing says which features a batch holds: batches are read when they are first needed, and what they hold is remembered. A feature's lines of a kind stand in one batch.</remarks>
public sealed class NeuronpediaExport : IFeatureSource
{
    private readonly SortedDictionary<int, ExportedLayer> _layers;
    private readonly Lock _lock = new();
    private Dictionary<(int Layer, int Feature), string>? _labels;

    private NeuronpediaExport(string path, string dictionary, SortedDictionary<int, ExportedLayer> layers)
    {
        (Path, Dictionary, _layers) = (path, dictionary, layers);
    }

    public string Path { get; }

    public string Dictionary { get; }

    public bool CanLabel => false;

    /// <summary>Whether a folder is such an export.</summary>
    public static bool IsAt(string path) => ExportedLayer.IsAt(path) || Sources(path).Any();

    /// <summary>Lists the files; none is read.</summary>
    /// <param name="path">A source's folder, or the folder of a model's sources, of which each layer may have one.</param>
    /// <exception cref="InvalidDataException">It is no export, or has two sources for a layer.</exception>
    public static NeuronpediaExport Open(string path)
    {
        SortedDictionary<int, ExportedLayer> layers = [];
        string whole = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        foreach (string source in ExportedLayer.IsAt(whole) ? [whole] : Sources(whole))
        {
            string name = System.IO.Path.GetFileName(source);
            if (LayerOf(name) is not { } layer) throw new InvalidDataException($"The name of {source} does not say its layer; it must be LAYER-NAME, as Neuronpedia calls the source.");
            if (!layers.TryAdd(layer, new ExportedLayer(source)))
                throw new InvalidDataException($"{path} has two sources for layer {layer}, {System.IO.Path.GetFileName(layers[layer].Path)} and {name}; give a folder with one for each layer.");
        }
        return layers.Count > 0 ? new NeuronpediaExport(whole, System.IO.Path.GetFileName(whole), layers) : throw new InvalidDataException($"{path} is no export of Neuronpedia: it has no features/batch-N.jsonl.gz.");
    }

    public FeatureData? Find(int layer, int feature)
    {
        lock (_lock) return _layers.GetValueOrDefault(layer)?.Find(layer, feature);
    }

    public void SetLabel(int layer, int feature, string? label) => throw FeatureSearch.CannotLabel(Path);

    /// <summary>Reads all explanations, once.</summary>
    public IReadOnlyDictionary<(int Layer, int Feature), string> Labels()
    {
        lock (_lock)
        {
            if (_labels is not null) return _labels;
            Dictionary<(int, int), string> labels = [];
            foreach ((int layer, ExportedLayer source) in _layers)
                foreach ((int feature, string label) in source.Explanations()) labels.TryAdd((layer, feature), label);
            return _labels = labels;
        }
    }

    /// <summary>Searches all labels, and what the first 5,000 features promote.</summary>
    public IReadOnlyList<FeatureSummary> Search(string text, int? layer = null, int most = 100)
    {
        IReadOnlyDictionary<(int Layer, int Feature), string> labels = Labels();
        IReadOnlyList<FeatureSummary> read;
        lock (_lock)
            read = FeatureSearch.Among(
                _layers.Where(one => layer is null || one.Key == layer).SelectMany(one => one.Value.Statistics(one.Key)).Select(data => data with { Label = labels.GetValueOrDefault((data.Layer, data.Feature)) }), text, most);
        HashSet<(int, int)> seen = [.. read.Select(summary => (summary.Layer, summary.Feature))];
        IEnumerable<FeatureSummary> named = labels.Where(one => (layer is null || one.Key.Layer == layer) && FeatureSearch.Contains(one.Value, text) && !seen.Contains(one.Key))
            .OrderBy(one => one.Key).Select(one => new FeatureSummary(one.Key.Layer, one.Key.Feature, one.Value, 0, null, []));
        return [.. read.Concat(named).OrderByDescending(summary => FeatureSearch.Contains(summary.Label, text)).Take(most)];
    }

    public void Dispose()
    {
    }

    private static IEnumerable<string> Sources(string path) =>
        Directory.Exists(path) ? Directory.EnumerateDirectories(path).Where(folder => LayerOf(System.IO.Path.GetFileName(folder)) is not null && ExportedLayer.IsAt(folder)).Order(StringComparer.Ordinal) : [];

    private static int? LayerOf(string source) =>
        source.IndexOf('-') is > 0 and { } dash && int.TryParse(source[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out int layer) ? layer : null;
}
