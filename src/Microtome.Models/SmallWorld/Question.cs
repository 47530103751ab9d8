namespace Microtome.Models.SmallWorld;

/// <summary>A prompt and what a model is to say next.</summary>
/// <param name="Template">The number of the template among its task's.</param>
/// <param name="Answers">Every right continuation, with its space and, where it ends the sentence, its full stop.</param>
public sealed record Question(WorldTask Task, int Template, Exposure Exposure, string Prompt, IReadOnlyList<string> Answers)
{
    /// <summary>What fills the template's places.</summary>
    public required Filling Filling { get; init; }
}
