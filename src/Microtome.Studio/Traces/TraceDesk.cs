using System.Diagnostics;
using System.Globalization;
using Microtome.Circuits;
using Microtome.Studio.Api;
using Microtome.Studio.Jobs;
using Microtome.Studio.Models;
using Microtome.Studio.Storage;

namespace Microtome.Studio.Traces;

/// <summary>Starts, watches and keeps traces.</summary>
internal sealed class TraceDesk(TraceStore store, GraphCache graphs, ModelShelf models, JobBoard jobs)
{
    public const int LongestPrompt = 100_000, LongestTitle = 500, MostTargets = 50;

    /// <summary>How many features a graph has at most unless a request says otherwise.</summary>
    public const int UsualFeatures = 7500;

    public async Task<Job> StartAsync(TraceRequest request, CancellationToken cancellation)
    {
        CheckPrompt(request.Prompt);
        if (request.Targets is { Count: > MostTargets }) throw RequestException.Bad($"{request.Targets.Count} targets are given; at most {MostTargets} can be.");
        KnownModel known = models.Get(request.Model);
        ModelInUse model = await models.UseAsync(request.Model, cancellation);
        ReplacementModel replacement = model.NeedReplacement();
        int[] tokens = model.Prompts.EncodeForTracing(request.Prompt);
        AttributionOptions options = new()
        {
            Targets = [.. (request.Targets ?? []).Where(target => target.Length > 0).Select(target => ParseTarget(target, model)).Distinct()],
            MaximumTargets = request.MaxTargets,
            TargetProbability = request.TargetProbability,
            MaximumFeatures = request.MaxFeatures,
        };
        options.Validate();

        string id = DataFolder.NewId();
        store.Insert(new TraceRecord(id, Title(request.Title ?? request.Prompt), "traced", "queued", null, null, null, null, known.Id, model.Model.Name, replacement.Transcoders.Name, request.Prompt,
            [.. tokens.Select(model.Prompts.TextOf)], [.. options.Targets.Select(target => new TraceTarget(target.Token, target.Text, 0, target.Minus))], DateTime.UtcNow, null, null, null, null, null, null, Parameters(request)));
        try
        {
            return jobs.Start(jobs.Traces, id, "trace", known.Id, request.Keep, (job, cancel) => Task.FromResult(Run(job, model, tokens, options, request, cancel)));
        }
        catch
        {
            store.Delete(id);
            throw;
        }
    }

    public List<TraceRecord> List() => [.. store.List().Select(WithJob)];

    public TraceRecord Get(string id) => WithJob(store.Get(id));

    /// <summary>What a job's stream says about a trace.</summary>
    public JobRecord JobRecordOf(Job job)
    {
        JobRecord record = job.Record();
        return record is { Kind: "trace", State: "done" } && store.Has(job.Id) ? record with { Trace = Get(job.Id) } : record;
    }

    public TraceRecord Rename(string id, string title)
    {
        store.Get(id);
        store.Rename(id, Title(title));
        return Get(id);
    }

    public async Task<TraceRecord> CancelAsync(string id)
    {
        store.Get(id);
        if (jobs.Find(id) is { } job)
        {
            job.Cancel();
            await job.Ended;
        }
        return Get(id);
    }

    public async Task DeleteAsync(string id)
    {
        await CancelAsync(id);
        graphs.Forget(id);
        store.Delete(id);
    }

    public static string Title(string text)
    {
        string title = text.ReplaceLineEndings(" ").Trim();
        return title.Length == 0 ? "untitled" : title.Length > LongestTitle ? title[..LongestTitle] : title;
    }

    public static void CheckPrompt(string? prompt)
    {
        if (prompt is null) throw RequestException.Bad("The request has no prompt.");
        if (prompt.Length > LongestPrompt) throw RequestException.TooLarge($"The text has {prompt.Length} characters; at most {LongestPrompt} are taken.");
    }

    public static TargetRequest ParseTarget(string text, ModelInUse model)
    {
        TargetRequest target = TargetParser.Parse(text, model.Prompts);
        return target.Minus != target.Token ? target : throw RequestException.Bad($"The target \"{text}\" is the difference of a token and itself, which nothing leads to.");
    }

    private object? Run(Job job, ModelInUse model, int[] tokens, AttributionOptions options, TraceRequest request, CancellationToken cancellation)
    {
        Stopwatch watch = Stopwatch.StartNew();
        AttributionGraph graph = Attributor.Attribute(model.NeedReplacement(), tokens, options, model.Prompts.TextOf, new TracePhases(job), cancellation);
        graph = graph with { Origin = new GraphOrigin(model.Model.Name, model.Transcoders!.Name, request.Prompt) };
        double seconds = watch.Elapsed.TotalSeconds;
        job.Report("saving");
        Keep(store.Get(job.Id) with { Seconds = seconds }, graph, cancellation);
        return null;
    }

    /// <summary>Saves a graph and what lists show of it; the trace is done then.</summary>
    public TraceRecord Keep(TraceRecord trace, AttributionGraph graph, CancellationToken cancellation)
    {
        store.SaveGraph(trace.Id, graph, trace.Parameters, cancellation);
        NodeSums sums = NodeSums.Of(graph);
        GraphScores scores = GraphScores.Of(graph);
        trace = trace with
        {
            State = "done",
            Targets = [.. graph.Targets.Select((target, i) => i < trace.Targets.Count
                ? trace.Targets[i] with { Probability = target.Probability } // a difference's two tokens are not in the graph
                : new TraceTarget(target.Token, target.Text, target.Probability))],
            Features = graph.FeatureCount,
            ActiveFeatures = graph.ActiveFeatures.Count,
            Edges = sums.Edges,
            Replacement = scores.Replacement,
            Completeness = scores.Completeness,
        };
        store.Update(trace);
        return trace;
    }

    private TraceRecord WithJob(TraceRecord trace)
    {
        trace = trace with { Model = ModelOf(trace) };
        if (trace.State == "done" || jobs.Find(trace.Id) is not { } job) return trace;
        JobRecord record = job.Record();
        if (job.HasEnded && job.State != JobState.Done)
        {
            store.SetState(trace.Id, record.State, record.Error);
            return trace with { State = record.State, Error = record.Error };
        }
        return job.State == JobState.Done ? store.Get(trace.Id) with { Model = trace.Model } : trace with { State = record.State, Place = record.Place, Phase = record.Phase, Fraction = record.Fraction };
    }

    private string? ModelOf(TraceRecord trace) =>
        (models.WithDictionary(trace.Dictionary) ?? models.All.FirstOrDefault(model => model.InUse is null && model.Model == trace.ModelName))?.Id;

    private static Dictionary<string, string> Parameters(TraceRequest request)
    {
        Dictionary<string, string> parameters = new()
        {
            ["maxTargets"] = request.MaxTargets.ToString(CultureInfo.InvariantCulture),
            ["targetProbability"] = request.TargetProbability.ToString(CultureInfo.InvariantCulture),
        };
        if (request.MaxFeatures is { } most) parameters["maxFeatures"] = most.ToString(CultureInfo.InvariantCulture);
        if (request.Targets is { Count: > 0 } targets) parameters["targets"] = string.Join(", ", targets);
        return parameters;
    }
}
