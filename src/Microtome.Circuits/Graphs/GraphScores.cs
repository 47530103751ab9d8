namespace Microtome.Circuits;

/// <summary>How much of a prompt's computation a graph explains.</summary>
/// <param name="Replacement">The share of influence that comes from tokens and from what steering added, not errors.</param>
/// <param name="Completeness">The share of nodes' inputs that does not come from errors, weighted by the nodes' influence.</param>
public readonly record struct GraphScores(double Replacement, double Completeness)
{
    /// <summary>Scores of the whole graph, before pruning (Ameisen et al. 2025). Both are 0 where nothing has influence.</summary>
    public static GraphScores Of(AttributionGraph graph)
    {
        double[] influence = Influence.OfNodes(graph);
        double errors = 0, tokens = 0, explained = 0, total = 0;
        for (int node = graph.FirstError; node < graph.FirstToken; node++) errors += influence[node];
        for (int node = graph.FirstToken; node < graph.FirstTarget; node++) tokens += influence[node];

        for (int i = 0; i < graph.Targets.Count; i++) influence[graph.FirstTarget + i] += graph.Targets[i].Probability;
        for (int row = 0; row < graph.Edges.Rows; row++)
        {
            ReadOnlySpan<float> edges = graph.Edges.Row(row);
            double fromErrors = Circuits.Influence.Sum(edges[graph.FirstError..graph.FirstToken]) / Math.Max(Circuits.Influence.Sum(edges), 1e-10);
            explained += (1 - fromErrors) * influence[graph.NodeOfRow(row)];
        }
        for (int node = graph.FirstError; node < graph.FirstTarget; node++) explained += influence[node]; // errors, tokens and injections have no inputs
        foreach (double value in influence) total += value;
        return new GraphScores(tokens + errors > 0 ? tokens / (tokens + errors) : 0, total > 0 ? explained / total : 0);
    }
}
