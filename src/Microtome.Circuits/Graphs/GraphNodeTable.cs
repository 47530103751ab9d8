using System.Globalization;
using Microtome.Dictionaries;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>The nodes of a file in the interchange format on their way into a graph.</summary>
internal sealed class GraphNodeTable(string file, int positions)
{
    private const int MostLayers = 4096;

    private readonly List<(FeatureNode Node, string Id, string Description)> _features = [];
    private readonly List<(int Layer, int Position, string Id)> _errors = [];
    private readonly List<(InjectionNode Node, string Id)> _injections = [];
    private readonly List<(GraphTarget Target, string Id)> _targets = [];
    private readonly int[] _tokens = [.. Enumerable.Repeat(-1, positions)];
    private readonly string?[] _tokenIds = new string?[positions];
    private readonly Dictionary<string, List<int>> _nodesOf = [];
    private readonly Dictionary<int, string> _descriptions = [];
    private int _layers;

    /// <summary>What features are called, by node.</summary>
    public IReadOnlyDictionary<int, string> Descriptions => _descriptions;

    public void Add(JsonPart part)
    {
        string id = part.Text("node_id"), type = part.Text("feature_type"), description = part.OptionalText("clerp") ?? "";
        int position = part.Whole("ctx_idx");
        if (position >= positions) throw part.Mistake($"is at position {position}; the prompt has {positions} tokens");
        switch (type)
        {
            case "embedding":
                if (_tokenIds[position] is not null) throw part.Mistake($"is a second token at position {position}");
                _tokenIds[position] = id;
                if (Parts(id, "E") is [var token, _]) _tokens[position] = token;
                return;
            case "logit":
                float probability = part.Number("token_prob") ?? 0;
                if (probability is < 0 or > 1) throw part.Mistake($"has the probability {probability}; it must be from 0 to 1");
                int output = part.Whole("layer");
                Reach(part, output - 2); // the format counts the embedding and the logits as layers
                _targets.Add((new GraphTarget(Parts(id, null) is [_, var vocabulary, _] ? vocabulary : part.Whole("feature"), TextOf(description, id), probability), id));
                return;
            case "mlp reconstruction error":
                int errorLayer = part.Whole("layer");
                Reach(part, errorLayer);
                _errors.Add((errorLayer, position, id));
                return;
            case "steering":
                int steeredLayer = part.Whole("layer");
                Reach(part, steeredLayer);
                _injections.Add((new InjectionNode(steeredLayer, position, 0), id)); // the format has no room for what was added
                return;
            default:
                int layer = part.Whole("layer");
                Reach(part, layer);
                _features.Add((new FeatureNode(layer, position, FeatureOf(part, id, layer, position), part.Number("activation") ?? 0), id, description));
                return;
        }
    }

    /// <exception cref="InvalidDataException">Nodes are given twice, none is a target, or there are too many.</exception>
    public AttributionGraph Build(string[] tokenTexts, GraphOrigin origin)
    {
        if (_targets.Count == 0) throw new InvalidDataException($"{file} has no logit node, so that nothing is explained.");
        _features.Sort((a, b) => (a.Node.Layer, a.Node.Position, a.Node.Feature).CompareTo((b.Node.Layer, b.Node.Position, b.Node.Feature)));
        for (int i = 1; i < _features.Count; i++)
            if (_features[i].Node with { Activation = 0 } == _features[i - 1].Node with { Activation = 0 }) throw new InvalidDataException($"{file} has the feature '{_features[i].Id}' twice.");
        _injections.Sort((a, b) => (a.Node.Layer, a.Node.Position).CompareTo((b.Node.Layer, b.Node.Position)));
        int features = _features.Count;
        long rows = features + _targets.Count, columns = features + (_layers + 1L) * positions + _injections.Count;
        if (rows * columns > GraphJsonReader.MostPossibleEdges)
            throw new InvalidDataException($"{file} has {features} features, {_layers} layers and {positions} tokens, with room for {rows * columns:N0} edges; at most {GraphJsonReader.MostPossibleEdges:N0} are read. Prune it first.");

        GraphTarget[] targets = [.. _targets.Select(target => target.Target)];
        if (targets.All(target => target.Probability == 0)) targets = [.. targets.Select(target => target with { Probability = 1f / targets.Length })]; // weights alone; not every program writes them
        AttributionGraph graph = new(_layers, _tokens, tokenTexts, [.. _features.Select(feature => feature.Node)], [.. Enumerable.Range(0, features)], targets, new Tensor((int)rows, (int)columns).AsMatrix(), [.. _injections.Select(injection => injection.Node)])
        {
            Origin = origin,
        };
        for (int i = 0; i < features; i++)
        {
            Name(_features[i].Id, i);
            if (_features[i].Description.Length > 0) _descriptions.Add(i, _features[i].Description);
        }
        HashSet<int> errors = [];
        foreach ((int layer, int position, string id) in _errors)
        {
            int node = graph.FirstError + layer * positions + position;
            if (!errors.Add(node)) throw new InvalidDataException($"{file} has the error of layer {layer} at position {position} twice.");
            Name(id, node);
        }
        for (int position = 0; position < positions; position++)
            if (_tokenIds[position] is { } id) Name(id, graph.FirstToken + position);
        for (int i = 0; i < _injections.Count; i++) Name(_injections[i].Id, graph.FirstInjection + i);
        for (int i = 0; i < targets.Length; i++) Name(_targets[i].Id, graph.FirstTarget + i);
        return graph;
    }

    /// <summary>Adds a link to the edges of a graph that was built from the table.</summary>
    public void Connect(AttributionGraph graph, string source, string target, float weight, JsonPart part)
    {
        int to = -1;
        foreach (int node in NodesOf(target, part))
            if (to < 0 && (node < graph.FirstError || node >= graph.FirstTarget)) to = node;
        if (to < 0) throw part.Mistake($"leads to '{target}', which takes no input");
        Span<float> edges = graph.Edges.Row(to < graph.FirstError ? to : to - graph.FirstTarget + graph.FeatureCount);
        List<int> sources = [.. NodesOf(source, part).Where(node => node < graph.FirstTarget && (graph.LayerOf(node) < graph.LayerOf(to) || (graph.IsInjection(node) && graph.LayerOf(node) == graph.LayerOf(to))))];
        if (sources.Count == 0) throw part.Mistake($"leads from '{source}' to '{target}', which is not in a later layer");
        // Errors and features of layer 0 can have the same id. Features come first in such files, so that the second link is the error's.
        int from = sources[0];
        for (int i = 1; i < sources.Count && edges[from] != 0; i++) from = sources[i];
        edges[from] += weight;
        if (!float.IsFinite(edges[from])) throw part.Mistake("makes an edge that is not finite");
    }

    /// <summary>The node with this id; null where there is none.</summary>
    public int? Find(string id) => _nodesOf.TryGetValue(id, out List<int>? nodes) ? nodes[0] : null;

    private List<int> NodesOf(string id, JsonPart part) =>
        _nodesOf.GetValueOrDefault(id) ?? throw part.Mistake($"names '{(id.Length > 64 ? id[..64] + "…" : id)}', which is no node");

    private void Name(string id, int node)
    {
        if (!_nodesOf.TryGetValue(id, out List<int>? nodes)) _nodesOf.Add(id, nodes = []);
        nodes.Add(node);
    }

    private void Reach(JsonPart part, int layer)
    {
        if (layer >= MostLayers) throw part.Mistake($"is in layer {layer}; at most {MostLayers} are read");
        _layers = Math.Max(_layers, layer + 1);
    }

    /// <summary>A feature's index within its layer: from the id, else from Cantor's pairing of layer and index.</summary>
    private static int FeatureOf(JsonPart part, string id, int layer, int position)
    {
        if (Parts(id, null) is [var idLayer, var index, var idPosition] && idLayer == layer && idPosition == position) return index;
        if (!long.TryParse(part.OptionalText("feature"), NumberStyles.None, CultureInfo.InvariantCulture, out long paired)) throw part.Mistake("needs a whole number as 'feature'");
        if (CantorPair.TryInvert(paired, out int pairedLayer, out int unpaired) && pairedLayer == layer) return unpaired;
        return paired <= int.MaxValue ? (int)paired : throw part.Mistake($"is the feature {paired}, which no layer has");
    }

    /// <summary>The whole numbers of an id such as <c>12_4031_7</c> or <c>E_29_3</c>; empty where it is none.</summary>
    private static int[] Parts(string id, string? first)
    {
        string[] parts = id.Split('_');
        if (first is not null && parts[0] != first) return [];
        List<int> numbers = [];
        foreach (string part in first is null ? parts : parts[1..])
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return [];
            numbers.Add(number);
        }
        return [.. numbers];
    }

    /// <summary>The text in <c>Output "text" (p=0.93)</c>.</summary>
    private static string TextOf(string description, string id)
    {
        int begin = description.IndexOf('"'), end = description.LastIndexOf('"');
        return begin >= 0 && end > begin ? description[(begin + 1)..end] : description.Length > 0 ? description : id;
    }
}
