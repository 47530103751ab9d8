using System.Text.Json;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>A model's folder as Hugging Face lays it out: <c>config.json</c> and weights in one or several memory-mapped safetensors files.</summary>
public sealed class Checkpoint : IDisposable
{
    private const int LargestIndex = 64 << 20, MostNamed = 12;
    private readonly List<SafetensorsFile> _files;
    private readonly Dictionary<string, StoredTensor> _tensors;

    private Checkpoint(string folder, ModelSpecification specification, List<SafetensorsFile> files, Dictionary<string, StoredTensor> tensors)
    {
        Folder = folder;
        Specification = specification;
        _files = files;
        _tensors = tensors;
    }

    public string Folder { get; }

    public ModelSpecification Specification { get; }

    public IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    /// <summary>The size of all weight files in bytes.</summary>
    public long Bytes => _files.Sum(file => file.Length);

    /// <summary>Reads the configuration and maps the weights; no weight is read.</summary>
    /// <exception cref="InvalidDataException">A file is damaged or does not fit the others.</exception>
    /// <exception cref="FileNotFoundException">The configuration or weight files are missing; the message names them.</exception>
    public static Checkpoint Open(string folder)
    {
        ModelSpecification specification = ModelConfiguration.Load(folder);
        List<SafetensorsFile> files = [];
        try
        {
            Dictionary<string, StoredTensor> tensors = OpenWeights(folder, files);
            return new Checkpoint(folder, specification, files, tensors);
        }
        catch
        {
            foreach (SafetensorsFile file in files) file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of this name.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public StoredTensor Get(string name) =>
        Find(name) ?? throw new InvalidDataException($"{Folder} has no tensor '{name}', which a {Specification.Family} model needs.");

    public StoredTensor? Find(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>Unmaps the weights. No model loaded from the checkpoint may be used afterwards.</summary>
    public void Dispose()
    {
        foreach (SafetensorsFile file in _files) file.Dispose();
    }

    /// <summary>One file of all weights where there is one, as the reference library prefers it; else those that the index names.</summary>
    private static Dictionary<string, StoredTensor> OpenWeights(string folder, List<SafetensorsFile> files)
    {
        string single = Path.Combine(folder, "model.safetensors"), index = Path.Combine(folder, "model.safetensors.index.json");
        if (File.Exists(single))
        {
            files.Add(SafetensorsFile.Open(single));
            return new Dictionary<string, StoredTensor>(files[0].Tensors);
        }
        if (File.Exists(index)) return OpenShards(folder, index, files);

        string others = string.Join(", ", Directory.EnumerateFiles(folder).Select(Path.GetFileName)
            .Where(name => Path.GetExtension(name) is ".bin" or ".gguf" or ".pth").Order(StringComparer.Ordinal));
        throw new FileNotFoundException($"{folder} has neither model.safetensors nor model.safetensors.index.json{(others.Length > 0 ? $"; its weights ({others}) are not in the safetensors format" : "")}.", single);
    }

    private static Dictionary<string, StoredTensor> OpenShards(string folder, string index, List<SafetensorsFile> files)
    {
        Dictionary<string, string> shardOf = ReadIndex(index);
        string[] names = [.. shardOf.Values.Distinct().Order(StringComparer.Ordinal)];
        foreach (string name in names)
            if (name != Path.GetFileName(name) || name is "" or "." or "..") throw new InvalidDataException($"{index} names the file '{name}'; shards must be in the same folder.");
        string[] missing = [.. names.Where(name => !File.Exists(Path.Combine(folder, name)))];
        if (missing.Length > 0)
            throw new FileNotFoundException($"{folder} lacks {missing.Length} of {names.Length} weight files: {string.Join(", ", missing)}.", Path.Combine(folder, missing[0]));

        Dictionary<string, SafetensorsFile> shards = [];
        foreach (string name in names)
        {
            files.Add(SafetensorsFile.Open(Path.Combine(folder, name)));
            shards.Add(name, files[^1]);
        }
        string[] absent = [.. shardOf.Where(entry => shards[entry.Value].Find(entry.Key) is null).Select(entry => $"'{entry.Key}' in {entry.Value}").Order(StringComparer.Ordinal)];
        if (absent.Length > 0)
            throw new InvalidDataException($"{index} names {absent.Length} tensors that its files lack: {string.Join(", ", absent.Take(MostNamed))}{(absent.Length > MostNamed ? ", …" : "")}.");
        return shardOf.ToDictionary(entry => entry.Key, entry => shards[entry.Value].Get(entry.Key));
    }

    private static Dictionary<string, string> ReadIndex(string index)
    {
        if (new FileInfo(index).Length > LargestIndex) throw new InvalidDataException($"{index} is larger than {LargestIndex} bytes; it is not an index of weights.");
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(index));
            return document.RootElement.GetProperty("weight_map").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetString() ?? "");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or ArgumentException)
        {
            throw new InvalidDataException($"{index} has no usable weight_map: {exception.Message}", exception);
        }
    }
}
