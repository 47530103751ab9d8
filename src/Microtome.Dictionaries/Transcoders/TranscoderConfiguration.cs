using Microtome.Models;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Microtome.Dictionaries;

/// <summary>circuit-tracer's <c>config.yaml</c>.</summary>
internal sealed record TranscoderConfiguration
{
    private const int LargestFile = 1 << 20;

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
        if (!File.Exists(path))
            throw new FileNotFoundException($"{folder} has no config.yaml; transcoders are a folder with config.yaml and layer_N.safetensors (or W_enc_N and W_dec_N.safetensors), or owner/name on the Hub.", path);
        if (new FileInfo(path).Length > LargestFile) throw new InvalidDataException($"{path} is larger than {LargestFile} bytes; it is not a configuration.");
        YamlMappingNode root = Parse(path);

        string kind = Text(root, "model_kind") ?? "transcoder_set";
        if (kind is not ("transcoder_set" or "cross_layer_transcoder"))
            throw new InvalidDataException($"{path}: model_kind '{kind}' is not known; known are transcoder_set and cross_layer_transcoder.");
        string? k = Text(root, "k");
        return new TranscoderConfiguration
        {
            IsCrossLayer = kind == "cross_layer_transcoder",
            Input = Hook(path, root, "feature_input_hook", HookPoint.ResidMid, HookPoint.MlpNormalized, HookPoint.MlpIn),
            Output = Hook(path, root, "feature_output_hook", HookPoint.MlpRawOut, HookPoint.MlpOut),
            Name = Text(root, "scan"),
            ModelName = Text(root, "model_name"),
            Activation = Text(root, "activation"),
            K = k is null ? null : int.TryParse(k, out int value) ? value : throw new InvalidDataException($"{path}: k is '{k}'; a whole number is needed."),
            Files = Find(root, "transcoders") switch
            {
                null => null,
                YamlSequenceNode { Children.Count: > 0 } list => [.. list.Select(item => (item as YamlScalarNode)?.Value ?? throw new InvalidDataException($"{path}: 'transcoders' must list files."))],
                _ => throw new InvalidDataException($"{path}: 'transcoders' must list files."),
            },
        };
    }

    private static YamlMappingNode Parse(string path)
    {
        try
        {
            using StreamReader reader = new(path);
            YamlStream stream = [];
            stream.Load(reader);
            return stream.Documents.Count > 0 && stream.Documents[0].RootNode is YamlMappingNode root ? root : throw new InvalidDataException($"{path} is not a list of keys and values.");
        }
        catch (YamlException exception)
        {
            throw new InvalidDataException($"{path}: line {exception.Start.Line}: {exception.Message}", exception);
        }
    }

    private static HookPoint Hook(string path, YamlMappingNode root, string key, params HookPoint[] allowed)
    {
        string name = Text(root, key) ?? throw new InvalidDataException($"{path} has no '{key}'.");
        foreach (HookPoint point in allowed)
            if (name == point.Name()) return point;
        throw new InvalidDataException($"{path}: {key} '{name}' is not supported; supported are {string.Join(", ", allowed.Select(point => point.Name()))}.");
    }

    private static string? Text(YamlMappingNode root, string key) => Find(root, key) switch
    {
        YamlScalarNode { Value: not (null or "null" or "~" or "") and string value } => value,
        YamlSequenceNode list when key == "scan" => string.Join("-", list.Select(item => item.ToString())),
        _ => null,
    };

    private static YamlNode? Find(YamlMappingNode root, string key) =>
        root.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? node) ? node : null;
}
