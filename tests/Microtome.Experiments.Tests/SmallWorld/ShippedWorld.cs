using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments.Tests.SmallWorld;

/// <summary>The model and the dictionaries that ship, loaded once.</summary>
public sealed class ShippedWorld : IDisposable
{
    public static readonly string Models = Path.Combine(TestFiles.Repository, "models");

    public ShippedWorld()
    {
        string folder = Path.Combine(Models, "small-world");
        Checkpoint checkpoint = Checkpoint.Open(folder);
        Model = new LoadedModel("small-world", checkpoint, new Transformer(checkpoint), PromptEncoder.Load(folder, checkpoint.Specification));
        Transcoders = TranscoderReader.Open(Path.Combine(Models, "small-world-transcoders"));
        Replacement = new ReplacementModel(Model.Transformer, Transcoders);
    }

    public LoadedModel Model { get; }

    public TranscoderSet Transcoders { get; }

    public ReplacementModel Replacement { get; }

    public void Dispose()
    {
        Transcoders.Dispose();
        Model.Dispose();
    }
}
