using Microtome.Studio.Models;
using Microtome.Studio.Steering;

namespace Microtome.Studio.Api;

/// <summary>Steering, with its vectors and presets.</summary>
internal static class SteeringEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, StudioRooms rooms)
    {
        routes.MapPost("/api/steer", (SteerRequest request, HttpContext context, CancellationToken cancellation) => rooms.Steering.StreamAsync(request, context, cancellation))
            .WithSummary("Generates steered and unsteered side by side.").Streams();

        routes.MapGet("/api/vectors", (string? model) => TypedResults.Ok(rooms.Vectors.List(model is null ? null : NameOf(rooms.Models.Get(model))))).WithSummary("Named steering vectors.");

        routes.MapPost("/api/vectors", async (string name, string model, HttpContext context, CancellationToken cancellation) =>
        {
            ModelInUse use = await rooms.Models.UseAsync(model, cancellation);
            await TypedResults.Created("/api/vectors", rooms.Vectors.Add(name, use, await Uploads.ReadAsync(context, cancellation))).ExecuteAsync(context);
        }).WithSummary("Keeps a steering vector, safetensors or GGUF.").Uploads("application/octet-stream").Answers<VectorRecord>(StatusCodes.Status201Created);

        routes.MapDelete("/api/vectors/{name}", async (string name, string model, CancellationToken cancellation) =>
        {
            rooms.Vectors.Delete(name, await rooms.Models.UseAsync(model, cancellation));
            return TypedResults.NoContent();
        }).WithSummary("Deletes a vector.");

        routes.MapGet("/api/presets", (string? model) => TypedResults.Ok(rooms.Presets.List(model))).WithSummary("Presets.");
        routes.MapPost("/api/presets", (PresetRequest request) => TypedResults.Created("/api/presets", rooms.Presets.Add(request))).WithSummary("Keeps sliders by name.");
        routes.MapPut("/api/presets/{id}", (string id, PresetRequest request) => TypedResults.Ok(rooms.Presets.Change(id, request))).WithSummary("Changes a preset.");
        routes.MapDelete("/api/presets/{id}", (string id) =>
        {
            rooms.Presets.Delete(id);
            return TypedResults.NoContent();
        }).WithSummary("Deletes a preset.");
    }

    private static string NameOf(KnownModel model) => model.InUse?.Model.Name ?? model.Model ?? "";
}
