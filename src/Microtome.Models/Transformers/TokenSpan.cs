namespace Microtome.Models;

/// <summary>The rows of one sequence in a batch. Row <see cref="Start"/> + i is its token at position <see cref="Past"/> + i.</summary>
/// <param name="Index">Which sequence of the batch.</param>
/// <param name="Start">Its first row.</param>
/// <param name="Length">How many rows.</param>
/// <param name="Past">How many of its tokens are in the cache already.</param>
public readonly record struct TokenSpan(int Index, int Start, int Length, int Past)
{
    internal KeyValueCache? Cache { get; init; }
}
