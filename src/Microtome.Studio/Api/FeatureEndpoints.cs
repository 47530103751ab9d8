using Microtome.Studio.Features;
using Microtome.Studio.Jobs;
using Microtome.Studio.Labels;

namespace Microtome.Studio.Api;

/// <summary>Features and their labels.</summary>
internal static class FeatureEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, StudioRooms rooms)
    {
        routes.MapGet("/api/features/{layer:int}/{feature:int}", (int layer, int feature, string? trace, string? model) => TypedResults.Ok(rooms.Features.Describe(layer, feature, trace, model)))
            .WithSummary("What a feature fires on, what it promotes, and where it fires in a trace's prompt.");

        routes.MapGet("/api/features/{layer:int}/{feature:int}/neighbours", async (int layer, int feature, string? trace, string? model, int? count, CancellationToken cancellation) =>
            TypedResults.Ok(await Task.Run(() => rooms.Features.Neighbours(layer, feature, trace, model, RequestBounds.Within(count ?? 12, 1, 1000, "count"), cancellation), cancellation)))
            .WithSummary("The features that write in the most similar directions.");

        routes.MapGet("/api/features", (string? search, string? trace, string? model, int? layer, int? most) =>
            TypedResults.Ok(rooms.Features.Search(search ?? "", trace, model, layer, RequestBounds.Within(most ?? 50, 1, 1000, "most")))).WithSummary("Features whose label or promoted tokens contain a text.");

        routes.MapPost("/api/models/{id}/index", async (string id, IndexRequest request, CancellationToken cancellation) =>
        {
            Job job = await rooms.Features.StartIndexingAsync(id, request, cancellation);
            return TypedResults.Accepted($"/api/jobs/{job.Id}", job.Record());
        }).WithSummary("Finds out what every feature of a model's dictionary fires on.");

        routes.MapPut("/api/labels", (LabelRequest request) => TypedResults.Ok(rooms.Labels.Set(request))).WithSummary("Labels a feature; an empty text takes the label away.");
        routes.MapGet("/api/labels", (string? dictionary, string? search) => TypedResults.Ok(rooms.Labels.List(dictionary, search))).WithSummary("Labels, all or those that contain a text.");
    }
}
