using System.Text.Json;
using Microtome.Studio.Api;
using Microtome.Studio.Storage;
using Microtome.Studio.Traces;

namespace Microtome.Studio.Stories;

/// <summary>Stories by trace.</summary>
internal sealed class StoryStore(StudioDatabase database)
{
    private const int MostNodes = 2000, MostGroups = 200, LongestName = 200, LongestNotes = 50_000, LargestView = 1 << 16, LongestId = 200;

    public StoryRecord Get(string trace) =>
        database.Scalar("SELECT body FROM stories WHERE trace = $trace", ("$trace", trace)) is string body ? JsonSerializer.Deserialize(body, StudioJson.Default.StoryRecord)! : StoryRecord.Empty;

    public StoryRecord Set(string trace, StoryRecord story)
    {
        Check(story);
        story = story with { Notes = story.Notes ?? "", View = story.View is { ValueKind: JsonValueKind.Object } view ? view : StoryRecord.Empty.View };
        database.Execute("INSERT OR REPLACE INTO stories VALUES ($trace, $body, $now)",
            ("$trace", trace), ("$body", JsonSerializer.Serialize(story, StudioJson.Default.StoryRecord)), ("$now", DateTime.UtcNow.ToString("O")));
        return story;
    }

    /// <exception cref="RequestException">The story is beyond its bounds.</exception>
    public static void Check(StoryRecord story)
    {
        if (story.Pinned is null || story.Groups is null) throw RequestException.Bad("A story has 'pinned' and 'groups'.");
        CheckGroups(story.Groups);
        if (story.Pinned.Count > MostNodes || story.Pinned.Any(id => id is null || id.Length > LongestId)) throw RequestException.Bad($"At most {MostNodes} nodes are pinned, by ids of at most {LongestId} characters.");
        if (story.Notes is { Length: > LongestNotes }) throw RequestException.Bad($"The notes have {story.Notes.Length} characters; at most {LongestNotes} are kept.");
        if (story.View is { } view && (view.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null) || view.GetRawText().Length > LargestView)) throw RequestException.Bad($"'view' must be an object of at most {LargestView} bytes.");
    }

    public static void CheckGroups(IReadOnlyList<NodeGroup>? groups)
    {
        if (groups is null || groups.Count > MostGroups) throw RequestException.Bad($"Give 'groups': at most {MostGroups}.");
        HashSet<string> grouped = [];
        foreach (NodeGroup group in groups)
        {
            if (group?.Name is null || group.Nodes is null || group.Name.Length > LongestName) throw RequestException.Bad($"A group has a name of at most {LongestName} characters and nodes.");
            foreach (string node in group.Nodes)
                if (node is null || node.Length > LongestId || !grouped.Add(node)) throw RequestException.Bad($"The node '{node?[..Math.Min(64, node.Length)]}' is in two groups; a node is in one at most.");
        }
        if (grouped.Count > MostNodes) throw RequestException.Bad($"The groups have {grouped.Count} nodes; at most {MostNodes} are kept.");
    }
}
