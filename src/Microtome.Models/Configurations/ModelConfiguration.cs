using System.Text.Json;

namespace Microtome.Models;

/// <summary>Reads a checkpoint's <c>config.json</c>.</summary>
public static class ModelConfiguration
{
    private const int LargestFile = 16 << 20;

    /// <summary>The specification of the model in a folder.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, lacks a key, or names a family that is not known; the message lists those that are.</exception>
    /// <exception cref="FileNotFoundException">The folder has no <c>config.json</c>.</exception>
    public static ModelSpecification Load(string folder)
    {
        string path = Path.Combine(folder, "config.json");
        if (!File.Exists(path))
            throw new FileNotFoundException($"{folder} has no config.json; a model is a folder with config.json and *.safetensors, or owner/name on the Hub.", path);
        using JsonDocument document = Read(path);
        ConfigurationElement configuration = Root(document, path);

        string generationPath = Path.Combine(folder, "generation_config.json");
        if (!File.Exists(generationPath)) return Parse(configuration);
        using JsonDocument generation = Read(generationPath);
        IReadOnlyList<int> endOfText = Root(generation, generationPath).Ints("eos_token_id");
        ModelSpecification specification = Parse(configuration);
        return endOfText.Count == 0 ? specification : specification with { EndOfText = [.. specification.EndOfText.Union(endOfText)] };
    }

    /// <summary>The specification that a configuration's text gives.</summary>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InvalidDataException">As for <see cref="Load"/>.</exception>
    public static ModelSpecification Parse(string json, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Parse(Root(document, name));
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{name} is not JSON: {exception.Message}", exception);
        }
    }

    private static ModelSpecification Parse(ConfigurationElement root)
    {
        // Multimodal checkpoints keep the language model's configuration in an object of its own.
        ConfigurationElement configuration = root.Object("text_config") ?? root;
        string family = configuration.String("model_type") ?? root.String("model_type") ?? throw root.Missing("model_type");
        if (!ModelFamilies.All.TryGetValue(family, out Func<ConfigurationElement, ModelSpecification>? read))
            throw new InvalidDataException($"{root.Path}: the model family '{family}' is not known; known are {string.Join(", ", ModelFamilies.All.Keys.Order(StringComparer.Ordinal))}.");
        if (configuration.Has("quantization_config") || root.Has("quantization_config"))
            throw new InvalidDataException($"{root.Path}: the weights are quantised (quantization_config); use a checkpoint with f32, f16 or bf16 weights.");
        ModelSpecification specification = read(configuration) with
        {
            Family = family,
            BeginningOfText = configuration.OptionalInt("bos_token_id") ?? root.OptionalInt("bos_token_id"),
            EndOfText = configuration.Has("eos_token_id") ? configuration.Ints("eos_token_id") : root.Ints("eos_token_id"),
            Padding = configuration.OptionalInt("pad_token_id") ?? root.OptionalInt("pad_token_id"),
        };
        AttentionSpecification attention = specification.Attention;
        if (attention.Heads % attention.KeyValueHeads != 0)
            throw new InvalidDataException($"{configuration.Path}: {attention.Heads} attention heads cannot share {attention.KeyValueHeads} key-value heads evenly.");
        if (specification.Layers.Any(layer => layer.Rotary is { } rotary && rotary.InverseFrequencies.Length * 2 > attention.HeadWidth))
            throw new InvalidDataException($"{configuration.Path}: the rotary embedding is wider than a head ({attention.HeadWidth}).");
        return specification;
    }

    private static ConfigurationElement Root(JsonDocument document, string path) =>
        document.RootElement.ValueKind == JsonValueKind.Object
            ? new ConfigurationElement(document.RootElement, path)
            : throw new InvalidDataException($"{path} is not a JSON object.");

    private static JsonDocument Read(string path)
    {
        if (new FileInfo(path).Length > LargestFile) throw new InvalidDataException($"{path} is larger than {LargestFile} bytes; it is not a configuration.");
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path));
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} is not JSON: {exception.Message}", exception);
        }
    }
}
