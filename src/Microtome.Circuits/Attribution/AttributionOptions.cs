using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>What to attribute and how much of it.</summary>
public sealed record AttributionOptions
{
    /// <summary>What to explain; when empty, the most probable next tokens.</summary>
    public IReadOnlyList<TargetRequest> Targets { get; init; } = [];

    /// <summary>The most next tokens to explain.</summary>
    public int MaximumTargets { get; init; } = 10;

    /// <summary>The fewest most probable tokens whose probabilities reach this sum are explained.</summary>
    public double TargetProbability { get; init; } = 0.95;

    /// <summary>The most features whose own inputs are computed, those with the most influence first; all when null.</summary>
    public int? MaximumFeatures { get; init; }

    /// <summary>How many rows are computed together.</summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>With <see cref="MaximumFeatures"/>, after how many batches features are ranked anew.</summary>
    public int BatchesPerRound { get; init; } = 4;

    /// <summary>
    /// Hooks that steer the prompt's pass: at the embedding, at attention's and the MLP's outputs, or after a layer. What they change becomes
    /// sources of the graph.
    /// </summary>
    public ForwardHooks? Steering { get; init; }

    /// <summary>The memory that a graph may take, in bytes, beside what the process holds when its rows begin: what <see cref="ResidentMemory.Limit"/> or else the computer has left.</summary>
    internal static long AvailableBytes()
    {
        long held = ResidentMemory.Current;
        return ResidentMemory.Limit is { } limit
            ? limit - GC.GetTotalMemory(false) // pages of files can be given back
            : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - held;
    }

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        if (MaximumTargets < 1) throw new ArgumentException($"The number of targets is {MaximumTargets}; it must be at least 1.");
        if (!(TargetProbability is > 0 and <= 1)) throw new ArgumentException($"The targets' probability is {TargetProbability}; it must be above 0 and at most 1.");
        if (MaximumFeatures is < 1) throw new ArgumentException($"The number of features is {MaximumFeatures}; it must be at least 1.");
        if (BatchSize is < 1 or > 1 << 16) throw new ArgumentException($"The batch is {BatchSize}; it must be from 1 to 65536.");
        if (BatchesPerRound < 1) throw new ArgumentException($"The number of batches per round is {BatchesPerRound}; it must be at least 1.");
    }
}

/// <summary>A target by its tokens: the logit of one, or the difference of two.</summary>
/// <param name="Text">What graphs call it.</param>
public sealed record TargetRequest(int Token, int? Minus, string Text)
{
    /// <summary>The logit of one token.</summary>
    public TargetRequest(int token, string text) : this(token, null, text)
    {
    }
}
