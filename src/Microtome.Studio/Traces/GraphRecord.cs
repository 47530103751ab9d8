namespace Microtome.Studio.Traces;

/// <summary>A node of a graph.</summary>
/// <param name="Kind">feature, error, token, steering (what steering added) or target.</param>
/// <param name="Layer">-1 for tokens, the number of layers for targets.</param>
/// <param name="Influence">Its share of all influence on the targets.</param>
/// <param name="Cumulative">The share that it and all nodes with more hold together.</param>
/// <param name="InputSum">The magnitudes of all edges into it in the whole graph, summed.</param>
/// <param name="OutputSum">The magnitudes of all edges out of it.</param>
/// <param name="Label">What people or files call the feature: text, never HTML.</param>
public sealed record NodeRecord(
    string Id, string Kind, int Layer, int Position, int? Feature, float? Activation, double Influence, float Cumulative, double InputSum, double OutputSum,
    int? Token, string? Text, float? Probability, string? Label);

public sealed record GraphToken(int Position, int Id, string Text);

/// <summary>Edges as columns: the linear effect of nodes[source[i]] on nodes[target[i]], strongest first.</summary>
public sealed record EdgeColumns(IReadOnlyList<int> Source, IReadOnlyList<int> Target, IReadOnlyList<float> Weight);

/// <summary>Sizes before pruning.</summary>
public sealed record WholeGraph(int Features, int Nodes, long Edges);

/// <summary>A graph, pruned.</summary>
public sealed record GraphRecord(
    string Trace, int Layers, double NodeThreshold, double EdgeThreshold, IReadOnlyList<GraphToken> Tokens, IReadOnlyList<NodeRecord> Nodes, EdgeColumns Edges, WholeGraph Whole,
    double Replacement, double Completeness);

/// <param name="Share">The edge's magnitude over that of all edges into its target.</param>
public sealed record NodeLink(NodeRecord Node, float Weight, double Share);

/// <summary>A node with its strongest edges in the whole graph.</summary>
public sealed record NodeLinks(NodeRecord Node, IReadOnlyList<NodeLink> Inputs, IReadOnlyList<NodeLink> Outputs);

/// <summary>A named group of nodes.</summary>
public sealed record NodeGroup(string Name, IReadOnlyList<string> Nodes);

public sealed record SumsRequest(IReadOnlyList<NodeGroup> Groups);

/// <param name="Activation">Of its features, summed.</param>
/// <param name="Influence">Of its nodes, summed.</param>
public sealed record GroupSum(string Name, double Activation, double Influence);

/// <param name="Source">The index of a group.</param>
/// <param name="Share">Of all input to the target group's nodes.</param>
public sealed record GroupEdge(int Source, int Target, double Weight, double Magnitude, double Share);

public sealed record SumsRecord(IReadOnlyList<GroupSum> Groups, IReadOnlyList<GroupEdge> Edges);
