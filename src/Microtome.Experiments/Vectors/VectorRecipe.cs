using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microtome.Experiments;

/// <summary>What made a steering vector, kept in its file.</summary>
public sealed record VectorRecipe
{
    /// <summary>The model's name as it was given.</summary>
    public string Model { get; init; } = "";

    /// <summary>The model's family (<c>model_type</c>).</summary>
    public string Family { get; init; } = "";

    /// <summary>How it was made: mean_diff, pca_diff, pca_center, concept, latents, probe, random, trained, or what the file says.</summary>
    public string Method { get; init; } = "";

    /// <summary>What it stands for: a word, a persona, a list of latents.</summary>
    public string Concept { get; init; } = "";

    /// <summary>The prompts that pull towards the vector.</summary>
    public IReadOnlyList<string> Positive { get; init; } = [];

    /// <summary>The prompts that pull away from it; of the pairs the other half, in the same order.</summary>
    public IReadOnlyList<string> Negative { get; init; } = [];

    /// <summary>Of random numbers, where there were any.</summary>
    public int? Seed { get; init; }

    /// <summary>Anything measured while it was made, such as a probe's held-out accuracy.</summary>
    public IReadOnlyDictionary<string, string> Notes { get; init; } = new Dictionary<string, string>();

    /// <summary>The program that made it.</summary>
    public string Version { get; init; } = "";

    public string ToJson() => JsonSerializer.Serialize(this, VectorJson.Default.VectorRecipe);

    /// <exception cref="JsonException">The text is no recipe.</exception>
    public static VectorRecipe FromJson(string json) => JsonSerializer.Deserialize(json, VectorJson.Default.VectorRecipe) ?? new VectorRecipe();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VectorRecipe))]
internal sealed partial class VectorJson : JsonSerializerContext;
