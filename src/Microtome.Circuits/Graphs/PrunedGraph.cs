namespace Microtome.Circuits;

/// <param name="Row">The row of the graph's edges: <see cref="AttributionGraph.NodeOfRow"/> gives its node.</param>
public readonly record struct GraphEdge(int Row, int Source, float Weight);

/// <summary>The part of a graph that carries most of its influence.</summary>
public sealed class PrunedGraph
{
    private PrunedGraph(AttributionGraph graph, bool[] nodes, List<GraphEdge> edges, double[] influence, float[] cumulativeInfluence, double nodeThreshold, double edgeThreshold)
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
    public static PrunedGraph Prune(AttributionGraph graph, double nodeThreshold = 0.8, double edgeThreshold = 0.98, CancellationToken cancellation = default)
    {
        foreach ((string name, double threshold) in new[] { ("node", nodeThreshold), ("edge", edgeThreshold) })
            if (!(threshold is >= 0 and <= 1)) throw new ArgumentException($"The {name} threshold is {threshold}; it must be from 0 to 1.");

        double[] influence = Circuits.Influence.OfNodes(graph);
        double least = Threshold(influence, nodeThreshold);
        bool[] nodes = new bool[graph.NodeCount];
        for (int node = 0; node < nodes.Length; node++) nodes[node] = (node >= graph.FirstToken && !graph.IsInjection(node)) || influence[node] >= least;

        List<GraphEdge> edges = StrongEdges(graph, nodes, edgeThreshold, cancellation);
        while (DropLooseEnds(graph, nodes, edges)) edges.RemoveAll(edge => !nodes[edge.Source] || !nodes[graph.NodeOfRow(edge.Row)]);
        return new PrunedGraph(graph, nodes, edges, influence, Cumulative(influence), nodeThreshold, edgeThreshold);
    }

    /// <summary>Edges between kept nodes whose share of the influence that flows through their target is high enough.</summary>
    private static List<GraphEdge> StrongEdges(AttributionGraph graph, bool[] nodes, double threshold, CancellationToken cancellation)
    {
        double[] influence = Circuits.Influence.OfNodes(graph, nodes);
        for (int i = 0; i < graph.Targets.Count; i++) influence[graph.FirstTarget + i] += graph.Targets[i].Probability;

        float[]? mask = Circuits.Influence.Mask(nodes);
        List<(GraphEdge Edge, double Score)> candidates = [];
        for (int row = 0; row < graph.Edges.Rows; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            int node = graph.NodeOfRow(row);
            if (!nodes[node] || influence[node] == 0) continue;
            ReadOnlySpan<float> weights = graph.Edges.Row(row);
            double share = influence[node] / Math.Max(Circuits.Influence.Sum(weights, mask), 1e-10);
            for (int source = 0; source < weights.Length; source++)
                if (weights[source] != 0 && nodes[source]) candidates.Add((new GraphEdge(row, source, weights[source]), share * Math.Abs(weights[source])));
        }
        double least = Threshold([.. candidates.Select(candidate => candidate.Score)], threshold);
        return [.. candidates.Where(candidate => candidate.Score >= least).Select(candidate => candidate.Edge)];
    }

    /// <summary>The score of the last of the highest that together hold a fraction of the sum; above zero where any score is.</summary>
    private static double Threshold(double[] scores, double fraction)
    {
        double[] sorted = [.. scores.Where(score => score > 0)];
        if (sorted.Length == 0) return double.Epsilon;
        Array.Sort(sorted);
        double total = 0, sum = 0;
        for (int i = sorted.Length - 1; i >= 0; i--) total += sorted[i];
        for (int i = sorted.Length - 1; i > 0; i--)
            if ((sum += sorted[i]) >= fraction * total) return sorted[i];
        return sorted[0];
    }

    /// <returns>Whether a node was dropped.</returns>
    private static bool DropLooseEnds(AttributionGraph graph, bool[] nodes, List<GraphEdge> edges)
    {
        bool[] feeds = new bool[nodes.Length], isFed = new bool[nodes.Length];
        foreach (GraphEdge edge in edges)
        {
            feeds[edge.Source] = true;
            isFed[graph.NodeOfRow(edge.Row)] = true;
        }
        bool dropped = false;
        for (int node = 0; node < graph.FirstTarget; node++)
        {
            if (node >= graph.FirstToken && !graph.IsInjection(node)) continue;
            if (!nodes[node] || (feeds[node] && (node >= graph.FirstError || isFed[node]))) continue;
            nodes[node] = false;
            dropped = true;
        }
        return dropped;
    }

    private static float[] Cumulative(double[] influence)
    {
        int[] order = [.. Enumerable.Range(0, influence.Length)];
        Array.Sort(order, (a, b) => influence[b].CompareTo(influence[a]) is var c && c != 0 ? c : a.CompareTo(b));
        double total = influence.Sum(), sum = 0;
        float[] cumulative = new float[influence.Length];
        foreach (int node in order) cumulative[node] = total > 0 ? (float)((sum += influence[node]) / total) : 1;
        return cumulative;
    }
}
