using System.Text.Json;
using Microtome.Studio.Traces;

namespace Microtome.Studio.Stories;

/// <summary>What a person made of a graph.</summary>
/// <param name="Pinned">Ids of pinned nodes.</param>
/// <param name="Groups">Named groups (supernodes); a node is in one at most.</param>
/// <param name="Notes">Free text.</param>
/// <param name="View">The client's own: any object.</param>
public sealed record StoryRecord(IReadOnlyList<string> Pinned, IReadOnlyList<NodeGroup> Groups, string? Notes = null, JsonElement? View = null)
{
    public static StoryRecord Empty { get; } = new([], [], "", EmptyObject());

    private static JsonElement EmptyObject()
    {
        using JsonDocument document = JsonDocument.Parse("{}");
        return document.RootElement.Clone();
    }
}
