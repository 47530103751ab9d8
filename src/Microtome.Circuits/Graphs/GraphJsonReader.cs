using System.Text.Json;

namespace Microtome.Circuits;

/// <summary>
/// Reads graphs in the interchange format, made by circuit-tracer, Neuronpedia or this program. What such a file holds was pruned: it is taken
/// as the whole graph, and influence is that within it.
/// </summary>
public static class GraphJsonReader
{
    /// <summary>The most edges that a file's nodes may have room for; they are held as a rectangle.</summary>
    public const long MostPossibleEdges = 1 << 26;

    private const int Deepest = 32;

    /// <param name="utf8">The file's bytes.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InvalidDataException">The file is not such a graph, its parts do not fit together, or it is beyond the bounds.</exception>
    public static ImportedGraph Read(ReadOnlyMemory<byte> utf8, string name)
    {
        if (utf8.Span.StartsWith("\uFEFF"u8)) utf8 = utf8[3..];
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = Deepest });
            return Read(document.RootElement, name);
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{name} is not JSON: {exception.Message}", exception);
        }
        catch (InvalidOperationException exception) // half of a surrogate pair in a text
        {
            throw new InvalidDataException($"{name} has a text that is not Unicode.", exception);
        }
    }

    private static ImportedGraph Read(JsonElement root, string name)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("nodes", out JsonElement nodes) || nodes.ValueKind != JsonValueKind.Array
            || !root.TryGetProperty("links", out JsonElement links) || links.ValueKind != JsonValueKind.Array)
            throw new InvalidDataException($"{name} is not a graph of circuit-tracer's or Neuronpedia's format: it must be an object with 'metadata', 'nodes' and 'links'.");
        JsonPart metadata = new(root, name, "the file");
        metadata = metadata.Object("metadata") ?? throw new InvalidDataException($"{name} has no 'metadata'.");
        string[] tokenTexts = metadata.Texts("prompt_tokens") ?? throw new InvalidDataException($"{name}: the metadata have no 'prompt_tokens'.");
        if (tokenTexts.Length == 0) throw new InvalidDataException($"{name}: 'prompt_tokens' is empty.");

        GraphNodeTable table = new(name, tokenTexts.Length);
        int index = 0;
        foreach (JsonElement node in nodes.EnumerateArray()) table.Add(new JsonPart(node, name, $"node {index++}"));
        AttributionGraph graph = table.Build(tokenTexts, OriginOf(metadata));

        index = 0;
        foreach (JsonElement link in links.EnumerateArray())
        {
            JsonPart part = new(link, name, $"link {index++}");
            table.Connect(graph, part.Text("source"), part.Text("target"), part.Number("weight") ?? throw part.Mistake("has no weight"), part);
        }
        return new ImportedGraph(graph, metadata.OptionalText("slug") ?? "", Annotations(root, name, table));
    }

    private static GraphOrigin OriginOf(JsonPart metadata)
    {
        string scan = metadata.OptionalText("scan") ?? "";
        // Neuronpedia names the model in 'scan', and the dictionary elsewhere; circuit-tracer the dictionary alone.
        string? set = metadata.Object("feature_details")?.OptionalText("neuronpedia_source_set") ?? metadata.Object("info")?.OptionalText("transcoder_set");
        return new GraphOrigin(set is null ? "" : scan, string.IsNullOrEmpty(set) ? scan : $"{scan}/{set}", metadata.OptionalText("prompt") ?? "");
    }

    private static GraphAnnotations Annotations(JsonElement root, string name, GraphNodeTable table)
    {
        GraphAnnotations annotations = new() { Descriptions = table.Descriptions };
        if (new JsonPart(root, name, "the file").Object("qParams") is not { } parameters) return annotations;
        HashSet<int> grouped = [];
        List<NamedNodes> groups = [];
        foreach (JsonElement supernode in parameters.Array("supernodes"))
        {
            // The name, then ids. Nodes that the file does not hold were pruned since.
            string[] parts = supernode.ValueKind == JsonValueKind.Array ? [.. supernode.EnumerateArray().Where(part => part.ValueKind == JsonValueKind.String).Select(part => part.GetString()!)] : [];
            if (parts.Length > 0) groups.Add(new NamedNodes(parts[0], [.. parts.Skip(1).Select(table.Find).OfType<int>().Where(grouped.Add)]));
        }
        IEnumerable<string> pinned = parameters.Array("pinnedIds").Where(id => id.ValueKind == JsonValueKind.String).Select(id => id.GetString()!);
        return annotations with { Pinned = [.. pinned.Select(table.Find).OfType<int>().Distinct()], Groups = groups };
    }
}
