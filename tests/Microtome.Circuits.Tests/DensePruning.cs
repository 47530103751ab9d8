namespace Microtome.Circuits.Tests;

/// <summary>Influence, scores and pruning as the papers define them, on a dense square matrix in double precision: the plain twin of what the library computes on rectangles.</summary>
internal sealed class DensePruning(AttributionGraph graph)
{
    private readonly int _nodes = graph.NodeCount;
    private readonly double[,] _edges = RandomGraph.Dense(graph);

    public double[] Influence => Series(_edges);

    public GraphScores Scores
    {
        get
        {
            double[] influence = Series(_edges), probabilities = Probabilities();
            double[,] normalized = Normalize(_edges);
            double errors = 0, tokens = 0, explained = 0, total = 0;
            for (int node = 0; node < _nodes; node++)
            {
                if (IsError(node)) errors += influence[node];
                if (node >= graph.FirstToken && node < graph.FirstTarget) tokens += influence[node];
                double fromErrors = 0, weight = influence[node] + probabilities[node];
                for (int source = 0; source < _nodes; source++)
                    if (IsError(source)) fromErrors += normalized[node, source];
                explained += (1 - fromErrors) * weight;
                total += weight;
            }
            return new GraphScores(tokens / (tokens + errors), explained / total);
        }
    }

    public (bool[] Nodes, HashSet<(int Target, int Source)> Edges) Prune(double nodeThreshold, double edgeThreshold)
    {
        double[] influence = Series(_edges);
        double least = Threshold(influence, nodeThreshold);
        bool[] kept = new bool[_nodes];
        for (int node = 0; node < _nodes; node++) kept[node] = node >= graph.FirstToken || influence[node] >= least;

        double[,] pruned = new double[_nodes, _nodes];
        ForEachEdge((target, source) => pruned[target, source] = kept[target] && kept[source] ? _edges[target, source] : 0);
        double[] flow = Series(pruned), probabilities = Probabilities();
        double[,] scores = Normalize(pruned);
        ForEachEdge((target, source) => scores[target, source] *= flow[target] + probabilities[target]);
        double leastEdge = Threshold([.. scores.Cast<double>()], edgeThreshold);
        HashSet<(int, int)> edges = [];
        ForEachEdge((target, source) =>
        {
            if (scores[target, source] >= leastEdge) edges.Add((target, source));
        });

        for (bool changed = true; changed;)
        {
            changed = false;
            for (int node = 0; node < graph.FirstToken; node++)
            {
                if (!kept[node]) continue;
                bool feeds = edges.Any(edge => edge.Item2 == node), isFed = edges.Any(edge => edge.Item1 == node);
                if (feeds && (isFed || IsError(node))) continue;
                kept[node] = false;
                edges.RemoveWhere(edge => edge.Item1 == node || edge.Item2 == node);
                changed = true;
            }
        }
        return (kept, edges);
    }

    /// <summary>p·N + p·N² + …</summary>
    private double[] Series(double[,] edges)
    {
        double[,] normalized = Normalize(edges);
        double[] sum = new double[_nodes], power = Probabilities();
        for (int step = 0; step < _nodes && power.Any(value => value != 0); step++)
        {
            double[] next = new double[_nodes];
            ForEachEdge((target, source) => next[source] += power[target] * normalized[target, source]);
            for (int node = 0; node < _nodes; node++) sum[node] += next[node];
            power = next;
        }
        return sum;
    }

    private double[,] Normalize(double[,] edges)
    {
        double[,] normalized = new double[_nodes, _nodes];
        for (int target = 0; target < _nodes; target++)
        {
            double sum = 0;
            for (int source = 0; source < _nodes; source++) sum += edges[target, source];
            for (int source = 0; source < _nodes; source++) normalized[target, source] = edges[target, source] / Math.Max(sum, 1e-10);
        }
        return normalized;
    }

    private double[] Probabilities()
    {
        double[] probabilities = new double[_nodes];
        for (int i = 0; i < graph.Targets.Count; i++) probabilities[graph.FirstTarget + i] = graph.Targets[i].Probability;
        return probabilities;
    }

    private static double Threshold(double[] scores, double fraction)
    {
        double[] sorted = [.. scores.Where(score => score > 0).OrderDescending()];
        double total = sorted.Sum(), sum = 0;
        foreach (double score in sorted)
            if ((sum += score) / total >= fraction) return score;
        return sorted.Length > 0 ? sorted[^1] : double.PositiveInfinity;
    }

    private bool IsError(int node) => node >= graph.FirstError && node < graph.FirstToken;

    private void ForEachEdge(Action<int, int> action)
    {
        for (int target = 0; target < _nodes; target++)
            for (int source = 0; source < _nodes; source++) action(target, source);
    }
}
