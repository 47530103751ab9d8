using System.Buffers;
using System.Text.Json;

namespace Microtome.Dictionaries;

/// <summary>One source of <see cref="NeuronpediaExport"/>.</summary>
internal sealed class ExportedLayer
{
    private const int LongestLine = 16 << 20, LargestFeature = 64 << 20, LongestLabel = 2000, MostFeatures = 4_000_000;
    private readonly ExportedBatches _features, _activations;
    private readonly ExportedBatches[] _explanations;

    /// <param name="path">The source's folder, <c>LAYER-NAME</c>.</param>
    public ExportedLayer(string path)
    {
        Path = path;
        _features = new ExportedBatches(System.IO.Path.Combine(path, "features"), LongestLine);
        _activations = new ExportedBatches(System.IO.Path.Combine(path, "activations"), LongestLine);
        _explanations = [.. Directory.EnumerateDirectories(path, "explanations*").Order(StringComparer.Ordinal).Select(folder => new ExportedBatches(folder, LongestLine))];
    }

    public string Path { get; }

    public static bool IsAt(string folder) => new[] { "features", "activations" }.Any(part => new ExportedBatches(System.IO.Path.Combine(folder, part), LongestLine).Files.Count > 0);

    public FeatureData? Find(int layer, int feature)
    {
        byte[]? statistics = _features.LinesOf(feature, LargestFeature).FirstOrDefault();
        List<byte[]> activations = _activations.LinesOf(feature, LargestFeature), explanations = [.. _explanations.SelectMany(batches => batches.LinesOf(feature, LargestFeature))];
        return statistics is null && activations.Count == 0 ? null : Read(layer, feature, statistics, activations, explanations);
    }

    /// <summary>What is said of each feature but its examples and labels, in the order of the batches.</summary>
    public IEnumerable<FeatureData> Statistics(int layer) => _features.All().Select(line => Read(layer, line.Feature, line.Line.ToArray(), [], []));

    public IEnumerable<(int Feature, string Label)> Explanations()
    {
        int count = 0;
        foreach ((int feature, ReadOnlyMemory<byte> line, string place) in _explanations.SelectMany(batches => batches.All()))
        {
            string? label = ExportedBatches.Parse(line, place, root => root.TryGetProperty("description", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString()!.Trim() : null);
            if (string.IsNullOrEmpty(label)) continue;
            if (++count > MostFeatures) throw new InvalidDataException($"{Path} has more than {MostFeatures:N0} explanations.");
            yield return (feature, label.Length <= LongestLabel ? label : label[..LongestLabel]);
        }
    }

    /// <summary>Puts the lines together to what Neuronpedia's API gives of a feature.</summary>
    private FeatureData Read(int layer, int feature, byte[]? statistics, List<byte[]> activations, List<byte[]> explanations)
    {
        string place = $"{Path}, feature {feature}";
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            if (statistics is not null)
                ExportedBatches.Parse(statistics, place, root =>
                {
                    foreach (JsonProperty property in root.EnumerateObject().Where(property => property.Name is not ("activations" or "explanations" or "examples_quantiles"))) property.WriteTo(json);
                    return 0;
                });
            foreach ((string name, List<byte[]> lines) in new[] { ("activations", activations), ("explanations", explanations) })
            {
                json.WriteStartArray(name);
                foreach (byte[] line in lines)
                    ExportedBatches.Parse(line, place, root =>
                    {
                        root.WriteTo(json);
                        return 0;
                    });
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        return FeatureJson.Read(bytes.WrittenMemory, layer, feature, place);
    }
}
