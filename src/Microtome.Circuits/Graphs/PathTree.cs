namespace Microtome.Circuits;

/// <summary>A node on a path from a target back to tokens.</summary>
/// <param name="Share">Of its parent's input: this edge's magnitude over that of all edges into the parent.</param>
/// <param name="Flow">Of the target: the product of shares along the path.</param>
/// <param name="Weight">The edge's weight.</param>
public sealed record PathNode(int Node, double Share, double Flow, float Weight)
{
    /// <summary>What feeds it, strongest first; empty where the path ends or continues elsewhere in the tree.</summary>
    public IReadOnlyList<PathNode> Inputs => Children;

    /// <summary>The node stands elsewhere in the tree with its inputs.</summary>
    public bool Repeated { get; internal set; }

    internal List<PathNode> Children { get; } = [];
}

/// <summary>The strongest paths from a target to the prompt's tokens.</summary>
public static class PathTree
{
    private const int DeepestPath = 8;

    /// <summary>
    /// Grows a tree from a target: its strongest inputs, of each the two strongest, and from there always the strongest, to a token. As many
    /// of the target's inputs are followed as fit, but at least one.
    /// </summary>
    /// <param name="target">The index of one of the graph's targets.</param>
    /// <param name="most">About how many nodes the tree has beside the target.</param>
    /// <exception cref="ArgumentOutOfRangeException">The graph has no such target.</exception>
    public static PathNode Grow(PrunedGraph pruned, int target = 0, int most = 24)
    {
        AttributionGraph graph = pruned.Graph;
        if ((uint)target >= (uint)graph.Targets.Count)
            throw new ArgumentOutOfRangeException(nameof(target), $"There is no target {target}; the graph's are 0 to {graph.Targets.Count - 1}.");
        ILookup<int, GraphEdge> inputs = pruned.Edges.ToLookup(edge => graph.NodeOfRow(edge.Row));
        HashSet<int> expanded = [];

        IEnumerable<PathNode> Strongest(PathNode parent) =>
            from edge in inputs[parent.Node].OrderByDescending(edge => Math.Abs(edge.Weight))
            let share = Math.Abs(edge.Weight) / Math.Max(Influence.Sum(graph.Edges.Row(edge.Row)), 1e-10)
            select new PathNode(edge.Source, share, parent.Flow * share, edge.Weight);

        int Follow(PathNode node, int depth)
        {
            int count = 1;
            if (depth == DeepestPath || !inputs.Contains(node.Node)) return count;
            if (!expanded.Add(node.Node))
            {
                node.Repeated = true;
                return count;
            }
            foreach (PathNode child in Strongest(node).Take(depth == 1 ? 2 : 1))
            {
                node.Children.Add(child);
                count += Follow(child, depth + 1);
            }
            return count;
        }

        PathNode root = new(graph.FirstTarget + target, 1, 1, 0);
        int size = 0;
        foreach (PathNode child in Strongest(root))
        {
            if (size > 0 && size >= most) break;
            root.Children.Add(child);
            size += Follow(child, 1);
        }
        return root;
    }
}
