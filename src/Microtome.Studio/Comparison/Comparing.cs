using Microtome.Circuits;
using Microtome.Studio.Api;
using Microtome.Studio.Traces;

namespace Microtome.Studio.Comparison;

/// <summary>Puts two traces side by side.</summary>
internal static class Comparing
{
    public static CompareRecord Compare(StudioRooms rooms, string a, string b, double? nodes, double? edges, CancellationToken cancellation)
    {
        TraceRecord first = rooms.Traces.Get(a), second = rooms.Traces.Get(b);
        LoadedGraph firstGraph = rooms.Graphs.Get(a), secondGraph = rooms.Graphs.Get(b);
        PrunedGraph Prune(TraceRecord trace, LoadedGraph graph)
        {
            (double nodeThreshold, double edgeThreshold) = TraceEndpoints.Thresholds(trace, nodes, edges);
            return graph.Prune(nodeThreshold, edgeThreshold, cancellation);
        }
        bool same = first.Dictionary == second.Dictionary;
        GraphComparison comparison = GraphComparison.Of(Prune(first, firstGraph), Prune(second, secondGraph), same);
        if (comparison.Edges.Count > RequestBounds.EdgesSent) throw RequestException.TooLarge($"At these thresholds {comparison.Edges.Count} edges are left; at most {RequestBounds.EdgesSent} are sent. Lower a threshold.");

        Func<int, int, string?> firstLabels = rooms.LabelsOf(first), secondLabels = same ? firstLabels : rooms.LabelsOf(second);
        ComparedNode[] matched = [.. comparison.Nodes.Select(node =>
        {
            NodeRecord? one = node.First is { } x ? firstGraph.Record(x, firstLabels) : null, other = node.Second is { } y ? secondGraph.Record(y, secondLabels) : null;
            NodeRecord either = one ?? other!;
            return new ComparedNode(either.Kind, either.Layer, either.Feature, node.Column, one, other, node.InFirst && node.InSecond ? "both" : node.InFirst ? "a" : "b");
        })];
        return new CompareRecord(first, second, Math.Max(firstGraph.Graph.Layers, secondGraph.Graph.Layers), same,
            [.. comparison.Positions.Select(position => new ComparedToken(position.First, position.Second, Text(firstGraph, position.First), Text(secondGraph, position.Second)))],
            matched,
            new ComparedEdges([.. comparison.Edges.Select(edge => edge.Source)], [.. comparison.Edges.Select(edge => edge.Target)], [.. comparison.Edges.Select(edge => edge.First)], [.. comparison.Edges.Select(edge => edge.Second)]),
            new CompareSummary(matched.Count(node => node.State == "both"), matched.Count(node => node.State == "a"), matched.Count(node => node.State == "b"), comparison.Correlation()));
    }

    private static string? Text(LoadedGraph graph, int? position) => position is { } at ? graph.Graph.TokenTexts[at] : null;
}
