using System.Text.Json;

namespace Microtome.Dictionaries;

/// <summary>What made an index: enough to repeat it, and to know whether work on it can go on.</summary>
public sealed record IndexDescription
{
    /// <summary>The name by which the model was asked for.</summary>
    public required string Model { get; init; }

    /// <summary>The dictionary's name (<c>scan</c>).</summary>
    public required string Dictionary { get; init; }

    /// <summary>A hash of samples of the dictionary's parameters.</summary>
    public required string DictionaryHash { get; init; }

    /// <summary>Where the texts came from.</summary>
    public required string Source { get; init; }

    /// <summary>How many features each layer has; 0 where the dictionary has none there.</summary>
    public required IReadOnlyList<int> Features { get; init; }

    /// <summary>Tokens that are read together.</summary>
    public required int ContextLength { get; init; }

    /// <summary>How many strongest contexts are kept of each feature.</summary>
    public required int Strongest { get; init; }

    /// <summary>How many sampled contexts are kept of each step of √2 in a feature's range.</summary>
    public required int Samples { get; init; }

    /// <summary>Tokens that an example shows before its peak.</summary>
    public required int Before { get; init; }

    /// <summary>Tokens that it shows after it.</summary>
    public required int After { get; init; }

    /// <summary>The version of Microtome.</summary>
    public required string Version { get; init; }

    internal string ToJson() => JsonSerializer.Serialize(this);

    /// <exception cref="InvalidDataException">It is not a description.</exception>
    internal static IndexDescription Parse(string json)
    {
        IndexDescription description;
        try
        {
            description = JsonSerializer.Deserialize<IndexDescription>(json) ?? throw new InvalidDataException("the description is empty");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"the description cannot be read: {exception.Message}", exception);
        }
        if (description.Model is null || description.Dictionary is null || description.Source is null || description.Features is not { Count: <= 100_000 } || description.Features.Any(count => count < 0))
            throw new InvalidDataException("the description is incomplete");
        if (description.Before is < 0 or > 1 << 20 || description.After is < 0 or > 1 << 20 || description.Strongest is < 1 or > 10_000 || description.Samples is < 0 or > 10_000)
            throw new InvalidDataException("the description's numbers are out of range");
        return description;
    }

    /// <summary>What differs from another index that was to be the same; null where nothing does that matters.</summary>
    internal string? DifferenceFrom(IndexDescription other)
    {
        (string Name, object? Mine, object? Others)[] parts =
        [
            ("model", Model, other.Model), ("dictionary", Dictionary, other.Dictionary), ("dictionary's content", DictionaryHash, other.DictionaryHash), ("source", Source, other.Source),
            ("context", ContextLength, other.ContextLength), ("examples", Strongest, other.Strongest), ("samples", Samples, other.Samples), ("window", $"{Before}+{After}", $"{other.Before}+{other.After}"),
        ];
        foreach ((string name, object? mine, object? others) in parts)
            if (!Equals(mine, others)) return $"its {name} is {mine}, not {others}";
        return Features.SequenceEqual(other.Features) ? null : "its layers have other numbers of features";
    }
}
