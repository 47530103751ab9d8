using System.Diagnostics;
using System.Globalization;
using Microtome.Circuits;
using Microtome.Models;
using Microtome.Studio.Api;
using Microtome.Studio.Jobs;
using Microtome.Studio.Models;
using Microtome.Studio.Traces;

namespace Microtome.Studio.Checks;

/// <summary>Changes features in the running model and compares what happens with what a graph predicts.</summary>
internal sealed class Checking(StudioRooms rooms)
{
    public const int MostChanges = 5000, LongestContinuation = 1000;

    public async Task AnswerAsync(CheckRequest request, HttpContext context, CancellationToken cancellation) =>
        await rooms.Jobs.AnswerAsync(context, "check", request.Model, StudioJson.Default.CheckRecord, await PrepareAsync(request, cancellation));

    /// <summary>Reads a request; what is wrong with it is found before anything runs.</summary>
    private async Task<Func<Job, CancellationToken, CheckRecord>> PrepareAsync(CheckRequest request, CancellationToken cancellation)
    {
        RequestBounds.Within(request.MaxTokens, 0, LongestContinuation, "maxTokens");
        RequestBounds.Within(request.Top, 1, 1000, "top");
        TraceRecord? trace = request.Trace is { } id ? rooms.Traces.Get(id) : null;
        LoadedGraph? graph = trace is null ? null : rooms.Graphs.Get(trace.Id);
        string name = trace is null
            ? request.Model ?? throw RequestException.Bad("Give 'trace', or 'model' and 'prompt'.")
            : trace.Model ?? throw RequestException.Conflict($"No known model has the dictionary '{trace.Dictionary}' of this graph; add it with POST /api/models and load it.");
        string prompt = trace?.Prompt ?? request.Prompt ?? throw RequestException.Bad("Give the 'prompt'.");
        TraceDesk.CheckPrompt(prompt);
        ModelInUse model = await rooms.Models.UseAsync(name, cancellation);
        ReplacementModel replacement = model.NeedReplacement();
        int[] tokens = model.Prompts.EncodeForTracing(prompt);
        if (graph is not null && !tokens.SequenceEqual(graph.Graph.Tokens) && tokens.Length != graph.Graph.Positions)
            throw RequestException.Conflict($"The graph has {graph.Graph.Positions} tokens, but the model reads its prompt as {tokens.Length}: it was made with another tokenizer.");
        List<(int Layer, int Position, int Feature, CheckChange Change)> changes = Changes(request, trace);
        SamplingOptions sampling = new() { MaximumTokens = Math.Max(1, request.MaxTokens), Temperature = request.Temperature, Seed = request.Seed };
        sampling.Validate();
        return (job, cancel) => Run(job, model, replacement, tokens, changes, request, graph, trace, sampling, cancel);
    }

    private static CheckRecord Run(
        Job job, ModelInUse model, ReplacementModel replacement, int[] tokens, List<(int Layer, int Position, int Feature, CheckChange Change)> changes, CheckRequest request, LoadedGraph? graph, TraceRecord? trace,
        SamplingOptions sampling, CancellationToken cancellation)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Dictionary<(int Layer, int Position, int Feature), float> active = [];
        if (graph is not null && trace!.Source == "traced") AddActive(active, graph.Graph.ActiveFeatures);
        else if (changes.Any(change => change.Change.Action == "scale"))
        {
            job.Report("finding features");
            AddActive(active, LocalReplacement.Build(replacement, tokens, cancellation: cancellation).Features);
        }
        List<FeatureIntervention> interventions = Interventions(changes, active, tokens.Length);

        NextTokenLogits Run(IReadOnlyList<FeatureIntervention> changed, InterventionMode mode) =>
            new(Intervening.Run(replacement, tokens, changed, mode, logits: LogitRows.Last, cancellation: cancellation).Logits, replacement.Specification);
        job.Report("running the prompt");
        NextTokenLogits before = Run([], InterventionMode.Unfrozen);
        job.Report("changing features, attention frozen");
        NextTokenLogits frozen = Run(interventions, InterventionMode.FrozenAttention);
        job.Report("changing features, attention free");
        NextTokenLogits unfrozen = Run(interventions, InterventionMode.Unfrozen);

        string? Continue(string phase, Func<IEnumerable<int>> generate)
        {
            if (request.MaxTokens == 0) return null;
            job.Report(phase);
            TextStream text = model.Prompts.Stream();
            foreach (int token in tokens) text.Append(token);
            return string.Concat(generate().Where(token => !model.Model.Specification.EndOfText.Contains(token)).Select(text.Append)) + text.Finish();
        }
        string? unchanged = Continue("continuing", () => Generation.Generate(model.Model.Transformer, tokens, sampling, cancellation: cancellation));
        string? frozenText = Continue("continuing, attention frozen", () => Intervening.Generate(replacement, tokens, interventions, InterventionMode.FrozenAttention, sampling, cancellation));
        string? unfrozenText = Continue("continuing, attention free", () => Intervening.Generate(replacement, tokens, interventions, InterventionMode.Unfrozen, sampling, cancellation));

        int[] shown = NextTokenLogits.MostProbable(request.Top, before, frozen, unfrozen);
        NextToken[] Shown(NextTokenLogits logits) => [.. shown.Select(token => new NextToken(token, model.Prompts.TextOf(token), logits.Probabilities[token], logits.Logits[token]))];
        (EffectRecord[] effects, int unpredicted) = graph is null ? ([], 0) : Effects(graph, trace!, interventions, tokens.Length, before, frozen, unfrozen);
        EffectRecord[] measured = [.. effects.Where(effect => effect.FrozenAttention is not null)];
        double[] predicted = [.. measured.Select(effect => effect.Predicted)];
        return new CheckRecord(Shown(before), new ChangedModel(Shown(frozen), frozenText), new ChangedModel(Shown(unfrozen), unfrozenText), unchanged, effects,
            graph is null ? null : new AgreementRecord(PredictedEffect.Agreement(predicted, [.. measured.Select(effect => effect.FrozenAttention!.Value)]), PredictedEffect.Agreement(predicted, [.. measured.Select(effect => effect.Unfrozen!.Value)])),
            interventions.Count(change => change.Position < tokens.Length), unpredicted, watch.Elapsed.TotalSeconds);
    }

    private static (EffectRecord[] Effects, int Unpredicted) Effects(
        LoadedGraph graph, TraceRecord trace, List<FeatureIntervention> interventions, int positions, NextTokenLogits before, NextTokenLogits frozen, NextTokenLogits unfrozen)
    {
        Dictionary<int, float> activations = [];
        int unpredicted = 0;
        foreach (FeatureIntervention change in interventions)
            for (int position = change.Position; position < (change.OpenEnded ? positions : change.Position + 1); position++)
            {
                if (graph.Find(string.Create(CultureInfo.InvariantCulture, $"{change.Layer}_{change.Feature}_{position}")) is { } node) activations[node] = change.Value;
                else if (change.Value != 0) unpredicted++;
            }
        double[] predicted = PredictedEffect.OnTargets(graph.Graph, activations);
        return ([.. graph.Graph.Targets.Select((target, i) =>
        {
            TraceTarget known = i < trace.Targets.Count ? trace.Targets[i] : new TraceTarget(target.Token, target.Text, target.Probability);
            bool measurable = known.Token >= 0 && known.Token < before.Logits.Count;
            double? Change(NextTokenLogits after) => measurable ? after.Of(known.Token, known.Minus) - before.Of(known.Token, known.Minus) : null;
            return new EffectRecord(target.Token, target.Text, predicted[i], Change(frozen), Change(unfrozen));
        })], unpredicted);
    }

    private static void AddActive(Dictionary<(int Layer, int Position, int Feature), float> active, IEnumerable<FeatureNode> features)
    {
        foreach (FeatureNode feature in features) active[(feature.Layer, feature.Position, feature.Feature)] = feature.Activation;
    }

    private static List<FeatureIntervention> Interventions(List<(int Layer, int Position, int Feature, CheckChange Change)> changes, Dictionary<(int Layer, int Position, int Feature), float> active, int positions)
    {
        List<FeatureIntervention> interventions = [];
        foreach ((int layer, int position, int feature, CheckChange change) in changes)
        {
            if (change.Action != "scale")
            {
                interventions.Add(new FeatureIntervention(layer, position, feature, change.Action == "set" ? change.Value : 0, change.Everywhere));
                continue;
            }
            // In the prompt the activations are known, and the graph predicts for them; of generated tokens each is what it turns out to be.
            if (change.Everywhere) interventions.Add(new FeatureIntervention(layer, positions, feature, change.Value, OpenEnded: true, IsFactor: true));
            for (int at = position; at < (change.Everywhere ? positions : position + 1); at++)
                if (active.TryGetValue((layer, at, feature), out float activation)) interventions.Add(new FeatureIntervention(layer, at, feature, change.Value * activation));
        }
        return interventions;
    }

    private List<(int Layer, int Position, int Feature, CheckChange Change)> Changes(CheckRequest request, TraceRecord? trace)
    {
        if (request.Changes is not { Count: > 0 }) throw RequestException.Bad("Give 'changes': what to set, scale or remove.");
        List<(int, int, int, CheckChange)> changes = [];
        foreach (CheckChange change in request.Changes)
        {
            if (change?.Action is not ("set" or "scale" or "remove")) throw RequestException.Bad($"The action '{change?.Action}' is not known; known are set, scale and remove.");
            if (!float.IsFinite(change.Value)) throw RequestException.Bad("The value must be a finite number.");
            foreach (string node in change.Nodes ?? Group(change.Group, trace))
            {
                string[] parts = (node ?? "").Split('_');
                if (parts.Length != 3 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int layer) || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int feature)
                    || !int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out int position))
                {
                    if (change.Group is not null) continue; // tokens, errors and targets of a group cannot be changed
                    throw RequestException.Bad($"'{node?[..Math.Min(64, node.Length)]}' is not a feature, layer_feature_position; only features can be changed.");
                }
                changes.Add((layer, position, feature, change));
            }
        }
        if (changes.Count == 0) throw RequestException.Bad("The changes name no feature.");
        return changes.Count <= MostChanges ? changes : throw RequestException.Bad($"The changes name {changes.Count} features; at most {MostChanges} are changed.");
    }

    private IReadOnlyList<string> Group(string? name, TraceRecord? trace)
    {
        if (name is null || trace is null) throw RequestException.Bad("A change has 'nodes', or the 'group' of a trace's story.");
        return rooms.Stories.Get(trace.Id).Groups.FirstOrDefault(group => group.Name == name)?.Nodes ?? throw RequestException.NotFound($"The story has no group '{name}'.");
    }
}
