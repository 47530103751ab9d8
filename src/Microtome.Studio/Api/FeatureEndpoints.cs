using Microtome.Studio.Labels;

namespace Microtome.Studio.Api;

/// <summary>Features and their labels.</summary>
internal static class FeatureEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, StudioRooms rooms)
    {
        routes.MapPut("/api/labels", (LabelRequest request) => TypedResults.Ok(rooms.Labels.Set(request))).WithSummary("Labels a feature; an empty text takes the label away.");
        routes.MapGet("/api/labels", (string? dictionary, string? search) => TypedResults.Ok(rooms.Labels.List(dictionary, search))).WithSummary("Labels, all or those that contain a text.");
    }
}
