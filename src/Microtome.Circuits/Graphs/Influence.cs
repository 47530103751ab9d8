using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>
/// How much each node contributes to the targets, through all paths: <c>p·N + p·N² + …</c>, where N holds the edges' magnitudes with
/// each row divided by its sum, and p the targets' probabilities. Sources lie in earlier layers than what they feed, so one pass over
/// the rows from the last layer to the first adds up the whole series.
/// </summary>
internal static class Influence
{
    private const float SmallestSum = 1e-10f;

    /// <summary>Each node's influence, targets' included only where they feed something (never).</summary>
    /// <param name="keepNode">The nodes that take part; all when null.</param>
    /// <returns>[nodes]</returns>
    public static double[] OfNodes(AttributionGraph graph, bool[]? keepNode = null)
    {
        double[] influence = new double[graph.NodeCount];
        foreach ((int row, double weight) in Descend(graph, influence))
        {
            if (keepNode is not null && !keepNode[graph.NodeOfRow(row)]) continue;
            ReadOnlySpan<float> edges = graph.Edges.Row(row);
            double share = weight / Math.Max(Sum(edges, keepNode), SmallestSum);
            for (int source = 0; source < edges.Length; source++)
                if (keepNode is null || keepNode[source]) influence[source] += share * Math.Abs(edges[source]);
        }
        return influence;
    }

    /// <summary>The sum of the magnitudes of a row's edges.</summary>
    public static double Sum(ReadOnlySpan<float> edges, bool[]? keepNode)
    {
        double sum = 0;
        for (int source = 0; source < edges.Length; source++)
            if (keepNode is null || keepNode[source]) sum += Math.Abs(edges[source]);
        return sum;
    }

    /// <summary>Rows with the weight that flows into each: targets' probabilities, then features' influence, known by the time their turn comes.</summary>
    private static IEnumerable<(int Row, double Weight)> Descend(AttributionGraph graph, double[] influence)
    {
        for (int i = 0; i < graph.Targets.Count; i++) yield return (graph.FeatureCount + i, graph.Targets[i].Probability);
        for (int row = graph.FeatureCount - 1; row >= 0; row--)
            if (influence[row] != 0) yield return (row, influence[row]);
    }

    /// <summary>The influence of all features while only some rows are known.</summary>
    /// <param name="edges">Rows: targets, then <paramref name="chosen"/>; columns: all sources.</param>
    public static double[] OfKnownRows(Tensor edges, GraphTarget[] targets, List<int> chosen, LocalReplacement local)
    {
        const float SmallestKnownSum = 1e-8f;
        double[] influence = new double[edges.Columns];
        void Spread(int row, double weight)
        {
            ReadOnlySpan<float> values = edges.Row(row);
            double share = weight / Math.Max(Sum(values, null), SmallestKnownSum);
            for (int source = 0; source < values.Length; source++) influence[source] += share * Math.Abs(values[source]);
        }
        for (int i = 0; i < targets.Length; i++) Spread(i, targets[i].Probability);
        foreach (int i in Enumerable.Range(0, chosen.Count).OrderByDescending(i => chosen[i])) // features are numbered by layer
            if (influence[chosen[i]] != 0) Spread(targets.Length + i, influence[chosen[i]]);
        return influence;
    }
}
