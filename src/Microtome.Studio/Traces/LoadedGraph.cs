using System.Globalization;
using Microtome.Circuits;

namespace Microtome.Studio.Traces;

/// <summary>A whole graph in memory, with what every answer about it needs.</summary>
internal sealed class LoadedGraph
{
    private readonly Dictionary<string, int> _nodes = [];
    private readonly GraphPruner _pruner;
    private readonly double _totalInfluence;

    public LoadedGraph(AttributionGraph graph)
    {
        Graph = graph;
        Sums = NodeSums.Of(graph);
        Scores = GraphScores.Of(graph);
        _pruner = new GraphPruner(graph);
        _totalInfluence = Math.Max(_pruner.Influence.Sum(), double.Epsilon);
        for (int node = 0; node < graph.NodeCount; node++) _nodes.TryAdd(IdOf(node), node);
    }

    public AttributionGraph Graph { get; }

    public NodeSums Sums { get; }

    public GraphScores Scores { get; }

    public long Bytes => (long)Graph.Edges.Rows * Graph.Edges.Columns * sizeof(float);

    /// <summary>An id that no other node of the graph has, unlike those of the interchange format.</summary>
    public string IdOf(int node)
    {
        int position = Graph.PositionOf(node);
        return KindOf(node) switch
        {
            "feature" => string.Create(CultureInfo.InvariantCulture, $"{Graph.LayerOf(node)}_{Graph.Feature(node).Feature}_{position}"),
            "error" => string.Create(CultureInfo.InvariantCulture, $"error_{Graph.LayerOf(node)}_{position}"),
            "token" => string.Create(CultureInfo.InvariantCulture, $"E_{Graph.Tokens[position]}_{position}"),
            "steering" => string.Create(CultureInfo.InvariantCulture, $"S{Graph.LayerOf(node)}_{position}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"L_{Graph.Targets[node - Graph.FirstTarget].Token}_{position}"),
        };
    }

    public string KindOf(int node) => node < Graph.FirstError ? "feature" : node < Graph.FirstToken ? "error" : node < Graph.FirstInjection ? "token" : node < Graph.FirstTarget ? "steering" : "target";

    public int? Find(string id) => _nodes.TryGetValue(id, out int node) ? node : null;

    public int NodeOf(string id) => Find(id) ?? throw Api.RequestException.Bad($"The graph has no node '{(id.Length > 64 ? id[..64] + "…" : id)}'; a feature's id is layer_feature_position.");

    public double InfluenceOf(int node) => _pruner.Influence[node] / _totalInfluence;

    public NodeRecord Record(int node, Func<int, int, string?> labelOf)
    {
        bool feature = node < Graph.FirstError, token = node >= Graph.FirstToken && node < Graph.FirstInjection;
        FeatureNode? active = feature ? Graph.Feature(node) : null;
        GraphTarget? target = node >= Graph.FirstTarget ? Graph.Targets[node - Graph.FirstTarget] : null;
        int position = Graph.PositionOf(node);
        return new NodeRecord(IdOf(node), KindOf(node), Graph.LayerOf(node), position, active?.Feature, active?.Activation, InfluenceOf(node), _pruner.CumulativeInfluence[node],
            Sums.Inputs[node], Sums.Outputs[node], token ? Graph.Tokens[position] : target?.Token, token ? Graph.TokenTexts[position] : target?.Text, target?.Probability,
            active is { } at ? labelOf(at.Layer, at.Feature) : null);
    }

    public PrunedGraph Prune(double nodeThreshold, double edgeThreshold, CancellationToken cancellation) => _pruner.Prune(nodeThreshold, edgeThreshold, cancellation);

    public GraphRecord Prune(string trace, double nodeThreshold, double edgeThreshold, int mostEdges, Func<int, int, string?> labelOf, CancellationToken cancellation)
    {
        PrunedGraph pruned = _pruner.Prune(nodeThreshold, edgeThreshold, cancellation);
        if (pruned.Edges.Count > mostEdges)
            throw Api.RequestException.TooLarge($"At these thresholds {pruned.Edges.Count} edges are left; at most {mostEdges} are sent. Lower a threshold, or download graph.safetensors.");
        List<NodeRecord> nodes = [];
        int[] indexOf = new int[Graph.NodeCount];
        bool[] connected = new bool[Graph.NodeCount];
        foreach (GraphEdge edge in pruned.Edges) connected[edge.Source] = connected[Graph.NodeOfRow(edge.Row)] = true;
        for (int node = 0; node < Graph.NodeCount; node++)
        {
            if (!pruned.Nodes[node] || ((node < Graph.FirstToken || Graph.IsInjection(node)) && !connected[node])) continue;
            indexOf[node] = nodes.Count;
            nodes.Add(Record(node, labelOf));
        }
        GraphEdge[] edges = [.. pruned.Edges];
        float[] order = Array.ConvertAll(edges, edge => -Math.Abs(edge.Weight));
        Array.Sort(order, edges);
        EdgeColumns columns = new(Array.ConvertAll(edges, edge => indexOf[edge.Source]), Array.ConvertAll(edges, edge => indexOf[Graph.NodeOfRow(edge.Row)]), Array.ConvertAll(edges, edge => edge.Weight));
        return new GraphRecord(trace, Graph.Layers, nodeThreshold, edgeThreshold,
            [.. Graph.Tokens.Select((token, position) => new GraphToken(position, token, Graph.TokenTexts[position]))],
            nodes, columns, new WholeGraph(Graph.FeatureCount, Graph.NodeCount, Sums.Edges), Scores.Replacement, Scores.Completeness);
    }

    /// <summary>A node's strongest edges in the whole graph.</summary>
    public NodeLinks Links(int node, int top, Func<int, int, string?> labelOf)
    {
        int row = node < Graph.FirstError ? node : node >= Graph.FirstTarget ? node - Graph.FirstTarget + Graph.FeatureCount : -1;
        List<(int Node, float Weight, double Share)> inputs = [], outputs = [];
        if (row >= 0)
        {
            ReadOnlySpan<float> weights = Graph.Edges.Row(row);
            for (int source = 0; source < weights.Length; source++)
                if (weights[source] != 0) inputs.Add((source, weights[source], Math.Abs(weights[source]) / Sums.Inputs[node]));
        }
        for (int target = 0; target < Graph.Edges.Rows && node < Graph.FirstTarget; target++)
            if (Graph.Edges.Row(target)[node] is var weight && weight != 0) outputs.Add((Graph.NodeOfRow(target), weight, Math.Abs(weight) / Sums.Inputs[Graph.NodeOfRow(target)]));
        NodeLink[] Strongest(List<(int Node, float Weight, double Share)> links) =>
            [.. links.OrderByDescending(link => Math.Abs(link.Weight)).ThenBy(link => link.Node).Take(top).Select(link => new NodeLink(Record(link.Node, labelOf), link.Weight, link.Share))];
        return new NodeLinks(Record(node, labelOf), Strongest(inputs), Strongest(outputs));
    }

    public SumsRecord Sum(IReadOnlyList<NodeGroup> groups)
    {
        int[][] nodes = [.. groups.Select(group => group.Nodes.Select(NodeOf).ToArray())];
        return new SumsRecord(
            [.. groups.Select((group, i) => new GroupSum(group.Name, nodes[i].Where(node => node < Graph.FirstError).Sum(node => (double)Graph.Feature(node).Activation), nodes[i].Sum(InfluenceOf)))],
            [.. GroupedEdge.Between(Graph, nodes).Select(edge => new GroupEdge(edge.Source, edge.Target, edge.Weight, edge.Magnitude, edge.Share))]);
    }
}
