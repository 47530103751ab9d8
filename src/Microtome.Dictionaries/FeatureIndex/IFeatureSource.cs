namespace Microtome.Dictionaries;

/// <summary>Where descriptions of a dictionary's features come from: an index that Microtome wrote, or a folder of what others did. Safe to use from several threads at once.</summary>
public interface IFeatureSource : IDisposable
{
    /// <summary>The dictionary's name, as graphs call it (<c>scan</c>).</summary>
    string Dictionary { get; }

    /// <summary>What is known of a feature; null where it is not there.</summary>
    /// <exception cref="InvalidDataException">The source is damaged; the message names the file.</exception>
    FeatureData? Find(int layer, int feature);

    /// <summary>Whether labels can be changed.</summary>
    bool CanLabel { get; }

    /// <summary>Gives a feature a label, or takes it away.</summary>
    /// <param name="label">Null or empty for none.</param>
    /// <exception cref="InvalidOperationException">Labels cannot be changed.</exception>
    /// <exception cref="ArgumentException">The label is longer than 2,000 characters.</exception>
    void SetLabel(int layer, int feature, string? label);

    /// <summary>All labels, as far as the source can list them.</summary>
    IReadOnlyDictionary<(int Layer, int Feature), string> Labels();

    /// <summary>Features whose label or promoted tokens contain a text, whatever its case: those with a label first, then by layer and feature.</summary>
    /// <param name="text">All features where empty.</param>
    /// <param name="layer">Only this layer's.</param>
    /// <param name="most">At most this many.</param>
    IReadOnlyList<FeatureSummary> Search(string text, int? layer = null, int most = 100);
}

/// <summary>Opens descriptions of features by their path.</summary>
public static class FeatureSource
{
    /// <summary>An index file, or a folder: of feature JSON, of circuit-tracer's packed features, of Neuronpedia's exports.</summary>
    /// <exception cref="FileNotFoundException">There is neither.</exception>
    /// <exception cref="InvalidDataException">It is something else or damaged; the message names the file.</exception>
    public static IFeatureSource Open(string path) =>
        !Directory.Exists(path) ? FeatureIndex.Open(path)
        : PackedFeatures.IsAt(path) ? PackedFeatures.Open(path)
        : NeuronpediaExport.IsAt(path) ? NeuronpediaExport.Open(path)
        : FeatureFolder.Open(path);
}
