using Microtome.Circuits;
using Microtome.Studio.Storage;

namespace Microtome.Studio.Traces;

/// <summary>Graphs that were made elsewhere.</summary>
internal sealed class GraphUpload(StudioRooms rooms)
{
    /// <exception cref="InvalidDataException">The file is not a graph in the interchange format, or beyond the bounds.</exception>
    public TraceRecord Keep(ReadOnlyMemory<byte> file, string? title, CancellationToken cancellation)
    {
        ImportedGraph imported = GraphJsonReader.Read(file, "The file");
        AttributionGraph graph = imported.Graph;
        string prompt = graph.Origin.Prompt.Length > 0 ? graph.Origin.Prompt : string.Concat(graph.TokenTexts);
        TraceDesk.CheckPrompt(prompt);
        string name = FirstFilled(title, prompt, imported.Slug);
        string dictionary = graph.Origin.Transcoders is { Length: <= Labels.LabelStore.LongestName } whole ? whole : graph.Origin.Transcoders[..Labels.LabelStore.LongestName];
        TraceRecord trace = new(DataFolder.NewId(), TraceDesk.Title(name), "uploaded", "running", null, null, null, null, null, graph.Origin.Model, dictionary, prompt,
            graph.TokenTexts, [], DateTime.UtcNow, null, null, null, null, null, null, new Dictionary<string, string> { ["slug"] = TraceDesk.Title(imported.Slug) });
        rooms.Store.Insert(trace);
        try
        {
            rooms.Traces.Keep(trace, graph, cancellation);
            rooms.Exchange.Keep(trace, rooms.Graphs.Get(trace.Id), imported.Annotations);
        }
        catch
        {
            rooms.Graphs.Forget(trace.Id);
            rooms.Store.Delete(trace.Id);
            throw;
        }
        return rooms.Traces.Get(trace.Id);
    }

    private static string FirstFilled(params string?[] texts) => texts.FirstOrDefault(text => !string.IsNullOrWhiteSpace(text)) ?? "graph";
}
