using System.IO.Compression;
using System.Text.Json;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Parity;

/// <summary>Attribution graphs and interventions against circuit-tracer's.</summary>
public static class AttributionParity
{
    private const double EdgeTolerance = 1e-3, ValueTolerance = 1e-4, ScoreTolerance = 1e-3;

    // Golden files do not say at what fraction of edge influence they were pruned; these are what the format's makers use.
    private static readonly double[] EdgeThresholds = [0.95, 0.98];

    internal static IEnumerable<(string Name, Action<Comparison> Compare)> Cases(string folder) =>
        from golden in Directory.EnumerateFiles(folder, "golden.safetensors", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        let place = Path.GetDirectoryName(golden)!
        select (Path.GetRelativePath(folder, place), (Action<Comparison>)(comparison =>
        {
            using TranscoderSet transcoders = TranscoderReader.Open(Path.Combine(place, "transcoders"));
            string name = transcoders.ModelName ?? throw new InvalidDataException($"{place}/transcoders/config.yaml names no model.");
            Compare(Path.Combine(folder, "..", "models", name), transcoders, place, id => $"t{id}", comparison);
        }));

    /// <summary>
    /// Compares one case with the <c>golden.safetensors</c> and <c>graph.json</c> or <c>graph.json.gz</c> in <paramref name="place"/>. Where there are
    /// <c>adjacency_rows</c>, the adjacency holds only those rows; where there is no <c>edge_mask</c>, the links of the JSON are the kept edges.
    /// </summary>
    public static void Compare(string modelFolder, TranscoderSet transcoders, string place, Func<int, string> textOf, Comparison comparison)
    {
        using SafetensorsFile golden = SafetensorsFile.Open(Path.Combine(place, "golden.safetensors"));
        using Checkpoint checkpoint = Checkpoint.Open(modelFolder);
        ReplacementModel model = new(new Transformer(checkpoint), transcoders);
        int[] tokens = ModelParity.Ints(golden.Get("input_ids"));
        int active = (int)golden.Get("activation_values").Length, selected = (int)golden.Get("selected_features").Length, targets = (int)golden.Get("logit_token_ids").Length;
        AttributionOptions options = new()
        {
            MaximumTargets = targets,
            TargetProbability = 1,
            MaximumFeatures = selected < active ? selected : null,
            BatchSize = 64,
        };
        AttributionGraph graph = Attributor.Attribute(model, tokens, options, textOf);
        using JsonDocument? json = OpenJson(Path.Combine(place, "graph.json"));
        long kept = golden.Find("edge_mask")?.ToInt64().Sum() ?? json?.RootElement.GetProperty("links").GetArrayLength() ?? throw new InvalidDataException($"{place} does not say which edges are kept.");
        // The graph pruned at the threshold that keeps as many edges as the golden file.
        PrunedGraph Prune(AttributionGraph whole) => EdgeThresholds.Select(threshold => PrunedGraph.Prune(whole, 0.8, threshold)).MinBy(pruned => Math.Abs(pruned.Edges.Count - kept))!;

        CompareGraph(graph, golden, comparison);
        ComparePruned(Prune(graph), golden, comparison);
        if (json is not null) CompareJson(graph, Prune, json.RootElement, comparison);
        if (golden.Find("interventions") is { } interventions) CompareInterventions(model, tokens, interventions.ToTensor(), golden, comparison);
    }

    private static void CompareGraph(AttributionGraph graph, SafetensorsFile golden, Comparison comparison)
    {
        int[] features = [.. graph.ActiveFeatures.SelectMany(feature => new[] { feature.Layer, feature.Position, feature.Feature })];
        comparison.Same("active_features", features, (ReadOnlySpan<int>)ModelParity.Ints(golden.Get("active_features")));
        comparison.Close("activation_values", graph.ActiveFeatures.Select(feature => feature.Activation).ToArray(), golden.Get("activation_values"), ValueTolerance);
        comparison.Same("selected_features", [.. graph.Selected], (ReadOnlySpan<int>)ModelParity.Ints(golden.Get("selected_features")));
        comparison.Same("logit_token_ids", [.. graph.Targets.Select(target => target.Token)], (ReadOnlySpan<int>)ModelParity.Ints(golden.Get("logit_token_ids")));
        comparison.Close("logit_probabilities", graph.Targets.Select(target => target.Probability).ToArray(), golden.Get("logit_probabilities"), ValueTolerance);
        if (comparison.Failure is not null) return;

        Tensor adjacency = new(graph.NodeCount, graph.NodeCount);
        for (int row = 0; row < graph.Edges.Rows; row++) graph.Edges.Row(row).CopyTo(adjacency.Row(graph.NodeOfRow(row)));
        if (golden.Find("adjacency_rows") is { } rows)
            adjacency = Tensor.From(ModelParity.Ints(rows).SelectMany(row => adjacency.Row(row).ToArray()).ToArray(), (int)rows.Length, graph.NodeCount);
        comparison.Rows("adjacency", adjacency.Span, golden.Get("adjacency").ToTensor().Span, graph.NodeCount, EdgeTolerance);

        comparison.Close("node_influence", Array.ConvertAll(Influence.OfNodes(graph), value => (float)value), golden.Get("node_influence"), ScoreTolerance);
        GraphScores scores = GraphScores.Of(graph);
        comparison.Close("replacement_score", [(float)scores.Replacement], golden.Get("replacement_score"), ScoreTolerance);
        comparison.Close("completeness_score", [(float)scores.Completeness], golden.Get("completeness_score"), ScoreTolerance);
    }

    private static void ComparePruned(PrunedGraph pruned, SafetensorsFile golden, Comparison comparison)
    {
        AttributionGraph graph = pruned.Graph;
        comparison.Close("cumulative_scores", pruned.CumulativeInfluence.ToArray(), golden.Get("cumulative_scores"), ScoreTolerance);
        comparison.Same("node_mask", Array.ConvertAll(pruned.Nodes.ToArray(), kept => kept ? 1L : 0), (ReadOnlySpan<long>)golden.Get("node_mask").ToInt64());
        if (golden.Find("edge_mask") is not { } expected) return;
        long[] mask = new long[graph.NodeCount * graph.NodeCount];
        foreach (GraphEdge edge in pruned.Edges) mask[graph.NodeOfRow(edge.Row) * graph.NodeCount + edge.Source] = 1;
        comparison.Same("edge_mask", mask, (ReadOnlySpan<long>)expected.ToInt64());
    }

    private static JsonDocument? OpenJson(string path)
    {
        if (File.Exists(path)) return JsonDocument.Parse(File.ReadAllBytes(path));
        if (!File.Exists(path + ".gz")) return null;
        using FileStream file = File.OpenRead(path + ".gz");
        using GZipStream stream = new(file, CompressionMode.Decompress);
        return JsonDocument.Parse(stream);
    }

    private static void CompareJson(AttributionGraph graph, Func<AttributionGraph, PrunedGraph> prune, JsonElement expected, Comparison comparison)
    {
        JsonElement metadata = expected.GetProperty("metadata");
        graph = graph with { Origin = new GraphOrigin("", metadata.GetProperty("scan").GetString()!, metadata.GetProperty("prompt").GetString()!) };
        using MemoryStream stream = new();
        GraphJson.Write(prune(graph), metadata.GetProperty("slug").GetString()!, stream);
        using JsonDocument actual = JsonDocument.Parse(stream.ToArray());
        CompareValues("graph.json", actual.RootElement, expected, comparison);
    }

    /// <summary>Everything equal, numbers to the tolerance of scores or, for a link's weight, of edges.</summary>
    private static void CompareValues(string at, JsonElement actual, JsonElement expected, Comparison comparison)
    {
        if (actual.ValueKind != expected.ValueKind) comparison.Fail($"{at} is {actual.ValueKind}, expected {expected.ValueKind}");
        else if (expected.ValueKind == JsonValueKind.Object)
        {
            comparison.Same($"{at}: keys", [.. actual.EnumerateObject().Select(p => p.Name)], (ReadOnlySpan<string>)[.. expected.EnumerateObject().Select(p => p.Name)]);
            foreach (JsonProperty property in expected.EnumerateObject())
                if (actual.TryGetProperty(property.Name, out JsonElement value)) CompareValues($"{at}.{property.Name}", value, property.Value, comparison);
        }
        else if (expected.ValueKind == JsonValueKind.Array)
        {
            if (actual.GetArrayLength() != expected.GetArrayLength()) comparison.Fail($"{at} has {actual.GetArrayLength()} items, expected {expected.GetArrayLength()}");
            else if (at == "graph.json.links") CompareLinks(actual, expected, comparison);
            else foreach ((JsonElement a, JsonElement e) in actual.EnumerateArray().Zip(expected.EnumerateArray())) CompareValues(at, a, e, comparison);
        }
        else if (expected.ValueKind == JsonValueKind.Number && expected.GetDouble() != Math.Truncate(expected.GetDouble()))
            comparison.Rows(at, [(float)actual.GetDouble()], [(float)expected.GetDouble()], 1, ScoreTolerance);
        else if (actual.ToString() != expected.ToString() && !(expected.ValueKind == JsonValueKind.Number && actual.GetDouble() == expected.GetDouble()))
            comparison.Fail($"{at} is {actual}, expected {expected}");
    }

    /// <summary>Links in order, weights to the tolerance of their target's largest.</summary>
    private static void CompareLinks(JsonElement actual, JsonElement expected, Comparison comparison)
    {
        static string Ends(JsonElement link) => $"{link.GetProperty("source")} {link.GetProperty("target")}";
        comparison.Same("graph.json.links", [.. actual.EnumerateArray().Select(Ends)], (ReadOnlySpan<string>)[.. expected.EnumerateArray().Select(Ends)]);
        static IEnumerable<(string Target, float Weight)> Weights(JsonElement links) => links.EnumerateArray().Select(link => (link.GetProperty("target").GetString()!, link.GetProperty("weight").GetSingle()));
        foreach (var target in Weights(actual).Zip(Weights(expected)).GroupBy(pair => pair.Second.Target))
            comparison.Rows("graph.json link weights", target.Select(pair => pair.First.Weight).ToArray(), target.Select(pair => pair.Second.Weight).ToArray(), target.Count(), EdgeTolerance);
    }

    private static void CompareInterventions(ReplacementModel model, int[] tokens, Tensor interventions, SafetensorsFile golden, Comparison comparison)
    {
        FeatureIntervention[] set = [.. Enumerable.Range(0, interventions.Rows).Select(i => interventions.Row(i).ToArray())
            .Select(row => new FeatureIntervention((int)row[0], (int)row[1], (int)row[2], row[3]))];
        foreach ((string name, InterventionMode mode) in new[] { ("iterative", InterventionMode.FrozenAttention), ("no_freeze", InterventionMode.Unfrozen), ("direct", InterventionMode.Direct) })
        {
            if (golden.Find($"intervention_{name}_logits") is not { } logits) continue;
            InterventionResult result = Intervening.Run(model, tokens, set, mode, withActivations: true);
            comparison.Close($"intervention_{name}_logits", result.Logits.Span, logits, ValueTolerance);
            Tensor expected = golden.Get($"intervention_{name}_activations").ToTensor();
            comparison.Rows($"intervention_{name}_activations", result.Activations!.SelectMany(layer => layer.Span.ToArray()).ToArray(), expected.Span, expected.Length, ValueTolerance);
        }
    }
}
