using Microtome.Studio.Api;
using Microtome.Studio.Jobs;
using Microtome.Studio.Labels;
using Microtome.Studio.Models;
using Microtome.Studio.Storage;
using Microtome.Studio.Stories;
using Microtome.Studio.Traces;

namespace Microtome.Studio;

/// <summary>The parts that endpoints work with, made once.</summary>
internal sealed class StudioRooms
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
    }

    public DataFolder Data { get; }

    public JobBoard Jobs { get; }

    public ModelShelf Models { get; }

    public TraceStore Store { get; }

    public GraphCache Graphs { get; }

    public TraceDesk Traces { get; }

    public LabelStore Labels { get; }

    public StoryStore Stories { get; }

    /// <summary>Loads what a page asks for first.</summary>
    public void Warm() => Models.StartLoading(Models.Default);

    public ModelRecord RecordOf(KnownModel model) => model.Record(new IndexRecord("none", null, null, null));

    /// <summary>Looks labels of a trace's features up.</summary>
    public Func<int, int, string?> LabelsOf(TraceRecord trace)
    {
        Dictionary<(int Layer, int Feature), string> labels = Labels.Of(trace.Dictionary);
        return (layer, feature) => labels.GetValueOrDefault((layer, feature));
    }
}
