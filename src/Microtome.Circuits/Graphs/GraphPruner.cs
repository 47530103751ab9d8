using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>
/// Prunes one graph at any thresholds, again and again: what does not depend on them is computed once, and each pruning looks at the kept
/// nodes' edges only. Safe to use from several threads at once.
/// </summary>
public sealed class GraphPruner
{
    private readonly AttributionGraph _graph;
    private readonly double[] _influence;
    private readonly float[] _cumulative;

    public GraphPruner(AttributionGraph graph)
    {
        _graph = graph;
        _influence = Circuits.Influence.OfNodes(graph);
        _cumulative = Cumulative(_influence);
    }

    /// <summary>How much each node contributes to the targets through all paths of the whole graph [nodes]; targets themselves 0.</summary>
    public IReadOnlyList<double> Influence => _influence;

    /// <summary>For each node, the fraction of all influence that it and the nodes with more have together.</summary>
    public IReadOnlyList<float> CumulativeInfluence => _cumulative;

    /// <summary>
    /// Keeps the fewest nodes that hold a fraction of all influence, always with tokens and targets; of their edges the fewest that hold a
    /// fraction of edge influence; then drops, until none is left, features and errors that feed nothing and features that nothing feeds.
    /// </summary>
    /// <exception cref="ArgumentException">A threshold is not between 0 and 1.</exception>
    public PrunedGraph Prune(double nodeThreshold = 0.8, double edgeThreshold = 0.98, CancellationToken cancellation = default)
    {
        foreach ((string name, double threshold) in new[] { ("node", nodeThreshold), ("edge", edgeThreshold) })
            if (!(threshold is >= 0 and <= 1)) throw new ArgumentException($"The {name} threshold is {threshold}; it must be from 0 to 1.");

        ScoreThreshold scores = new();
        scores.Add(_influence);
        double least = scores.Of(nodeThreshold, inBucket => inBucket.Add(_influence));
        bool[] nodes = new bool[_graph.NodeCount];
        for (int node = 0; node < nodes.Length; node++) nodes[node] = node >= _graph.FirstToken || _influence[node] >= least;

        List<GraphEdge> edges = StrongEdges(nodes, edgeThreshold, cancellation);
        while (DropLooseEnds(nodes, edges)) edges.RemoveAll(edge => !nodes[edge.Source] || !nodes[_graph.NodeOfRow(edge.Row)]);
        return new PrunedGraph(_graph, nodes, edges, _influence, _cumulative, nodeThreshold, edgeThreshold);
    }

    /// <summary>Edges between kept nodes whose share of the influence that flows through their target is high enough.</summary>
    private List<GraphEdge> StrongEdges(bool[] nodes, double threshold, CancellationToken cancellation)
    {
        int[] sources = [.. Enumerable.Range(0, _graph.FirstTarget).Where(node => nodes[node])];
        int[] rows = [.. Enumerable.Range(0, _graph.Edges.Rows).Where(row => nodes[_graph.NodeOfRow(row)])];
        double[] shares = Circuits.Influence.SharesAmong(_graph, rows, sources, cancellation); // of each row: the influence through its node over its inputs

        void Visit(Action<int, ReadOnlySpan<float>, double> visit)
        {
            for (int i = 0; i < rows.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (shares[i] != 0) visit(rows[i], _graph.Edges.Row(rows[i]), shares[i]);
            }
        }
        void AddTo(ScoreThreshold scores) => Visit((_, weights, share) =>
        {
            foreach (int source in sources) scores.Add(share * Math.Abs(weights[source]));
        });
        ScoreThreshold scores = new();
        AddTo(scores);
        double least = scores.Of(threshold, AddTo);
        List<GraphEdge> edges = [];
        Visit((row, weights, share) =>
        {
            foreach (int source in sources)
                if (weights[source] != 0 && share * Math.Abs(weights[source]) >= least) edges.Add(new GraphEdge(row, source, weights[source]));
        });
        return edges;
    }

    /// <returns>Whether a node was dropped.</returns>
    private bool DropLooseEnds(bool[] nodes, List<GraphEdge> edges)
    {
        bool[] feeds = new bool[nodes.Length], isFed = new bool[nodes.Length];
        foreach (GraphEdge edge in edges)
        {
            feeds[edge.Source] = true;
            isFed[_graph.NodeOfRow(edge.Row)] = true;
        }
        bool dropped = false;
        for (int node = 0; node < _graph.FirstToken; node++)
        {
            if (!nodes[node] || (feeds[node] && (node >= _graph.FirstError || isFed[node]))) continue;
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
