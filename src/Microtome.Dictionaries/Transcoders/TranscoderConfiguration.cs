using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>circuit-tracer's <c>config.yaml</c>.</summary>
internal sealed record TranscoderConfiguration
{
    public const int MostLayers = 4096;

    public required bool IsCrossLayer { get; init; }

    public required HookPoint Input { get; init; }

    public required HookPoint Output { get; init; }

    public string? Name { get; init; }

    public string? ModelName { get; init; }

    public string? Activation { get; init; }

    public int? K { get; init; }

    /// <summary>A file for each layer, where they are listed.</summary>
    public IReadOnlyList<string>? Files { get; init; }

    public static TranscoderConfiguration Load(string folder)
    {
        string path = Path.Combine(folder, "config.yaml");
        if (!File.Exists(path) && AutoencoderReader.Recognizes(folder))
            throw new FileNotFoundException($"{folder} holds an autoencoder, where a set of transcoders is needed: with config.yaml and a file for each layer. Commands that read an autoencoder take it with --dictionary, and its latents steer as FOLDER#LATENT.", path);
        if (!File.Exists(path))
            throw new FileNotFoundException($"{folder} has no config.yaml; transcoders are a folder with config.yaml and layer_N.safetensors (or W_enc_N and W_dec_N.safetensors), or owner/name on the Hub.", path);
        FlatYaml root = new(path);

        string kind = root.Word("model_kind") ?? "transcoder_set";
        if (kind is not ("transcoder_set" or "cross_layer_transcoder"))
            throw new InvalidDataException($"{path}: model_kind '{kind}' is not known; known are transcoder_set and cross_layer_transcoder.");
        string? k = root.Word("k");
        IReadOnlyList<string>? files = root.List("transcoders");
        if (files is { Count: 0 or > MostLayers }) throw new InvalidDataException($"{path}: 'transcoders' lists {files.Count} files; it must list one for each layer, and at most {MostLayers}.");
        return new TranscoderConfiguration
        {
            IsCrossLayer = kind == "cross_layer_transcoder",
            Input = Hook(path, root, "feature_input_hook", HookPoint.ResidMid, HookPoint.MlpNormalized, HookPoint.MlpIn),
            Output = Hook(path, root, "feature_output_hook", HookPoint.MlpRawOut, HookPoint.MlpOut),
            Name = root.IsList("scan") ? string.Join("-", root.List("scan")!) : root.Word("scan"),
            ModelName = root.Word("model_name"),
            Activation = root.Word("activation"),
            K = k is null ? null : int.TryParse(k, out int value) ? value : throw new InvalidDataException($"{path}: k is '{k}'; a whole number is needed."),
            Files = files,
        };
    }

    private static HookPoint Hook(string path, FlatYaml root, string key, params HookPoint[] allowed)
    {
        string name = root.Word(key) ?? throw new InvalidDataException($"{path} has no '{key}'.");
        foreach (HookPoint point in allowed)
            if (name == point.Name()) return point;
        throw new InvalidDataException($"{path}: {key} '{name}' is not supported; supported are {string.Join(", ", allowed.Select(point => point.Name()))}.");
    }
}
