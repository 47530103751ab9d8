using Microtome.Studio.Api;
using Microtome.Studio.Checks;
using Microtome.Studio.Features;
using Microtome.Studio.Jobs;
using Microtome.Studio.Labels;
using Microtome.Studio.Models;
using Microtome.Studio.Steering;
using Microtome.Studio.Storage;
using Microtome.Studio.Stories;
using Microtome.Studio.Traces;

namespace Microtome.Studio;

/// <summary>The parts that endpoints work with, made once.</summary>
internal sealed class StudioRooms : IDisposable
{
    public StudioRooms(StudioOptions options, DataFolder data, StudioDatabase database, CancellationToken stopping)
    {
        Data = data;
        Jobs = new JobBoard(stopping);
        Models = new ModelShelf(options, data, database, Jobs);
        Store = new TraceStore(data, database);
        Store.CloseUnfinished();
        Graphs = new GraphCache(Store);
        Traces = new TraceDesk(Store, Graphs, Models, Jobs);
        Labels = new LabelStore(database);
        Stories = new StoryStore(database);
        Exchange = new StoryExchange(this);
        Uploads = new GraphUpload(this);
        Checks = new Checking(this);
        Features = new FeatureDesk(this, data);
        Vectors = new VectorStore(data, database);
        Presets = new PresetStore(database);
        Steering = new SteeredGeneration(this);
    }

    public DataFolder Data { get; }

    public JobBoard Jobs { get; }

    public ModelShelf Models { get; }

    public TraceStore Store { get; }

    public GraphCache Graphs { get; }

    public TraceDesk Traces { get; }

    public LabelStore Labels { get; }

    public StoryStore Stories { get; }

    public StoryExchange Exchange { get; }

    public GraphUpload Uploads { get; }

    public Checking Checks { get; }

    public FeatureDesk Features { get; }

    public VectorStore Vectors { get; }

    public PresetStore Presets { get; }

    public SteeredGeneration Steering { get; }

    /// <summary>Loads what a page asks for first.</summary>
    public void Warm() => Models.StartLoading(Models.Default);

    public ModelRecord RecordOf(KnownModel model) => model.Record(Features.StateOf(model));

    /// <summary>Looks labels of a trace's features up.</summary>
    public Func<int, int, string?> LabelsOf(TraceRecord trace) => Features.LabelsOf(trace.Dictionary, trace.Model is { } id ? Models.Find(id) : null);

    public void Dispose() => Features.Dispose();
}
