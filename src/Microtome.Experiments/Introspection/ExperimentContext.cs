using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Models.ChatTemplates;

namespace Microtome.Experiments;

/// <summary>What an experiment works with.</summary>
public sealed class ExperimentContext
{
    private readonly Action<string, double?>? _progress;
    private IReadOnlyList<InjectedVector>? _vectors;

    internal ExperimentContext(ExperimentSettings settings, LoadedModel model, TranscoderSet? dictionary, SweepStore store, string folder, Sharing sharing, Action<string, double?>? progress, CancellationToken cancellation)
    {
        Settings = settings;
        Model = model;
        Dictionary = dictionary;
        Store = store;
        Folder = folder;
        Cancellation = cancellation;
        _progress = progress;
        Runner = new TrialRunner(model.Transformer, sharing);
        Chat = ChatTemplateFiles.Load(model.Checkpoint.Folder);
        Layers = LayerChoice.Parse(settings.Layers, model.Specification.Layers.Count);
    }

    public ExperimentSettings Settings { get; }

    public LoadedModel Model { get; }

    public TranscoderSet? Dictionary { get; }

    /// <summary>The model's chat template, where it has one.</summary>
    internal ChatTemplate? Chat { get; }

    public string Folder { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>Where vectors are injected.</summary>
    public IReadOnlyList<int> Layers { get; }

    internal SweepStore Store { get; }

    internal TrialRunner Runner { get; }

    /// <summary>The concepts' vectors, and then random ones of the same length.</summary>
    internal IReadOnlyList<InjectedVector> Vectors => _vectors ??= InjectedVector.Make(this);

    internal void Report(string step, double? fraction) => _progress?.Invoke(step, fraction);

    internal IProgress<double> Progress(string step) => new StepProgress(this, step);

    private sealed class StepProgress(ExperimentContext context, string step) : IProgress<double>
    {
        public void Report(double value) => context.Report(step, value);
    }
}
