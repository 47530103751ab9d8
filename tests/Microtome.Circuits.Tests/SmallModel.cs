using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Circuits.Tests;

/// <summary>Small models with their transcoders: the trained one of the repository, and random ones of each architecture.</summary>
internal sealed class SmallModel : IDisposable
{
    private readonly Checkpoint _checkpoint;
    private readonly TranscoderSet _transcoders;

    private SmallModel(string model, string transcoders)
    {
        _checkpoint = Checkpoint.Open(model);
        _transcoders = TranscoderReader.Open(transcoders);
        Replacement = new ReplacementModel(new Transformer(_checkpoint), _transcoders);
        Prompts = PromptEncoder.Load(model, _checkpoint.Specification);
    }

    public ReplacementModel Replacement { get; }

    public PromptEncoder Prompts { get; }

    public static SmallModel Stories() =>
        new(Path.Combine(TestFiles.Repository, "models", "stories260k"), Path.Combine(TestFiles.Repository, "models", "stories260k-transcoders"));

    /// <summary>The model and transcoders of a reference case.</summary>
    public static SmallModel Of(string attributionCase)
    {
        string golden = Path.Combine(TestFiles.Repository, "tests", "data", "golden");
        return new SmallModel(Path.Combine(golden, "models", attributionCase.Split('-')[0]), Path.Combine(golden, "attribution", attributionCase, "transcoders"));
    }

    public AttributionGraph Trace(int[] tokens, AttributionOptions? options = null) => Attributor.Attribute(Replacement, tokens, options ?? new AttributionOptions(), Prompts.TextOf);

    public void Dispose()
    {
        _transcoders.Dispose();
        _checkpoint.Dispose();
    }
}
