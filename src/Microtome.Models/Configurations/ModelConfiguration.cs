using System.Text;

namespace Microtome.Models;

/// <summary>Reads a checkpoint's <c>config.json</c>.</summary>
public static class ModelConfiguration
{
    private const int MostWidth = 1 << 24;

    /// <summary>The specification of the model in a folder.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, lacks a key, or names a family that is not known; the message lists those that are.</exception>
    /// <exception cref="FileNotFoundException">The folder has no <c>config.json</c>.</exception>
    public static ModelSpecification Load(string folder)
    {
        string path = Path.Combine(folder, "config.json");
        if (!File.Exists(path))
            throw new FileNotFoundException($"{folder} has no config.json; a model is a folder with config.json and *.safetensors, or owner/name on the Hub.", path);
        ModelSpecification specification = ConfigurationElement.Read(path, Specification);

        string generationPath = Path.Combine(folder, "generation_config.json");
        if (!File.Exists(generationPath)) return specification;
        IReadOnlyList<int> endOfText = ConfigurationElement.Read(generationPath, generation => generation.Ints("eos_token_id"));
        return endOfText.Count == 0 ? specification : specification with { EndOfText = [.. specification.EndOfText.Union(endOfText)] };
    }

    /// <summary>The specification that a configuration's text gives.</summary>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InvalidDataException">As for <see cref="Load"/>.</exception>
    public static ModelSpecification Parse(string json, string name) => ConfigurationElement.Parse(Encoding.UTF8.GetBytes(json), name, Specification);

    private static ModelSpecification Specification(ConfigurationElement root)
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
        };
        specification = specification with
        {
            BeginningOfText = Token("bos_token_id", specification.BeginningOfText),
            EndOfText = configuration.Has("eos_token_id") ? configuration.Ints("eos_token_id") : root.Has("eos_token_id") ? root.Ints("eos_token_id") : specification.EndOfText,
            Padding = Token("pad_token_id", specification.Padding),
        };
        AttentionSpecification attention = specification.Attention;
        if ((long)attention.Heads * attention.HeadWidth > MostWidth)
            throw new InvalidDataException($"{configuration.Path}: {attention.Heads} heads of {attention.HeadWidth} dimensions are more than {MostWidth}.");
        if (attention.Heads % attention.KeyValueHeads != 0)
            throw new InvalidDataException($"{configuration.Path}: {attention.Heads} attention heads cannot share {attention.KeyValueHeads} key-value heads evenly.");
        if (specification.Layers.Any(layer => layer.Rotary is { } rotary && rotary.InverseFrequencies.Length * 2 > attention.HeadWidth))
            throw new InvalidDataException($"{configuration.Path}: the rotary embedding is wider than a head ({attention.HeadWidth}).");
        return specification;

        // A family's default holds only where no configuration has the key: null says that there is no such token.
        int? Token(string key, int? fallback) =>
            configuration.OptionalInt(key) ?? root.OptionalInt(key) ?? (configuration.IsNull(key) || root.IsNull(key) ? null : fallback);
    }
}
