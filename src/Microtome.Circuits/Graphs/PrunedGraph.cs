namespace Microtome.Circuits;

/// <param name="Row">The row of the graph's edges: <see cref="AttributionGraph.NodeOfRow"/> gives its node.</param>
public readonly record struct GraphEdge(int Row, int Source, float Weight);

/// <summary>The part of a graph that carries most of its influence.</summary>
public sealed class PrunedGraph
{
    internal PrunedGraph(AttributionGraph graph, bool[] nodes, IReadOnlyList<GraphEdge> edges, double[] influence, float[] cumulativeInfluence, double nodeThreshold, double edgeThreshold)
    {
        Graph = graph;
        Nodes = nodes;
        Edges = edges;
        Influence = influence;
        CumulativeInfluence = cumulativeInfluence;
        NodeThreshold = nodeThreshold;
        EdgeThreshold = edgeThreshold;
    }

    public AttributionGraph Graph { get; }

    /// <summary>Which nodes are kept.</summary>
    public IReadOnlyList<bool> Nodes { get; }

    /// <summary>The kept edges, by row and source.</summary>
    public IReadOnlyList<GraphEdge> Edges { get; }

    /// <summary>How much each node contributes to the targets through all paths of the whole graph, targets themselves 0.</summary>
    public IReadOnlyList<double> Influence { get; }

    /// <summary>For each node, the fraction of all influence that it and the nodes with more have together.</summary>
    public IReadOnlyList<float> CumulativeInfluence { get; }

    public double NodeThreshold { get; }

    public double EdgeThreshold { get; }

    /// <summary>
    /// Keeps the fewest nodes that hold a fraction of all influence, always with tokens and targets; of their edges the fewest that hold a
    /// fraction of edge influence; then drops, until none is left, features, errors and injections that feed nothing and features that nothing feeds.
    /// </summary>
    /// <exception cref="ArgumentException">A threshold is not between 0 and 1.</exception>
    public static PrunedGraph Prune(AttributionGraph graph, double nodeThreshold = 0.8, double edgeThreshold = 0.98, CancellationToken cancellation = default) =>
        new GraphPruner(graph).Prune(nodeThreshold, edgeThreshold, cancellation);
}
