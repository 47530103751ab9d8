using Microtome.Models;
using Microtome.Models.SmallWorld;

namespace Microtome.Dictionaries;

/// <summary>The texts that a model reads to learn about its features, by name.</summary>
public static class TextSource
{
    /// <summary>The name for texts that the model itself writes.</summary>
    public const string Sampled = "sampled";

    /// <summary>The name for the small world's sentences.</summary>
    public const string SmallWorld = "small-world";

    /// <summary>Opens the source of a name: a text file or folder, <see cref="Sampled"/> or <see cref="SmallWorld"/>; without a name, what suits the model.</summary>
    /// <param name="contextLength">The most tokens in a context.</param>
    /// <exception cref="ArgumentException">The context is too long for the model, or the model has no token to begin a text with.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static ContextSource Open(string? name, LoadedModel model, int contextLength, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (contextLength < 2 || contextLength > model.Specification.ContextLength)
            throw new ArgumentException($"A context of {contextLength} tokens does not fit the model; from 2 to {model.Specification.ContextLength} do.");
        if (name == SmallWorld || (name is null && IsOfSmallWorld(model))) return new WorldContexts(new World(), model.Prompts, contextLength, seed);
        if (name is not (null or Sampled)) return new TextContexts(name, model.Prompts, contextLength);
        int first = model.Prompts.FirstToken ?? throw new ArgumentException($"The model {model.Name} has no token that begins a text, so it cannot write texts by itself; give a file with --source.");
        return new SampledContexts(model, first, contextLength, seed);
    }

    /// <summary>Whether it is the small world's model, by the name of its folder.</summary>
    private static bool IsOfSmallWorld(LoadedModel model) => Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Name)) == SmallWorld;
}
