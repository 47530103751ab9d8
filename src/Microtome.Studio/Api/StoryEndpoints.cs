using Microtome.Studio.Checks;
using Microtome.Studio.Comparison;
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

        routes.MapGet("/api/traces/{id}/subgraph", (string id) => TypedResults.Ok(rooms.Exchange.Export(rooms.Traces.Get(id), rooms.Graphs.Get(id)))).WithSummary("The story in Neuronpedia's form.");

        routes.MapPut("/api/traces/{id}/subgraph", (string id, SubgraphRecord subgraph) => TypedResults.Ok(rooms.Exchange.Import(rooms.Traces.Get(id), rooms.Graphs.Get(id), subgraph)))
            .WithSummary("Takes a story over from Neuronpedia's form.");

        routes.MapPost("/api/check", (CheckRequest request, HttpContext context, CancellationToken cancellation) => rooms.Checks.AnswerAsync(request, context, cancellation))
            .WithSummary("Changes features in the running model, and compares with what the graph predicts.").Answers<CheckRecord>();

        routes.MapGet("/api/compare", (string a, string b, double? nodes, double? edges, CancellationToken cancellation) => TypedResults.Ok(Comparing.Compare(rooms, a, b, nodes, edges, cancellation)))
            .WithSummary("Two graphs side by side, nodes matched.");
    }
}
