using System.Globalization;
using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>
/// Opens transcoders in circuit-tracer's layouts: a folder with <c>config.yaml</c> and <c>layer_i.safetensors</c>, or
/// <c>W_enc_i.safetensors</c> and <c>W_dec_i.safetensors</c> for a cross-layer transcoder, or a <c>config.yaml</c> that lists files, which may be
/// Gemma Scope's <c>params.npz</c> and Gemma Scope 2's safetensors. Which layout a file has is told from its tensors' names.
/// </summary>
public static class TranscoderReader
{
    private const int MostNamed = 12;

    /// <param name="resolve">Turns an entry of the configuration's list of files that is not a local path, such as <c>hf://…</c>, into a local path.</param>
    /// <exception cref="InvalidDataException">A file is damaged, lacks a tensor, or does not fit the others.</exception>
    /// <exception cref="FileNotFoundException">The configuration or a listed file is missing.</exception>
    public static TranscoderSet Open(string folder, Func<string, string>? resolve = null)
    {
        TranscoderConfiguration configuration = TranscoderConfiguration.Load(folder);
        List<IDisposable> opened = [];
        try
        {
            Transcoder[] layers = [.. Files(folder, configuration, resolve).Select((files, layer) => ReadLayer(files, layer, configuration, opened))];
            CheckTogether(folder, layers, configuration);
            return new TranscoderSet(configuration.Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), configuration.ModelName, configuration.IsCrossLayer,
                configuration.Input, configuration.Output, layers, opened)
            {
                Bytes = opened.Sum(file => file is NpzFile npz ? npz.Length : ((SafetensorsFile)file).Length),
            };
        }
        catch
        {
            foreach (IDisposable file in opened) file.Dispose();
            throw;
        }
    }

    /// <summary>Each layer's file, or its two.</summary>
    private static List<string[]> Files(string folder, TranscoderConfiguration configuration, Func<string, string>? resolve)
    {
        if (configuration.Files is { } listed)
            return [.. listed.Select(entry => new[] { Listed(folder, entry) ?? resolve?.Invoke(entry) ?? throw new FileNotFoundException($"{folder}: the transcoder file '{entry}' does not exist.", entry) })];

        string[] patterns = configuration.IsCrossLayer ? ["W_enc_{0}.safetensors", "W_dec_{0}.safetensors"] : ["layer_{0}.safetensors"];
        string[] Layer(int layer) => [.. patterns.Select(pattern => Path.Combine(folder, string.Format(CultureInfo.InvariantCulture, pattern, layer)))];
        int last = Directory.EnumerateFiles(folder, patterns[0].Replace("{0}", "*", StringComparison.Ordinal))
            .Select(path => int.TryParse(Path.GetFileNameWithoutExtension(path).Split('_')[^1], out int layer) ? layer : -1).DefaultIfEmpty(-1).Max();
        if (last < 0) throw new FileNotFoundException($"{folder} has no {string.Format(CultureInfo.InvariantCulture, patterns[0], 0)}.", folder);
        if (last >= TranscoderConfiguration.MostLayers) throw new InvalidDataException($"{folder} has a file for layer {last}; there may be {TranscoderConfiguration.MostLayers} layers.");
        List<string[]> files = [.. Enumerable.Range(0, last + 1).Select(Layer)];
        string[] missing = [.. files.SelectMany(paths => paths).Where(path => !File.Exists(path)).Select(path => Path.GetFileName(path))];
        return missing.Length == 0 ? files
            : throw new FileNotFoundException($"{folder} lacks {missing.Length} of {files.Count * patterns.Length} files: {string.Join(", ", missing.Take(MostNamed))}{(missing.Length > MostNamed ? ", …" : "")}.", missing[0]);
    }

    /// <summary>The file of a listed entry, by its path in the folder or a whole path; null when there is none.</summary>
    private static string? Listed(string folder, string entry)
    {
        if (entry.Split('/', '\\').Contains(".."))
            throw new InvalidDataException($"{folder}: config.yaml lists '{entry}'; list files by their path in the folder or by their whole path.");
        string path = Path.Combine(folder, entry);
        return File.Exists(path) ? path : null;
    }

    private static Transcoder ReadLayer(string[] paths, int layer, TranscoderConfiguration configuration, List<IDisposable> opened)
    {
        Dictionary<string, StoredTensor> tensors = [];
        foreach (string path in paths)
        {
            if (path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase))
            {
                NpzFile npz = NpzFile.Open(path);
                opened.Add(npz);
                Add(path, npz.Arrays);
            }
            else
            {
                SafetensorsFile file = SafetensorsFile.Open(path);
                opened.Add(file);
                Add(path, file.Tensors);
            }
        }
        return new LayerReader(paths[0], tensors, layer, configuration).Read();

        void Add(string path, IReadOnlyDictionary<string, StoredTensor> found)
        {
            foreach ((string name, StoredTensor tensor) in found)
                if (!tensors.TryAdd(name, tensor)) throw new InvalidDataException($"{path}: the tensor '{name}' is also in {paths[0]}.");
        }
    }

    private static void CheckTogether(string folder, Transcoder[] layers, TranscoderConfiguration configuration)
    {
        foreach (Transcoder layer in layers)
        {
            if (layer.Width != layers[0].Width)
                throw new InvalidDataException($"{folder}: layer {layer.Layer} has width {layer.Width}, layer 0 has {layers[0].Width}.");
            if (configuration.IsCrossLayer && layer.Targets != layers.Length - layer.Layer)
                throw new InvalidDataException($"{folder}: features of layer {layer.Layer} write to {layer.Targets} layers, but {layers.Length - layer.Layer} of {layers.Length} lie at or above it.");
            if (layer.Skip is null != layers[0].Skip is null)
                throw new InvalidDataException($"{folder}: layer {layer.Layer} {(layer.Skip is null ? "lacks" : "has")} a skip connection, unlike layer 0.");
        }
    }
}

/// <summary>Finds one layer's parts under the names that the layouts give them.</summary>
internal sealed class LayerReader(string path, Dictionary<string, StoredTensor> tensors, int layer, TranscoderConfiguration configuration)
{
    public Transcoder Read()
    {
        // Gemma Scope stores encoders as [width, features]: its npz under the common names, its successor under lower-case ones.
        bool gemmaScope2 = tensors.ContainsKey("w_enc");
        bool transposed = gemmaScope2 || path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase);
        StoredTensor encoder = Get(gemmaScope2 ? "w_enc" : "W_enc"), decoder = Get(gemmaScope2 ? "w_dec" : "W_dec");
        MatrixView rows = Matrix(encoder);
        if (transposed) rows = rows.T;
        int features = rows.Rows, width = rows.Columns;

        long targets = decoder.Shape.Length == 3 ? decoder.Shape[1] : 1;
        int firstTarget = gemmaScope2 && decoder.Shape.Length == 3 ? layer : 0; // Gemma Scope 2 stores a row for every layer, also those below
        if (decoder.Shape.Length is not (2 or 3) || decoder.Shape[0] != features || decoder.Shape[^1] != width || firstTarget >= targets || targets > int.MaxValue)
            throw Wrong(decoder, $"[{features}, {(configuration.IsCrossLayer ? "layers, " : "")}{width}]");
        if (!decoder.Type.IsWeight()) throw new InvalidDataException($"{path}: '{decoder.Name}' holds {decoder.Type}; weights must be F32, F16 or BF16.");
        if (!configuration.IsCrossLayer && targets != 1)
            throw new InvalidDataException($"{path}: '{decoder.Name}' writes to {targets} layers, but config.yaml says that the transcoders are per layer (model_kind: transcoder_set).");

        return new Transcoder(layer, rows, Vector("b_enc", features), Activation(features), Stacked(decoder, features, targets, width), firstTarget, Vector("b_dec", width), Skip(width));
    }

    private FeatureActivation Activation(int features)
    {
        if (configuration.Activation == "topk")
            return configuration.K is > 0 ? new TopK(configuration.K.Value) : throw new InvalidDataException($"{path}: activation is topk, but config.yaml has no positive k.");
        if (configuration.Activation is not (null or "relu" or "jumprelu" or "jump_relu"))
            throw new InvalidDataException($"{path}: activation '{configuration.Activation}' in config.yaml is not known; known are relu, jumprelu and topk.");
        string? threshold = new[] { "activation_function.threshold", "threshold", $"threshold_{layer}" }.FirstOrDefault(tensors.ContainsKey);
        if (threshold is not null && configuration.Activation != "relu") return new JumpRelu(Vector(threshold, features));
        return configuration.Activation is null or "relu" ? new Relu() : throw new InvalidDataException($"{path} has no thresholds, which a JumpReLU transcoder needs.");
    }

    /// <summary>The skip connection as [in, out]: circuit-tracer's per-layer transcoders store [out, in], the others [in, out].</summary>
    private MatrixView? Skip(int width)
    {
        StoredTensor? skip = Find("W_skip") ?? Find("affine_skip_connection");
        if (skip is null) return null;
        if (!skip.Shape.SequenceEqual([width, width])) throw Wrong(skip, $"[{width}, {width}]");
        return configuration.IsCrossLayer || skip.Name == "affine_skip_connection" ? Matrix(skip) : Matrix(skip).T;
    }

    private Tensor Vector(string name, int length)
    {
        StoredTensor vector = Get(name);
        return vector.Length == length ? Tensor.From(vector.ToTensor().Span, length) : throw Wrong(vector, $"[{length}]");
    }

    private MatrixView Matrix(StoredTensor tensor)
    {
        if (tensor.Shape.Length != 2 || tensor.Shape[0] is <= 0 or > int.MaxValue || tensor.Shape[1] is <= 0 or > int.MaxValue) throw Wrong(tensor, "[rows, columns]");
        return tensor.Type.IsWeight() ? tensor.AsMatrix() : throw new InvalidDataException($"{path}: '{tensor.Name}' holds {tensor.Type}; weights must be F32, F16 or BF16.");
    }

    private static unsafe StoredTensor Stacked(StoredTensor decoder, int features, long targets, int width) =>
        new(decoder.Name, decoder.Type, decoder.Data, decoder, features, targets, width);

    private StoredTensor Get(string name) => Find(name) ?? throw new InvalidDataException($"{path} has no tensor '{name}'; it has {string.Join(", ", tensors.Keys.Order(StringComparer.Ordinal).Take(12))}.");

    private StoredTensor? Find(string name) => tensors.GetValueOrDefault(name) ?? tensors.GetValueOrDefault($"{name}_{layer}");

    private InvalidDataException Wrong(StoredTensor tensor, string expected) => new($"{path}: '{tensor.Name}' has shape {tensor.ShapeText}; {expected} is needed.");
}
