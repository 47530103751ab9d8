using System.Numerics.Tensors;
using Microtome.Circuits;
using Microtome.Models;
using Microtome.Studio.Jobs;
using Microtome.Studio.Models;
using Microtome.Studio.Traces;

namespace Microtome.Studio.Api;

/// <summary>Models, and what a prompt is to them.</summary>
internal static class ModelEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, StudioRooms rooms)
    {
        routes.MapGet("/api/studio", () => TypedResults.Ok(new StudioRecord(StudioServer.Version, rooms.Models.Default.Id, rooms.Data.Path,
            new StudioLimits(TraceDesk.LongestPrompt, RequestBounds.Upload, Labels.LabelStore.LongestLabel, RequestBounds.EdgesSent)))).WithSummary("What this studio is.");

        routes.MapGet("/api/models", async (CancellationToken cancellation) =>
        {
            if (rooms.Models.Default is { IsLocal: true, InUse: null } small) await Try(small, cancellation);
            return TypedResults.Ok(new ModelList([.. rooms.Models.All.Select(rooms.RecordOf)]));
        }).WithSummary("The models that can be chosen.");

        routes.MapPost("/api/models", (ModelRequest request) =>
        {
            KnownModel model = rooms.Models.Add(request);
            return TypedResults.Created($"/api/models/{model.Id}", rooms.RecordOf(model));
        }).WithSummary("Adds a model of the Hub or of an allowed folder.");

        routes.MapGet("/api/folders", () => TypedResults.Ok(rooms.Models.Folders.List())).WithSummary("What the folders that requests may choose from hold.");

        routes.MapGet("/api/models/{id}", (string id) => TypedResults.Ok(rooms.RecordOf(rooms.Models.Get(id)))).WithSummary("A model.");

        routes.MapDelete("/api/models/{id}", (string id) =>
        {
            rooms.Models.Remove(id);
            return TypedResults.NoContent();
        }).WithSummary("Forgets a model that was added.");

        routes.MapPost("/api/models/{id}/load", (string id) =>
        {
            Job job = rooms.Models.StartLoading(rooms.Models.Get(id));
            return TypedResults.Accepted($"/api/jobs/{job.Id}", job.Record());
        }).WithSummary("Downloads a model where needed and loads it.");

        routes.MapPost("/api/models/{id}/tokens", async (string id, TextRequest request, CancellationToken cancellation) =>
        {
            TraceDesk.CheckPrompt(request.Text);
            ModelInUse model = await rooms.Models.UseAsync(id, cancellation);
            return TypedResults.Ok(Tokenize(model, request.Text));
        }).WithSummary("A text's tokens as tracing reads them.");

        routes.MapPost("/api/models/{id}/next", async (string id, NextRequest request, CancellationToken cancellation) =>
        {
            TraceDesk.CheckPrompt(request.Prompt);
            RequestBounds.Within(request.Top, 1, 1000, "top");
            ModelInUse model = await rooms.Models.UseAsync(id, cancellation);
            int[] tokens = model.Prompts.EncodeForTracing(request.Prompt);
            return TypedResults.Ok(await Task.Run(() => Next(model, tokens, request.Top, cancellation), cancellation));
        }).WithSummary("The most probable next tokens.");

        routes.MapPost("/api/models/{id}/target", async (string id, TextRequest request, CancellationToken cancellation) =>
        {
            TraceDesk.CheckPrompt(request.Text);
            TargetRequest target = TraceDesk.ParseTarget(request.Text, await rooms.Models.UseAsync(id, cancellation));
            return TypedResults.Ok(new TargetAnswer(target.Text, target.Token, target.Minus));
        }).WithSummary("Reads a target: a token, or a difference of two.");

        routes.MapGet("/api/jobs", () => TypedResults.Ok(new JobList([.. rooms.Jobs.All.Select(job => job.Record())]))).WithSummary("Loading, indexing and tracing of this run.");
        routes.MapGet("/api/jobs/{id}", (string id) => TypedResults.Ok(rooms.Traces.JobRecordOf(rooms.Jobs.Get(id)))).WithSummary("How a job stands.");
        routes.MapGet("/api/jobs/{id}/events", (string id, HttpContext context) => rooms.Jobs.WatchAsync(rooms.Jobs.Get(id), context, rooms.Traces.JobRecordOf)).WithSummary("A job's progress as it happens.").Streams();
        routes.MapPost("/api/jobs/{id}/cancel", async (string id) =>
        {
            Job job = rooms.Jobs.Get(id);
            job.Cancel();
            await job.Ended;
            return TypedResults.Ok(job.Record());
        }).WithSummary("Cancels a job.");
    }

    private static async Task Try(KnownModel model, CancellationToken cancellation)
    {
        try
        {
            await model.LoadAsync(null, cancellation);
        }
        catch (Exception exception) when (ErrorAnswers.StatusOf(exception) is not null)
        {
            // The model's record says so.
        }
    }

    private static TokenList Tokenize(ModelInUse model, string text)
    {
        if (text.Length == 0) return new TokenList([], model.Model.Specification.ContextLength);
        int[] tokens = model.Prompts.EncodeForTracing(text);
        // The text's own tokens come last; what is before them was added.
        int own = model.Prompts.HasTokenizer ? model.Prompts.CountOwn(text) : tokens.Length;
        return new TokenList([.. tokens.Select((token, i) => new TextToken(token, model.Prompts.TextOf(token), i < tokens.Length - own))], model.Model.Specification.ContextLength);
    }

    private static NextList Next(ModelInUse model, int[] tokens, int top, CancellationToken cancellation)
    {
        Tensor logits = model.Model.Transformer.Forward(tokens, logits: LogitRows.Last, cancellation: cancellation);
        float[] probabilities = new float[logits.Columns];
        TensorPrimitives.SoftMax<float>(logits.Row(0), probabilities);
        return new NextList([.. Enumerable.Range(0, probabilities.Length).OrderByDescending(token => probabilities[token]).Take(top)
            .Select(token => new NextToken(token, model.Prompts.TextOf(token), probabilities[token], logits.Row(0)[token]))]);
    }
}
