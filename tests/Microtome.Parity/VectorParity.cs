using System.Text.Json;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Models.Safetensors;

namespace Microtome.Parity;

/// <summary>
/// Steering vectors against repeng's and transformers': for each <c>NAME.json</c> of contrast pairs, the directions in <c>NAME.safetensors</c>, and
/// what a prompt becomes when one of them is added.
/// </summary>
internal static class VectorParity
{
    private const double DirectionTolerance = 1e-4, LogitTolerance = 1e-4;
    private const string Model = "stories260k", Prompt = "Tom went to the park. He was";
    private const int SteeredLayer = 2, Generated = 30;

    public static IEnumerable<(string Name, Action<Comparison> Compare)> Cases(string folder) =>
        from golden in Directory.EnumerateFiles(folder, "*.safetensors", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        let pairs = Path.ChangeExtension(golden, ".json")
        where File.Exists(pairs)
        select (Path.GetRelativePath(folder, golden)[..^".safetensors".Length], (Action<Comparison>)(comparison => Compare(folder, golden, pairs, comparison)));

    private static void Compare(string folder, string goldenPath, string pairsPath, Comparison comparison)
    {
        using SafetensorsFile golden = SafetensorsFile.Open(goldenPath);
        (string name, string prompt) = Named(pairsPath, golden);
        using LoadedModel model = new ModelSource().LoadModelAsync(ModelFolder(folder, name)).GetAwaiter().GetResult();
        IReadOnlyList<ContrastPair> pairs = ContrastPair.Load(pairsPath);

        StreamStates states = StreamStates.Collect(model.Transformer, PairVectors.Encode(model, pairs));
        foreach (PairMethod method in Enum.GetValues<PairMethod>())
        {
            SteeringVector made = PairVectors.FromStates(states, method);
            foreach (string direction in golden.Tensors.Keys.Where(key => key.StartsWith($"{method.Name()}.", StringComparison.Ordinal)))
                comparison.Close(direction, made[int.Parse(direction.AsSpan(method.Name().Length + 1))], golden.Get(direction), DirectionTolerance);
        }

        SteeringVector vector = PairVectors.FromStates(states, PairMethod.MeanDifference);
        foreach (string key in golden.Tensors.Keys.Where(key => key.StartsWith("steer.", StringComparison.Ordinal)))
        {
            string[] parts = key.Split('.');
            float strength = float.Parse(string.Join('.', parts[1..^1]), System.Globalization.CultureInfo.InvariantCulture);
            Steering steering = new([new Addition(SteeredLayer, vector[SteeredLayer], strength, PositionRange.AllButFirst, SteeringUnit.Length)]);
            ForwardHooks hooks = steering.Hooks(model.Specification);
            int[] tokens = model.Prompts.Encode(prompt);
            if (parts[^1] == "logits")
            {
                Numerics.Tensor logits = model.Transformer.Forward(tokens, hooks, logits: golden.Get(key).Length > model.Specification.VocabularySize ? LogitRows.All : LogitRows.Last);
                comparison.Close(key, logits.Span, golden.Get(key), LogitTolerance);
            }
            else
            {
                int[] expected = ModelParity.Ints(golden.Get(key));
                if (!expected.AsSpan().StartsWith(tokens)) tokens = expected[..^Generated];
                SamplingOptions options = new() { MaximumTokens = expected.Length - tokens.Length, IgnoreEndOfText = true };
                comparison.Same(key, [.. tokens, .. Generation.Generate(model.Transformer, tokens, options, _ => hooks)], (ReadOnlySpan<int>)expected);
            }
        }
    }

    /// <summary>The model and prompt of a case: those that its files name, else the usual ones.</summary>
    private static (string Model, string Prompt) Named(string pairsPath, SafetensorsFile golden)
    {
        using JsonDocument pairs = JsonDocument.Parse(File.ReadAllBytes(pairsPath));
        string? Find(string key) =>
            golden.Metadata.GetValueOrDefault(key)
            ?? (pairs.RootElement.ValueKind == JsonValueKind.Object && pairs.RootElement.TryGetProperty(key, out JsonElement value) ? value.GetString() : null);
        return (Find("model") ?? Model, Find("prompt") ?? Prompt);
    }

    /// <summary>The model's folder in a folder <c>models</c> beside the golden files or above them.</summary>
    private static string ModelFolder(string folder, string name)
    {
        for (DirectoryInfo? place = new(Path.GetFullPath(folder)); place is not null; place = place.Parent)
            if (Path.Combine(place.FullName, "models", name) is var candidate && File.Exists(Path.Combine(candidate, "config.json"))) return candidate;
        throw new DirectoryNotFoundException($"No folder models/{name} lies beside {Path.GetFullPath(folder)} or above it.");
    }
}
