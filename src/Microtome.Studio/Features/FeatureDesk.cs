using System.Collections.Concurrent;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Studio.Api;
using Microtome.Studio.Jobs;
using Microtome.Studio.Labels;
using Microtome.Studio.Models;
using Microtome.Studio.Storage;
using Microtome.Studio.Traces;

namespace Microtome.Studio.Features;

/// <summary>What is known of features: from an index that was made here, or from what was given with the model.</summary>
internal sealed class FeatureDesk(StudioRooms rooms, DataFolder data) : IDisposable
{
    private const int ContextLength = 128, PromotedTokens = 10;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, IFeatureSource?> _sources = [];
    private readonly Dictionary<string, string> _mistakes = [];
    private readonly ConcurrentDictionary<string, DirectEffects> _effects = [];

    /// <summary>The model and dictionary of a trace, or of a model.</summary>
    public (TraceRecord? Trace, KnownModel? Model, string Dictionary) Find(string? trace, string? model)
    {
        if (trace is not null)
        {
            TraceRecord found = rooms.Traces.Get(trace);
            return (found, found.Model is { } id ? rooms.Models.Find(id) : null, found.Dictionary);
        }
        KnownModel known = rooms.Models.Get(model ?? throw RequestException.Bad("Give 'trace' or 'model'."));
        return (null, known, known.InUse?.Transcoders?.Name ?? throw RequestException.Conflict($"The model '{known.Id}' is not loaded or has no transcoders."));
    }

    public IndexRecord StateOf(KnownModel model)
    {
        Job? job = rooms.Jobs.Find(JobOf(model));
        IFeatureSource? source = SourceOf(model);
        (string? kind, long? tokens) = source switch { FeatureIndex index => ("index", index.Tokens), not null => ("neuronpedia", (long?)null), null => ((string?)null, (long?)null) };
        if (job is { HasEnded: false }) return new IndexRecord("running", job.Id, kind, tokens);
        lock (_lock) return new IndexRecord(source is not null ? "ready" : "none", null, kind, tokens, _mistakes.GetValueOrDefault(model.Id));
    }

    public FeatureRecord Describe(int layer, int feature, string? traceId, string? modelId)
    {
        (TraceRecord? trace, KnownModel? model, string dictionary) = Find(traceId, modelId);
        FeatureData? known = model is null ? null : SourceOf(model)?.Find(layer, feature);
        ModelInUse? loaded = model?.InUse;
        if (known is null && loaded?.Transcoders is { } set && ((uint)layer >= (uint)set.Layers.Count || (uint)feature >= (uint)set.Layers[layer].Features))
            throw RequestException.NotFound($"The dictionary '{dictionary}' has no feature {feature} in layer {layer}.");
        LabelRecord? label = rooms.Labels.Find(dictionary, layer, feature);
        (PromotedToken[] promoted, PromotedToken[] suppressed) = Effects(model, layer, feature, known);
        return new FeatureRecord(dictionary, model?.Id, layer, feature, label?.Text ?? known?.Label, label?.Source ?? (known?.Label is null ? null : LabelStore.File), known is not null,
            known?.Firings, known?.Density, known?.Maximum, known?.Mean, known is null ? null : StateOf(model!).Tokens, Examples(known), Intervals(known), Histogram(known), promoted, suppressed,
            trace is null || trace.State != "done" ? [] : Here(trace, layer, feature));
    }

    public NeighbourList Neighbours(int layer, int feature, string? traceId, string? modelId, int count, CancellationToken cancellation)
    {
        (_, KnownModel? model, string dictionary) = Find(traceId, modelId);
        TranscoderSet set = model?.InUse?.Transcoders ?? throw RequestException.Conflict($"The dictionary '{dictionary}' is not loaded; add its model with POST /api/models and load it.");
        IReadOnlyList<FeatureNeighbour> neighbours = DecoderNeighbours.Of(DictionaryFeatures.Of(set), layer, feature, count, cancellation: cancellation);
        Func<int, int, string?> labelOf = LabelsOf(dictionary, model);
        return new NeighbourList([.. neighbours.Select(near => new NeighbourRecord(near.Layer, near.Feature, near.Cosine, labelOf(near.Layer, near.Feature)))]);
    }

    /// <summary>Features whose label or promoted tokens contain a text.</summary>
    public FoundFeatures Search(string text, string? traceId, string? modelId, int? layer, int most)
    {
        (_, KnownModel? model, string dictionary) = Find(traceId, modelId);
        Func<int, int, string?> labelOf = LabelsOf(dictionary, model);
        List<FoundFeature> found = [.. rooms.Labels.List(dictionary, text).Labels.Where(label => layer is null || label.Layer == layer).DistinctBy(label => (label.Layer, label.Feature)).Take(most)
            .Select(label => new FoundFeature(label.Layer, label.Feature, labelOf(label.Layer, label.Feature), 0, null, []))];
        HashSet<(int, int)> seen = [.. found.Select(feature => (feature.Layer, feature.Feature))];
        if (model is not null && SourceOf(model) is { } source)
            foreach (FeatureSummary summary in source.Search(text, layer, most))
                if (found.Count < most && seen.Add((summary.Layer, summary.Feature)))
                    found.Add(new FoundFeature(summary.Layer, summary.Feature, labelOf(summary.Layer, summary.Feature), summary.Maximum, summary.Density, summary.Promoted));
        return new FoundFeatures(found);
    }

    /// <summary>Looks labels up: a person's first, then a file's.</summary>
    public Func<int, int, string?> LabelsOf(string dictionary, KnownModel? model)
    {
        Dictionary<(int Layer, int Feature), string> labels = rooms.Labels.Of(dictionary);
        IReadOnlyDictionary<(int Layer, int Feature), string>? others = model is null ? null : SourceOf(model)?.Labels();
        return (layer, feature) => labels.GetValueOrDefault((layer, feature)) ?? others?.GetValueOrDefault((layer, feature));
    }

    /// <summary>Starts finding out what every feature fires on; the same job while one runs.</summary>
    public async Task<Job> StartIndexingAsync(string id, IndexRequest request, CancellationToken cancellation)
    {
        if (request.Tokens is < 1000 or > 1_000_000_000) throw RequestException.Bad($"'tokens' is {request.Tokens}; it must be from 1000 to 1000000000.");
        KnownModel model = rooms.Models.Get(id);
        ModelInUse loaded = await rooms.Models.UseAsync(id, cancellation);
        TranscoderSet set = loaded.NeedReplacement().Transcoders;
        lock (_lock)
        {
            if (rooms.Jobs.Find(JobOf(model)) is { HasEnded: false } running) return running;
            return rooms.Jobs.Start(rooms.Jobs.Indexes, JobOf(model), "index", id, keep: true, (job, cancel) =>
            {
                string path = PathOf(loaded);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                int length = Math.Min(ContextLength, loaded.Model.Specification.ContextLength);
                job.Report("reading texts", 0);
                Close(model.Id);
                try
                {
                    FeatureIndexer.Run(loaded.Model, DictionaryFeatures.Of(set), TextSource.Open(null, loaded.Model, length), length, path, new IndexOptions { Tokens = request.Tokens, Promoted = PromotedTokens }, new IndexPhases(job), cancel);
                }
                finally
                {
                    Close(model.Id);
                }
                return Task.CompletedTask;
            });
        }
    }

    public void Dispose()
    {
        foreach (string id in _sources.Keys.ToArray()) Close(id);
    }

    /// <summary>An index that was made here goes before what was given with the model.</summary>
    private IFeatureSource? SourceOf(KnownModel model)
    {
        lock (_lock)
        {
            if (_sources.TryGetValue(model.Id, out IFeatureSource? known)) return known;
            if (model.InUse is null || rooms.Jobs.Find(JobOf(model)) is { State: JobState.Running }) return null;
            string? path = model.InUse.Transcoders is not null && File.Exists(PathOf(model.InUse)) ? PathOf(model.InUse) : model.FeatureData;
            try
            {
                return _sources[model.Id] = path is null ? null : FeatureSource.Open(path);
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                _mistakes[model.Id] = exception.Message; // the model's record says so
                return _sources[model.Id] = null;
            }
        }
    }

    private void Close(string id)
    {
        lock (_lock)
        {
            if (_sources.Remove(id, out IFeatureSource? source)) source?.Dispose();
            _mistakes.Remove(id);
        }
    }

    private string PathOf(ModelInUse model) => data.Index(DataFolder.IdOf($"{model.Model.Name}\n{model.Transcoders!.Name}"));

    private static string JobOf(KnownModel model) => $"index-{model.Id}";

    private (PromotedToken[] Promoted, PromotedToken[] Suppressed) Effects(KnownModel? model, int layer, int feature, FeatureData? known)
    {
        if (known is { Promoted.Count: > 0 } or { Suppressed.Count: > 0 }) return ([.. known.Promoted.Select(Indexed)], [.. known.Suppressed.Select(Indexed)]);
        if (model?.InUse is not { Transcoders: { } set } loaded) return ([], []);
        float[] direction = new float[set.Layers[layer].Width];
        DictionaryFeatures.Of(set).At(layer).Direction(feature, direction);
        var (promoted, suppressed) = _effects.GetOrAdd(model.Id, _ => new DirectEffects(loaded.Model.Transformer)).Extremes(direction, PromotedTokens);
        PromotedToken Computed((int Token, float Effect) effect) => new(effect.Token, loaded.Prompts.TextOf(effect.Token), effect.Effect);
        return ([.. promoted.Select(Computed)], [.. suppressed.Select(Computed)]);
    }

    private static PromotedToken Indexed(TokenEffect effect) => new(null, effect.Token, effect.Effect);

    private static ExampleRecord[] Examples(FeatureData? data) =>
        data is null ? [] : [.. Ranges(data).SelectMany((range, i) => range.Examples.Select(example => new ExampleRecord(i, range.From, range.To, example.Tokens, example.Activations, example.Peak)))];

    private static IntervalRecord[] Intervals(FeatureData? data) =>
        data is null ? [] : [.. Ranges(data).Select((range, i) => new IntervalRecord(i, range.Name, range.From, range.To, range.Examples.Count))];

    /// <summary>The strongest, then the intervals; bounds that the source does not say are those of the examples.</summary>
    private static IEnumerable<(string Name, double From, double To, IReadOnlyList<FeatureExample> Examples)> Ranges(FeatureData data)
    {
        yield return ("strongest", data.Strongest.Select(example => (double)example.Value).DefaultIfEmpty(data.Maximum).Min(), data.Maximum, data.Strongest);
        foreach (FeatureInterval interval in data.Intervals)
            yield return (interval.Name, interval.From ?? interval.Examples.Select(example => (double)example.Value).DefaultIfEmpty().Min(),
                interval.To ?? interval.Examples.Select(example => (double)example.Value).DefaultIfEmpty().Max(), interval.Examples);
    }

    private static HistogramRecord? Histogram(FeatureData? data) =>
        data?.Histogram is { } histogram ? new HistogramRecord([.. Enumerable.Range(0, histogram.Counts.Count + 1).Select(i => histogram.From + i * histogram.BinWidth)], histogram.Counts) : null;

    private FiringRecord[] Here(TraceRecord trace, int layer, int feature)
    {
        AttributionGraph graph = rooms.Graphs.Get(trace.Id).Graph;
        return [.. graph.ActiveFeatures.Where(active => active.Layer == layer && active.Feature == feature).Select(active => new FiringRecord(active.Position, graph.TokenTexts[active.Position], active.Activation))];
    }
}
