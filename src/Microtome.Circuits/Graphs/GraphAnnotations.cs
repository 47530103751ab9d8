namespace Microtome.Circuits;

/// <summary>What people add to a graph: the interchange format's <c>qParams</c> and <c>clerp</c>. Nodes are those of the graph it belongs to.</summary>
public sealed record GraphAnnotations
{
    /// <summary>Pinned nodes, in order.</summary>
    public IReadOnlyList<int> Pinned { get; init; } = [];

    /// <summary>Named groups of nodes (supernodes).</summary>
    public IReadOnlyList<NamedNodes> Groups { get; init; } = [];

    /// <summary>What features are called, by node.</summary>
    public IReadOnlyDictionary<int, string> Descriptions { get; init; } = new Dictionary<int, string>();
}

/// <summary>A group of nodes with a name.</summary>
public sealed record NamedNodes(string Name, IReadOnlyList<int> Nodes);

/// <summary>A graph that a file held, and what people had added to it.</summary>
public sealed record ImportedGraph(AttributionGraph Graph, string Slug, GraphAnnotations Annotations);
