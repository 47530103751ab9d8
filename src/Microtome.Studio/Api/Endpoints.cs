using Microtome.Studio.OpenApi;

namespace Microtome.Studio.Api;

/// <summary>All endpoints.</summary>
internal static class Endpoints
{
    public static void Map(IEndpointRouteBuilder routes, StudioRooms rooms)
    {
        ModelEndpoints.Map(routes, rooms);
        TraceEndpoints.Map(routes, rooms);
        FeatureEndpoints.Map(routes, rooms);
        StoryEndpoints.Map(routes, rooms);
        SteeringEndpoints.Map(routes, rooms);
        routes.MapGet("/openapi.json", () => TypedResults.Ok(OpenApiDocument.Describe(routes.DataSources))).WithSummary("This description.");
    }
}
