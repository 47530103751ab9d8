namespace Microtome.Circuits;

/// <summary>Edges between two groups of nodes, summed.</summary>
/// <param name="Source">The index of the group that they come from.</param>
/// <param name="Target">The index of the group that they lead to.</param>
/// <param name="Weight">The sum of their weights.</param>
/// <param name="Magnitude">The sum of their magnitudes.</param>
/// <param name="Share">Their magnitudes' part of all input to the target group's nodes.</param>
public readonly record struct GroupedEdge(int Source, int Target, double Weight, double Magnitude, double Share)
{
    /// <summary>
    /// Sums the whole graph's edges between groups, pruned ones included, as supernodes show them (Ameisen et al. 2025). Edges within a group are left out.
    /// </summary>
    /// <param name="groups">Nodes of each group; a node is in one at most.</param>
    /// <exception cref="ArgumentException">A node is in two groups or does not exist.</exception>
    public static IReadOnlyList<GroupedEdge> Between(AttributionGraph graph, IReadOnlyList<IReadOnlyList<int>> groups)
    {
        int[] groupOf = new int[graph.NodeCount];
        Array.Fill(groupOf, -1);
        for (int group = 0; group < groups.Count; group++)
            foreach (int node in groups[group])
            {
                if ((uint)node >= (uint)graph.NodeCount) throw new ArgumentException($"The graph has no node {node}; it has 0 to {graph.NodeCount - 1}.", nameof(groups));
                if (groupOf[node] >= 0) throw new ArgumentException($"The node {GraphJson.IdOf(graph, node)} is in two groups.", nameof(groups));
                groupOf[node] = group;
            }

        double[,] weights = new double[groups.Count, groups.Count], magnitudes = new double[groups.Count, groups.Count];
        double[] inputs = new double[groups.Count];
        for (int row = 0; row < graph.Edges.Rows; row++)
        {
            int target = groupOf[graph.NodeOfRow(row)];
            if (target < 0) continue;
            ReadOnlySpan<float> edges = graph.Edges.Row(row);
            inputs[target] += Influence.Sum(edges);
            for (int source = 0; source < edges.Length; source++)
            {
                int from = groupOf[source];
                if (from < 0 || from == target || edges[source] == 0) continue;
                weights[from, target] += edges[source];
                magnitudes[from, target] += Math.Abs(edges[source]);
            }
        }
        List<GroupedEdge> sums = [];
        for (int source = 0; source < groups.Count; source++)
            for (int target = 0; target < groups.Count; target++)
                if (magnitudes[source, target] > 0)
                    sums.Add(new GroupedEdge(source, target, weights[source, target], magnitudes[source, target], magnitudes[source, target] / inputs[target]));
        return sums;
    }
}
