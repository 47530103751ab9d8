namespace Microtome.Circuits;

/// <summary>A column that two prompts' tokens share: the same token in both, or one that only one has.</summary>
/// <param name="First">The position in the first prompt; null where it has none.</param>
/// <param name="Second">The position in the second.</param>
public readonly record struct AlignedPosition(int? First, int? Second);

/// <summary>A node of either graph, and the other's that it matches.</summary>
/// <param name="First">The node in the first graph; null where it has none.</param>
/// <param name="Column">The index of the aligned position; of a target the first graph's, where it has it.</param>
/// <param name="InFirst">Whether pruning kept it in the first graph.</param>
/// <param name="InSecond">Whether it kept it in the second.</param>
public readonly record struct MatchedNode(int? First, int? Second, int Column, bool InFirst, bool InSecond);

/// <summary>An edge of either graph between matched nodes; null where that graph has no such nodes.</summary>
/// <param name="Source">The index of a matched node.</param>
public readonly record struct MatchedEdge(int Source, int Target, float? First, float? Second);

/// <summary>Two pruned graphs side by side: nodes matched by layer, feature and aligned position, targets by token.</summary>
public sealed class GraphComparison
{
    private const int LongestAligned = 4096; // tokens that the alignment's table has room for

    private GraphComparison(IReadOnlyList<AlignedPosition> positions, IReadOnlyList<MatchedNode> nodes, IReadOnlyList<MatchedEdge> edges) => (Positions, Nodes, Edges) = (positions, nodes, edges);

    public IReadOnlyList<AlignedPosition> Positions { get; }

    /// <summary>The nodes that either pruned graph keeps. A match is also looked for among what the other graph had pruned.</summary>
    public IReadOnlyList<MatchedNode> Nodes { get; }

    /// <summary>The edges that either pruned graph keeps, with both whole graphs' weights.</summary>
    public IReadOnlyList<MatchedEdge> Edges { get; }

    /// <param name="sameFeatures">Whether both graphs' features are of one dictionary; otherwise only tokens, errors and targets match.</param>
    /// <exception cref="ArgumentException">A prompt is too long to be aligned.</exception>
    public static GraphComparison Of(PrunedGraph first, PrunedGraph second, bool sameFeatures)
    {
        List<AlignedPosition> positions = Align(first.Graph.TokenTexts, second.Graph.TokenTexts);
        Dictionary<int, int> firstColumns = Columns(positions, position => position.First), secondColumns = Columns(positions, position => position.Second);
        Dictionary<Key, int> firstNodes = NodesOf(first.Graph, firstColumns, sameFeatures ? 0 : 1), secondNodes = NodesOf(second.Graph, secondColumns, sameFeatures ? 0 : 2);
        HashSet<Key> kept = [];
        foreach ((Key key, int node) in firstNodes)
            if (first.Nodes[node]) kept.Add(key);
        foreach ((Key key, int node) in secondNodes)
            if (second.Nodes[node]) kept.Add(key);

        Dictionary<Key, int> indexOf = [];
        List<MatchedNode> nodes = [];
        foreach (Key key in kept.Order())
        {
            indexOf.Add(key, nodes.Count);
            int? one = firstNodes.TryGetValue(key, out int a) ? a : null, other = secondNodes.TryGetValue(key, out int b) ? b : null;
            int column = one is { } node ? firstColumns[first.Graph.PositionOf(node)] : secondColumns[second.Graph.PositionOf(other!.Value)];
            nodes.Add(new MatchedNode(one, other, column, one is { } kept1 && first.Nodes[kept1], other is { } kept2 && second.Nodes[kept2]));
        }
        Dictionary<int, int> firstIndex = [], secondIndex = [];
        for (int i = 0; i < nodes.Count; i++)
        {
            if (nodes[i].First is { } a) firstIndex.Add(a, i);
            if (nodes[i].Second is { } b) secondIndex.Add(b, i);
        }
        SortedSet<(int Source, int Target)> pairs = [];
        foreach (GraphEdge edge in first.Edges) pairs.Add((firstIndex[edge.Source], firstIndex[first.Graph.NodeOfRow(edge.Row)]));
        foreach (GraphEdge edge in second.Edges) pairs.Add((secondIndex[edge.Source], secondIndex[second.Graph.NodeOfRow(edge.Row)]));
        return new GraphComparison(positions, nodes, [.. pairs.Select(pair => new MatchedEdge(pair.Source, pair.Target,
            Weight(first.Graph, nodes[pair.Source].First, nodes[pair.Target].First), Weight(second.Graph, nodes[pair.Source].Second, nodes[pair.Target].Second)))]);
    }

    /// <summary>The correlation of the weights of edges whose nodes both graphs have; null where there are fewer than two or all are equal.</summary>
    public double? Correlation()
    {
        (double X, double Y)[] both = [.. Edges.Where(edge => edge.First is not null && edge.Second is not null).Select(edge => ((double)edge.First!.Value, (double)edge.Second!.Value))];
        if (both.Length < 2) return null;
        double x = both.Average(pair => pair.X), y = both.Average(pair => pair.Y);
        double xx = both.Sum(pair => (pair.X - x) * (pair.X - x)), yy = both.Sum(pair => (pair.Y - y) * (pair.Y - y)), xy = both.Sum(pair => (pair.X - x) * (pair.Y - y));
        return xx > 0 && yy > 0 ? xy / Math.Sqrt(xx * yy) : null;
    }

    /// <summary>
    /// Tokens of a longest common subsequence share a column. Between two such, tokens share columns from the left as far as both have some, so
    /// that a word in another's place stands below it.
    /// </summary>
    internal static List<AlignedPosition> Align(IReadOnlyList<string> first, IReadOnlyList<string> second)
    {
        if (first.Count > LongestAligned || second.Count > LongestAligned)
            throw new ArgumentException($"The prompts have {first.Count} and {second.Count} tokens; those of at most {LongestAligned} are compared.");
        short[,] longest = new short[first.Count + 1, second.Count + 1]; // common tokens from here to the end
        for (int i = first.Count - 1; i >= 0; i--)
            for (int j = second.Count - 1; j >= 0; j--)
                longest[i, j] = first[i] == second[j] ? (short)(longest[i + 1, j + 1] + 1) : Math.Max(longest[i + 1, j], longest[i, j + 1]);

        List<AlignedPosition> positions = [];
        List<int> onlyFirst = [], onlySecond = [];
        void Flush()
        {
            for (int i = 0; i < Math.Max(onlyFirst.Count, onlySecond.Count); i++)
                positions.Add(new AlignedPosition(i < onlyFirst.Count ? onlyFirst[i] : null, i < onlySecond.Count ? onlySecond[i] : null));
            onlyFirst.Clear();
            onlySecond.Clear();
        }
        for (int i = 0, j = 0; i < first.Count || j < second.Count;)
        {
            if (i < first.Count && j < second.Count && first[i] == second[j])
            {
                Flush();
                positions.Add(new AlignedPosition(i++, j++));
            }
            else if (j == second.Count || (i < first.Count && longest[i + 1, j] >= longest[i, j + 1])) onlyFirst.Add(i++);
            else onlySecond.Add(j++);
        }
        Flush();
        return positions;
    }

    private static Dictionary<int, int> Columns(List<AlignedPosition> positions, Func<AlignedPosition, int?> of)
    {
        Dictionary<int, int> columns = [];
        for (int i = 0; i < positions.Count; i++)
            if (of(positions[i]) is { } position) columns.Add(position, i);
        return columns;
    }

    /// <param name="owner">What keeps features of different dictionaries apart.</param>
    private static Dictionary<Key, int> NodesOf(AttributionGraph graph, Dictionary<int, int> columns, int owner)
    {
        Dictionary<Key, int> nodes = [];
        for (int node = 0; node < graph.NodeCount; node++)
        {
            int column = columns[graph.PositionOf(node)];
            // Targets match by their token, wherever their prompt ends.
            nodes.TryAdd(node < graph.FirstError ? new Key(0, graph.LayerOf(node), column, graph.Feature(node).Feature, owner)
                : node < graph.FirstToken ? new Key(1, graph.LayerOf(node), column, 0, 0)
                : node < graph.FirstInjection ? new Key(2, -1, column, 0, 0)
                : node < graph.FirstTarget ? new Key(4, graph.LayerOf(node), column, 0, 0)
                : new Key(3, 0, 0, graph.Targets[node - graph.FirstTarget].Token, 0), node);
        }
        return nodes;
    }

    private static float? Weight(AttributionGraph graph, int? source, int? target) =>
        source is { } from && target is { } to ? from >= graph.FirstTarget ? 0 : to < graph.FirstError ? graph.Edges.Row(to)[from] : to >= graph.FirstTarget ? graph.Edges.Row(to - graph.FirstTarget + graph.FeatureCount)[from] : 0 : null;

    private readonly record struct Key(int Kind, int Layer, int Column, int Feature, int Owner) : IComparable<Key>
    {
        public int CompareTo(Key other) => (Kind, Layer, Column, Feature, Owner).CompareTo((other.Kind, other.Layer, other.Column, other.Feature, other.Owner));
    }
}
