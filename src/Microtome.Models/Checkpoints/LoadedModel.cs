namespace Microtome.Models;

/// <summary>A model and what turns text into its tokens.</summary>
public sealed record LoadedModel(string Name, Checkpoint Checkpoint, Transformer Transformer, PromptEncoder Prompts) : IDisposable
{
    public ModelSpecification Specification => Checkpoint.Specification;

    public void Dispose() => Checkpoint.Dispose();
}
