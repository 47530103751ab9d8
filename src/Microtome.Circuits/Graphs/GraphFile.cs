using System.Globalization;
using System.Text.Json;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>Whole graphs on disk: the rectangle of edges and what its rows and columns are, as safetensors, so that they can be pruned again without a model.</summary>
public static class GraphFile
{
    private const string Format = "microtome-graph";
    private const string FormatVersion = "1";

    /// <param name="version">Of the program that made the graph.</param>
    /// <param name="parameters">What the graph was made with, for the record.</param>
    public static void Save(AttributionGraph graph, string path, string version, IReadOnlyDictionary<string, string>? parameters = null, CancellationToken cancellation = default)
    {
        SafetensorsWriter writer = new();
        int features = graph.ActiveFeatures.Count;
        int[] active = new int[features * 3];
        for (int i = 0; i < features; i++) (active[3 * i], active[3 * i + 1], active[3 * i + 2]) = (graph.ActiveFeatures[i].Layer, graph.ActiveFeatures[i].Position, graph.ActiveFeatures[i].Feature);
        writer.Add("input_ids", [.. graph.Tokens], graph.Positions);
        writer.Add("active_features", active, features, 3);
        writer.Add("activation_values", [.. graph.ActiveFeatures.Select(feature => feature.Activation)], features);
        writer.Add("selected_features", [.. graph.Selected], graph.FeatureCount);
        writer.Add("logit_token_ids", [.. graph.Targets.Select(target => target.Token)], graph.Targets.Count);
        writer.Add("logit_probabilities", [.. graph.Targets.Select(target => target.Probability)], graph.Targets.Count);
        if (graph.Injections.Count > 0)
        {
            writer.Add("injections", [.. graph.Injections.SelectMany(injection => new[] { injection.Layer, injection.Position })], graph.Injections.Count, 2);
            writer.Add("injection_norms", [.. graph.Injections.Select(injection => injection.Norm)], graph.Injections.Count);
        }
        writer.Add("edges", graph.Edges);
        writer.Metadata["format"] = Format;
        writer.Metadata["format_version"] = FormatVersion;
        writer.Metadata["microtome_version"] = version;
        writer.Metadata["layers"] = graph.Layers.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["token_texts"] = JsonSerializer.Serialize(graph.TokenTexts.ToArray(), GraphFileJson.Default.StringArray);
        writer.Metadata["target_texts"] = JsonSerializer.Serialize(graph.Targets.Select(target => target.Text).ToArray(), GraphFileJson.Default.StringArray);
        writer.Metadata["model"] = graph.Origin.Model;
        writer.Metadata["transcoders"] = graph.Origin.Transcoders;
        writer.Metadata["prompt"] = graph.Origin.Prompt;
        foreach ((string key, string value) in parameters ?? new Dictionary<string, string>()) writer.Metadata[key] = value;
        writer.Save(path, cancellation);
    }

    /// <param name="path">The file, or the folder that it is in.</param>
    /// <exception cref="InvalidDataException">The file is not a graph, or its parts do not fit together.</exception>
    public static AttributionGraph Load(string path)
    {
        if (Directory.Exists(path)) path = Path.Combine(path, "graph.safetensors");
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault("format") != Format)
            throw new InvalidDataException($"{path} is not a graph that 'microtome trace' wrote.");
        if (file.Metadata.GetValueOrDefault("format_version") != FormatVersion)
            throw new InvalidDataException($"{path} is a graph of format version {file.Metadata.GetValueOrDefault("format_version")}; this program reads version {FormatVersion}.");
        try
        {
            return Read(file, path);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or OverflowException or InvalidOperationException or IndexOutOfRangeException or KeyNotFoundException or ArgumentException)
        {
            throw new InvalidDataException($"{path} is damaged: {exception.Message}", exception);
        }
    }

    private static AttributionGraph Read(SafetensorsFile file, string path)
    {
        int[] Ints(string name) => Array.ConvertAll(file.Get(name).ToInt64(), value => checked((int)value));
        float[] Floats(string name) => file.Get(name).ToTensor().Span.ToArray();
        string[] Texts(string name) => JsonSerializer.Deserialize(file.Metadata[name], GraphFileJson.Default.StringArray) ?? [];

        int layers = int.Parse(file.Metadata["layers"], CultureInfo.InvariantCulture);
        int[] tokens = Ints("input_ids"), active = Ints("active_features"), selected = Ints("selected_features"), targetTokens = Ints("logit_token_ids");
        float[] activations = Floats("activation_values"), probabilities = Floats("logit_probabilities");
        string[] tokenTexts = Texts("token_texts"), targetTexts = Texts("target_texts");
        StoredTensor edges = file.Get("edges");
        int[] injected = file.Find("injections") is null ? [] : Ints("injections");
        float[] norms = file.Find("injection_norms") is null ? [] : Floats("injection_norms");

        bool fits = layers is > 0 and <= 4096 && active.Length == 3 * activations.Length && tokenTexts.Length == tokens.Length && tokens.Length > 0
            && targetTokens.Length == probabilities.Length && targetTexts.Length == probabilities.Length && probabilities.Length > 0
            && edges.Type == ElementType.F32
            && edges.Shape.SequenceEqual([selected.Length + targetTokens.Length, selected.Length + (layers + 1L) * tokens.Length + norms.Length]);
        InjectionNode[] injections = new InjectionNode[fits && injected.Length == 2 * norms.Length ? norms.Length : 0];
        fits &= injected.Length == 2 * norms.Length;
        for (int i = 0; fits && i < injections.Length; i++)
        {
            injections[i] = new InjectionNode(injected[2 * i], injected[2 * i + 1], norms[i]);
            fits &= (uint)injections[i].Layer < (uint)layers && (uint)injections[i].Position < (uint)tokens.Length && float.IsFinite(norms[i]);
        }
        FeatureNode[] features = fits ? new FeatureNode[activations.Length] : [];
        for (int i = 0; fits && i < features.Length; i++)
        {
            features[i] = new FeatureNode(active[3 * i], active[3 * i + 1], active[3 * i + 2], activations[i]);
            fits &= (uint)features[i].Layer < (uint)layers && (uint)features[i].Position < (uint)tokens.Length && features[i].Feature >= 0;
            fits &= i == 0 || (features[i - 1].Layer, features[i - 1].Position, features[i - 1].Feature).CompareTo((features[i].Layer, features[i].Position, features[i].Feature)) < 0;
        }
        for (int i = 0; fits && i < selected.Length; i++) fits &= (uint)selected[i] < (uint)features.Length && (i == 0 || selected[i] > selected[i - 1]);
        fits &= Array.TrueForAll(tokenTexts, text => text is not null) && Array.TrueForAll(targetTexts, text => text is not null);
        fits &= Array.TrueForAll(activations, float.IsFinite) && Array.TrueForAll(probabilities, value => value is >= 0 and <= 1);
        if (!fits) throw new InvalidDataException($"{path} is damaged: its parts do not fit together.");

        GraphTarget[] targets = [.. targetTokens.Select((token, i) => new GraphTarget(token, targetTexts[i], probabilities[i]))];
        Tensor rectangle = edges.ToTensor();
        if (!IsFiniteAndForward(rectangle.AsMatrix(), selected.Length)) throw new InvalidDataException($"{path} is damaged: an edge is not a number, or leads from a feature to one that is not after it.");
        return new AttributionGraph(layers, tokens, tokenTexts, features, selected, targets, rectangle.AsMatrix(), injections)
        {
            Origin = new GraphOrigin(file.Metadata.GetValueOrDefault("model", ""), file.Metadata.GetValueOrDefault("transcoders", ""), file.Metadata.GetValueOrDefault("prompt", "")),
        };
    }

    /// <summary>Whether features feed only features after them, which sums over paths rely on.</summary>
    private static bool IsFiniteAndForward(Matrix edges, int features)
    {
        for (int row = 0; row < edges.Rows; row++)
        {
            ReadOnlySpan<float> weights = edges.Row(row);
            if (row < features && weights[row..features].ContainsAnyExcept(0f)) return false;
            foreach (float weight in weights)
                if (!float.IsFinite(weight)) return false;
        }
        return true;
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string[]))]
internal sealed partial class GraphFileJson : System.Text.Json.Serialization.JsonSerializerContext;
