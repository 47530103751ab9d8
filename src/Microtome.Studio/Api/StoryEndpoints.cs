using Microtome.Studio.Stories;

namespace Microtome.Studio.Api;

/// <summary>Stories: pinned nodes, groups and notes.</summary>
internal static class StoryEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, StudioRooms rooms)
    {
        routes.MapGet("/api/traces/{id}/story", (string id) =>
        {
            rooms.Store.Get(id);
            return TypedResults.Ok(rooms.Stories.Get(id));
        }).WithSummary("A trace's story.");

        routes.MapPut("/api/traces/{id}/story", (string id, StoryRecord story) =>
        {
            rooms.Store.Get(id);
            return TypedResults.Ok(rooms.Stories.Set(id, story));
        }).WithSummary("Keeps a trace's story.");
    }
}
