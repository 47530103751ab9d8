using Microtome.Studio.Traces;

namespace Microtome.Studio.Comparison;

/// <summary>A column of tokens: those of both prompts where both have one.</summary>
public sealed record ComparedToken(int? A, int? B, string? TextA, string? TextB);

/// <summary>A node of either graph and its match in the other.</summary>
/// <param name="Column">The index of its token's column.</param>
/// <param name="State">both, a or b: which pruned graphs keep it.</param>
public sealed record ComparedNode(string Kind, int Layer, int? Feature, int Column, NodeRecord? A, NodeRecord? B, string State);

/// <summary>Edges as columns; a weight is null where that graph has no such nodes.</summary>
public sealed record ComparedEdges(IReadOnlyList<int> Source, IReadOnlyList<int> Target, IReadOnlyList<float?> A, IReadOnlyList<float?> B);

/// <param name="Correlation">Of the weights of edges that either graph keeps and both have; null where it has no meaning.</param>
public sealed record CompareSummary(int Both, int OnlyA, int OnlyB, double? Correlation);

/// <summary>Two graphs side by side.</summary>
/// <param name="SameDictionary">Whether features are matched; otherwise only tokens, errors and targets are.</param>
public sealed record CompareRecord(
    TraceRecord A, TraceRecord B, int Layers, bool SameDictionary, IReadOnlyList<ComparedToken> Tokens, IReadOnlyList<ComparedNode> Nodes, ComparedEdges Edges, CompareSummary Summary);
