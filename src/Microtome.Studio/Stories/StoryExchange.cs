using Microtome.Circuits;
using Microtome.Studio.Api;
using Microtome.Studio.Labels;
using Microtome.Studio.Traces;

namespace Microtome.Studio.Stories;

/// <summary>Stories as other programs have them: in graph files and as Neuronpedia's subgraphs.</summary>
internal sealed class StoryExchange(StudioRooms rooms)
{
    /// <summary>A story as a graph file carries it.</summary>
    public GraphAnnotations Annotations(TraceRecord trace, LoadedGraph graph)
    {
        StoryRecord story = rooms.Stories.Get(trace.Id);
        Func<int, int, string?> labelOf = rooms.LabelsOf(trace);
        Dictionary<int, string> descriptions = [];
        for (int node = 0; node < graph.Graph.FirstError; node++)
            if (labelOf(graph.Graph.Feature(node).Layer, graph.Graph.Feature(node).Feature) is { } label) descriptions.Add(node, label);
        return new GraphAnnotations
        {
            Pinned = [.. story.Pinned.Select(graph.Find).OfType<int>()],
            Groups = [.. story.Groups.Select(group => new NamedNodes(group.Name, [.. group.Nodes.Select(graph.Find).OfType<int>()]))],
            Descriptions = descriptions,
        };
    }

    /// <summary>Keeps what a graph file carries: pins and groups as the trace's story, descriptions as labels of its dictionary.</summary>
    public void Keep(TraceRecord trace, LoadedGraph graph, GraphAnnotations annotations)
    {
        StoryRecord story = new([.. annotations.Pinned.Select(graph.IdOf)], [.. annotations.Groups.Select(group => new NodeGroup(Cut(group.Name, 200), [.. group.Nodes.Select(graph.IdOf)]))]);
        if (story.Pinned.Count > 0 || story.Groups.Count > 0) rooms.Stories.Set(trace.Id, story);
        DateTime now = DateTime.UtcNow;
        rooms.Labels.PutAll(annotations.Descriptions.Where(_ => trace.Dictionary.Length is > 0 and <= LabelStore.LongestName)
            .Select(pair => new LabelRecord(trace.Dictionary, graph.Graph.Feature(pair.Key).Layer, graph.Graph.Feature(pair.Key).Feature, Cut(pair.Value, LabelStore.LongestLabel), LabelStore.File, now)));
    }

    public SubgraphRecord Export(TraceRecord trace, LoadedGraph graph)
    {
        GraphAnnotations annotations = Annotations(trace, graph);
        string Id(int node) => GraphJson.IdOf(graph.Graph, node);
        int[] used = [.. annotations.Pinned.Concat(annotations.Groups.SelectMany(group => group.Nodes)).Distinct()];
        return new SubgraphRecord([.. annotations.Pinned.Select(Id)], [.. annotations.Groups.Select(group => (IReadOnlyList<string>)[group.Name, .. group.Nodes.Select(Id)])],
            [.. used.Where(annotations.Descriptions.ContainsKey).Select(node => (IReadOnlyList<string>)[Id(node), annotations.Descriptions[node]])]);
    }

    /// <summary>Takes pins, groups and descriptions over; notes and view stay. Nodes that the graph does not have are left out.</summary>
    public StoryRecord Import(TraceRecord trace, LoadedGraph graph, SubgraphRecord subgraph)
    {
        Dictionary<string, int> nodes = [];
        for (int node = 0; node < graph.Graph.NodeCount; node++) nodes.TryAdd(GraphJson.IdOf(graph.Graph, node), node); // features before errors of the same id
        string? Own(string? id) => id is null ? null : graph.Find(id) is not null ? id : nodes.TryGetValue(id, out int node) ? graph.IdOf(node) : null;
        HashSet<string> grouped = [];
        NodeGroup[] groups = [.. (subgraph.Supernodes ?? []).Where(group => group is { Count: > 0 } && group[0] is not null)
            .Select(group => new NodeGroup(Cut(group[0], 200), [.. group.Skip(1).Select(Own).OfType<string>().Where(grouped.Add)]))];
        StoryRecord story = rooms.Stories.Get(trace.Id) with { Pinned = [.. (subgraph.PinnedIds ?? []).Select(Own).OfType<string>().Distinct()], Groups = groups };
        foreach (IReadOnlyList<string> clerp in subgraph.Clerps ?? [])
            if (clerp is [{ } id, { Length: > 0 } text] && nodes.TryGetValue(id, out int node) && node < graph.Graph.FirstError)
                rooms.Labels.Set(new LabelRequest(trace.Dictionary, graph.Graph.Feature(node).Layer, graph.Graph.Feature(node).Feature, Cut(text, LabelStore.LongestLabel)));
        return rooms.Stories.Set(trace.Id, story);
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most];
}
