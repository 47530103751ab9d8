using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json;

namespace Microtome.Dictionaries;

/// <summary>
/// Features as circuit-tracer's viewer reads them from one file a layer: <c>index.json.gz</c> holds for each layer the file's name and where each feature
/// begins in it (and, at last, where the last one ends); there stand the length of what follows as four bytes, little-endian, and the feature's JSON,
/// compressed. Its labels cannot be changed.
/// </summary>
public sealed class PackedFeatures : IFeatureSource
{
    /// <summary>The name of the file that says where features are.</summary>
    public const string IndexName = "index.json.gz";

    private const long LargestIndex = 1L << 28, LargestFeature = 64 << 20;
    private const int MostLayers = 4096;
    private readonly SortedDictionary<int, Layer> _layers;

    private PackedFeatures(string path, string dictionary, SortedDictionary<int, Layer> layers)
    {
        (Path, Dictionary, _layers) = (path, dictionary, layers);
    }

    public string Path { get; }

    public string Dictionary { get; }

    public bool CanLabel => false;

    /// <summary>Whether a folder, or its folder <c>features</c>, has such an index.</summary>
    public static bool IsAt(string path) => FolderOf(path) is not null;

    /// <summary>Reads the index; no feature is read.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or does not fit the files; the message names the place.</exception>
    public static PackedFeatures Open(string path)
    {
        string folder = FolderOf(path) ?? throw new InvalidDataException($"{path} has no {IndexName}.");
        string index = System.IO.Path.Combine(folder, IndexName), whole = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(folder));
        string? parent = System.IO.Path.GetFileName(whole) == "features" ? System.IO.Path.GetDirectoryName(whole) : whole;
        byte[] json = GzipFile.ReadAll(index, LargestIndex);
        try
        {
            return new PackedFeatures(folder, System.IO.Path.GetFileName(parent) is { Length: > 0 } name ? name : "features", Read(json, folder, index));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{index} is not JSON: {exception.Message}", exception);
        }
    }

    public FeatureData? Find(int layer, int feature)
    {
        if (!_layers.TryGetValue(layer, out Layer known) || (uint)feature >= (uint)(known.Offsets.Length - 1)) return null;
        (long start, long end) = (known.Offsets[feature], known.Offsets[feature + 1]);
        if (start == end) return null;
        string name = $"{known.File}, feature {feature}";
        if (end - start is < 4 or > LargestFeature) throw new InvalidDataException($"{name} has {end - start:N0} bytes; 4 to {LargestFeature:N0} are needed.");
        byte[] packed = new byte[end - start];
        using (FileStream stream = new(known.File, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0))
        {
            stream.Position = start;
            if (stream.ReadAtLeast(packed, packed.Length, throwOnEndOfStream: false) < packed.Length) throw new InvalidDataException($"{known.File} ends before feature {feature}.");
        }
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(packed);
        if (length > packed.Length - 4) throw new InvalidDataException($"{name} says that it has {length:N0} bytes, but there are {packed.Length - 4:N0}.");
        using MemoryStream bytes = new(packed, 4, (int)length);
        bool isGzip = length > 2 && packed[4] == 0x1F && packed[5] == 0x8B;
        using Stream unpacked = isGzip ? new GZipStream(bytes, CompressionMode.Decompress) : new ZLibStream(bytes, CompressionMode.Decompress);
        return FeatureJson.Read(GzipFile.ReadAll(unpacked, name, LargestFeature), layer, feature, name);
    }

    public void SetLabel(int layer, int feature, string? label) => throw FeatureSearch.CannotLabel(Path);

    public IReadOnlyDictionary<(int Layer, int Feature), string> Labels() =>
        Search("", most: FeatureSearch.MostRead).Where(summary => summary.Label is not null).ToDictionary(summary => (summary.Layer, summary.Feature), summary => summary.Label!);

    /// <summary>Reads up to 5,000 features.</summary>
    public IReadOnlyList<FeatureSummary> Search(string text, int? layer = null, int most = 100) =>
        FeatureSearch.Among(
            _layers.Where(one => layer is null || one.Key == layer).SelectMany(one => Enumerable.Range(0, one.Value.Offsets.Length - 1).Select(feature => Find(one.Key, feature))).OfType<FeatureData>(),
            text, most);

    public void Dispose()
    {
    }

    private static string? FolderOf(string path) => new[] { path, System.IO.Path.Combine(path, "features") }.FirstOrDefault(folder => File.Exists(System.IO.Path.Combine(folder, IndexName)));

    /// <summary>A list of layers, or an object that has them by their numbers.</summary>
    private static SortedDictionary<int, Layer> Read(byte[] json, string folder, string index)
    {
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
        JsonElement root = document.RootElement;
        IEnumerable<(string Name, JsonElement Value)> entries = root.ValueKind switch
        {
            JsonValueKind.Array => root.EnumerateArray().Select((value, i) => ($"{i}", value)),
            JsonValueKind.Object => root.EnumerateObject().Select(property => (property.Name, property.Value)),
            _ => throw new InvalidDataException($"{index} holds {root.ValueKind}; a list of layers is needed."),
        };
        SortedDictionary<int, Layer> layers = [];
        foreach ((string name, JsonElement value) in entries)
        {
            if (value.ValueKind == JsonValueKind.Null) continue;
            if (!int.TryParse(name, out int layer) || layer is < 0 or >= MostLayers) throw new InvalidDataException($"{index}: '{name}' is not the number of a layer below {MostLayers}.");
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("filename", out JsonElement file) || file.ValueKind != JsonValueKind.String
                || !value.TryGetProperty("offsets", out JsonElement offsets) || offsets.ValueKind != JsonValueKind.Array)
                throw new InvalidDataException($"{index}: layer {layer} needs a 'filename' and a list of 'offsets'.");
            layers[layer] = LayerOf(file.GetString()!, offsets, folder, $"{index}: layer {layer}");
        }
        return layers.Count > 0 ? layers : throw new InvalidDataException($"{index} has no layers.");
    }

    private static Layer LayerOf(string name, JsonElement offsets, string folder, string place)
    {
        // Nothing outside of the folder is read, whatever the index names.
        if (name.Length == 0 || name != System.IO.Path.GetFileName(name) || name is "." or ".." || name.Contains('\\')) throw new InvalidDataException($"{place} names the file '{name}'; a name without folders is needed.");
        FileInfo file = new(System.IO.Path.Combine(folder, name));
        if (!file.Exists) throw new InvalidDataException($"{place} names '{name}', which is not in {folder}.");
        long[] starts = new long[offsets.GetArrayLength()];
        int count = 0;
        foreach (JsonElement offset in offsets.EnumerateArray())
        {
            long before = count == 0 ? 0 : starts[count - 1];
            if (offset.ValueKind != JsonValueKind.Number || !offset.TryGetInt64(out long start) || start < before || start > file.Length)
                throw new InvalidDataException($"{place}: offset {count} is {Shortened(offset)}; it must be from {before} to {file.Length}, the length of {name}.");
            starts[count++] = start;
        }
        return starts.Length > 0 ? new Layer(file.FullName, starts) : throw new InvalidDataException($"{place} has no offsets.");
    }

    private static string Shortened(JsonElement element) => element.GetRawText() is { Length: > 32 } text ? text[..32] + "…" : element.GetRawText();

    /// <param name="Offsets">Where each feature begins, and where the last one ends.</param>
    private readonly record struct Layer(string File, long[] Offsets);
}
