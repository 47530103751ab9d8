namespace Microtome.Dictionaries.Training;

/// <summary>A dictionary's loss is not finite any more, or far beyond that of predicting nothing.</summary>
public sealed class DictionaryDivergedException(string dictionary, long step, string? lastCheckpoint, string message) : IOException(message)
{
    public string Dictionary { get; } = dictionary;

    /// <summary>The step at which it was seen, counted from 1.</summary>
    public long Step { get; } = step;

    /// <summary>The last checkpoint that was written before.</summary>
    public string? LastCheckpoint { get; } = lastCheckpoint;
}
