using Microtome.Circuits;
using Microtome.Studio.Jobs;
using Microtome.Studio.Traces;

namespace Microtome.Studio.Api;

/// <summary>Traces and their graphs.</summary>
internal static class TraceEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, StudioRooms rooms)
    {
        routes.MapGet("/api/traces", () => TypedResults.Ok(new TraceList(rooms.Traces.List()))).WithSummary("All traces, newest first.");

        routes.MapPost("/api/traces", async (TraceRequest request, HttpContext context, CancellationToken cancellation) =>
        {
            Job job = await rooms.Traces.StartAsync(request, cancellation);
            if (EventStream.IsWanted(context.Request)) await rooms.Jobs.WatchAsync(job, context, rooms.Traces.JobRecordOf);
            else await TypedResults.Accepted($"/api/traces/{job.Id}", rooms.Traces.Get(job.Id)).ExecuteAsync(context);
        }).WithSummary("Traces a prompt; others go before it where some run already.").Answers<TraceRecord>(StatusCodes.Status202Accepted);

        routes.MapPost("/api/traces/upload", async (HttpContext context, string? title, CancellationToken cancellation) =>
        {
            ReadOnlyMemory<byte> file = await Uploads.ReadAsync(context, cancellation);
            TraceRecord trace = await Task.Run(() => rooms.Uploads.Keep(file, title, cancellation), cancellation);
            await TypedResults.Created($"/api/traces/{trace.Id}", trace).ExecuteAsync(context);
        }).WithSummary("Takes a graph.json of circuit-tracer or Neuronpedia.").Uploads("application/json").Answers<TraceRecord>(StatusCodes.Status201Created);

        routes.MapGet("/api/traces/{id}", (string id) => TypedResults.Ok(rooms.Traces.Get(id))).WithSummary("A trace.");

        routes.MapMethods("/api/traces/{id}", ["PATCH"], (string id, TitleChange change) => TypedResults.Ok(rooms.Traces.Rename(id, change.Title))).WithSummary("Renames a trace.");

        routes.MapDelete("/api/traces/{id}", async (string id) =>
        {
            await rooms.Traces.DeleteAsync(id);
            return TypedResults.NoContent();
        }).WithSummary("Deletes a trace, cancelling it first.");

        routes.MapPost("/api/traces/{id}/cancel", async (string id) => TypedResults.Ok(await rooms.Traces.CancelAsync(id))).WithSummary("Cancels a trace that waits or runs.");

        routes.MapGet("/api/traces/{id}/events", async (string id, HttpContext context) =>
        {
            TraceRecord trace = rooms.Traces.Get(id);
            if (rooms.Jobs.Find(id) is { } job) await rooms.Jobs.WatchAsync(job, context, rooms.Traces.JobRecordOf);
            else
                await EventStream.Begin(context, context.RequestAborted).SendAsync(trace.State, new JobRecord(id, "trace", trace.State, null, null, null, null, trace.Error, trace.Model, trace), StudioJson.Default.JobRecord);
        }).WithSummary("A trace's progress as it happens.").Streams();

        routes.MapGet("/api/traces/{id}/graph", (string id, double? nodes, double? edges, CancellationToken cancellation) =>
        {
            TraceRecord trace = rooms.Traces.Get(id);
            (double nodeThreshold, double edgeThreshold) = Thresholds(trace, nodes, edges);
            return TypedResults.Ok(rooms.Graphs.Get(id).Prune(id, nodeThreshold, edgeThreshold, RequestBounds.EdgesSent, rooms.LabelsOf(trace), cancellation));
        }).WithSummary("The graph, pruned at these thresholds.");

        routes.MapGet("/api/traces/{id}/nodes/{node}", (string id, string node, int? top) =>
        {
            TraceRecord trace = rooms.Traces.Get(id);
            LoadedGraph graph = rooms.Graphs.Get(id);
            int found = graph.Find(node) ?? throw RequestException.NotFound("The graph has no such node; a feature's id is layer_feature_position.");
            return TypedResults.Ok(graph.Links(found, RequestBounds.Within(top ?? 10, 1, 1000, "top"), rooms.LabelsOf(trace)));
        }).WithSummary("A node's strongest inputs and outputs in the whole graph.");

        routes.MapPost("/api/traces/{id}/sums", (string id, SumsRequest request) =>
        {
            Stories.StoryStore.CheckGroups(request.Groups);
            return TypedResults.Ok(rooms.Graphs.Get(id).Sum(request.Groups));
        }).WithSummary("The whole graph's edges, summed between groups of nodes.");

        routes.MapGet("/api/traces/{id}/graph.json", async (string id, double? nodes, double? edges, HttpContext context, CancellationToken cancellation) =>
        {
            TraceRecord trace = rooms.Traces.Get(id);
            LoadedGraph graph = rooms.Graphs.Get(id);
            (double nodeThreshold, double edgeThreshold) = Thresholds(trace, nodes, edges);
            MemoryStream file = new();
            GraphJson.Write(graph.Prune(nodeThreshold, edgeThreshold, cancellation), id, file, rooms.Exchange.Annotations(trace, graph));
            context.Response.Headers.ContentDisposition = $"attachment; filename=\"{id}.json\"";
            await TypedResults.Bytes(file.ToArray(), "application/json").ExecuteAsync(context);
        }).WithSummary("The pruned graph with its story, for circuit-tracer's viewer and Neuronpedia.").Downloads("application/json");

        routes.MapGet("/api/traces/{id}/graph.safetensors", (string id) =>
        {
            TraceRecord trace = rooms.Traces.Get(id);
            if (trace.State != "done") throw RequestException.Conflict($"The trace '{id}' is {trace.State}; it has no graph.");
            return TypedResults.PhysicalFile(rooms.Store.GraphPath(id), "application/octet-stream", $"{id}.safetensors");
        }).WithSummary("The whole graph, for microtome trace --from.").Downloads("application/octet-stream");
    }

    /// <summary>Uploaded graphs were pruned before, so that all of them is shown at first.</summary>
    internal static (double Nodes, double Edges) Thresholds(TraceRecord trace, double? nodes, double? edges)
    {
        bool uploaded = trace.Source == "uploaded";
        return (nodes ?? (uploaded ? 1 : 0.8), edges ?? (uploaded ? 1 : 0.98));
    }
}
