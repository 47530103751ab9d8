using System.Globalization;
using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>
/// A folder of feature JSON that other programs wrote, or <c>microtome index --json-folder</c>: <c>NUMBER.json</c>, where the number is Cantor's pairing of
/// layer and feature (circuit-tracer's viewer), or <c>LAYER-SOURCE/FEATURE.json</c> (Neuronpedia's API); also compressed, <c>.json.gz</c>. Its labels cannot be changed.
/// </summary>
public sealed class FeatureFolder : IFeatureSource
{
    private const long LargestFile = 64 << 20;
    private const int MostFiles = 4_000_000;
    private readonly SortedDictionary<(int Layer, int Feature), string> _files;

    private FeatureFolder(string path, string dictionary, SortedDictionary<(int, int), string> files)
    {
        Path = path;
        Dictionary = dictionary;
        _files = files;
    }

    public string Path { get; }

    public string Dictionary { get; }

    public bool CanLabel => false;

    /// <summary>The features that have a file, by layer and feature.</summary>
    public IReadOnlyCollection<(int Layer, int Feature)> Features => _files.Keys;

    /// <summary>Lists the files; none is read.</summary>
    /// <param name="path">The folder, or one that holds <c>features/NAME/</c> with one NAME.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It has no files of features.</exception>
    public static FeatureFolder Open(string path)
    {
        if (!Directory.Exists(path)) throw new DirectoryNotFoundException($"There is no folder {path}.");
        string folder = path;
        if (Directory.Exists(System.IO.Path.Combine(folder, "features"))) folder = System.IO.Path.Combine(folder, "features");
        SortedDictionary<(int, int), string> files = List(folder);
        if (files.Count == 0 && Directory.GetDirectories(folder) is [string only])
        {
            folder = only;
            files = List(folder);
        }
        if (files.Count == 0)
            throw new InvalidDataException($"{path} has no files of features: NUMBER.json, by Cantor's pairing of layer and feature, LAYER-SOURCE/FEATURE.json, {PackedFeatures.IndexName}, or LAYER-SOURCE/features/batch-N.jsonl.gz.");
        return new FeatureFolder(folder, System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(folder))), files);
    }

    /// <summary>Writes an index's active features as files <c>features/NAME/NUMBER.json</c> in a folder, each whole or not at all.</summary>
    /// <returns>How many files there are.</returns>
    public static long Write(FeatureIndex index, string folder, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        string name = string.Concat(index.Dictionary.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_'));
        string target = System.IO.Path.Combine(folder, "features", name.Trim('.') is { Length: > 0 } safe ? safe : "dictionary");
        IReadOnlyList<(int Layer, int Feature)> active = index.Active();
        for (int i = 0; i < active.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            (int layer, int feature) = active[i];
            FeatureData data = index.Find(layer, feature)!;
            string file = System.IO.Path.Combine(target, CantorPair.Of(layer, feature).ToString(CultureInfo.InvariantCulture) + ".json");
            AtomicFile.Write(file, stream => FeatureJson.Write(data, index.Dictionary, stream), flushToDisk: false);
            progress?.Report((i + 1.0) / active.Count);
        }
        return active.Count;
    }

    public FeatureData? Find(int layer, int feature) =>
        _files.TryGetValue((layer, feature), out string? file) ? FeatureJson.Read(GzipFile.ReadAll(file, LargestFile), layer, feature, file) : null;

    public void SetLabel(int layer, int feature, string? label) =>
        throw FeatureSearch.CannotLabel(Path);

    public IReadOnlyDictionary<(int Layer, int Feature), string> Labels() =>
        Search("", most: FeatureSearch.MostRead).Where(summary => summary.Label is not null).ToDictionary(summary => (summary.Layer, summary.Feature), summary => summary.Label!);

    /// <summary>Reads up to 5,000 files.</summary>
    public IReadOnlyList<FeatureSummary> Search(string text, int? layer = null, int most = 100) =>
        FeatureSearch.Among(_files.Keys.Where(key => layer is null || key.Layer == layer).Select(key => Find(key.Layer, key.Feature)!), text, most);

    public void Dispose()
    {
    }

    private static SortedDictionary<(int, int), string> List(string folder)
    {
        SortedDictionary<(int, int), string> files = [];
        foreach (string file in Directory.EnumerateFiles(folder))
            if (Number(System.IO.Path.GetFileName(file)) is { } number && CantorPair.TryInvert(number, out int layer, out int feature)) Add((layer, feature), file);
        foreach (string source in Directory.EnumerateDirectories(folder))
        {
            string name = System.IO.Path.GetFileName(source);
            int dash = name.IndexOf('-');
            if (!int.TryParse(dash < 0 ? name : name[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out int layer)) continue;
            foreach (string file in Directory.EnumerateFiles(source))
                if (Number(System.IO.Path.GetFileName(file)) is <= int.MaxValue and { } feature) Add((layer, (int)feature), file);
        }
        return files;

        void Add((int, int) key, string file)
        {
            if (files.Count >= MostFiles) throw new InvalidDataException($"{folder} has more than {MostFiles:N0} files; it is not a folder of features.");
            files.TryAdd(key, file);
        }
    }

    private static long? Number(string name)
    {
        string? stem = name.EndsWith(".json", StringComparison.Ordinal) ? name[..^5] : name.EndsWith(".json.gz", StringComparison.Ordinal) ? name[..^8] : null;
        return stem is not null && long.TryParse(stem, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
    }
}
