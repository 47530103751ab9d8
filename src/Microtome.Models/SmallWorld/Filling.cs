namespace Microtome.Models.SmallWorld;

/// <summary>What fills a template's places.</summary>
/// <param name="Key">What makes it another filling than the others; two with one key are held out together.</param>
/// <param name="Values">One for each place.</param>
public sealed record Filling(string Key, IReadOnlyList<string> Values)
{
    /// <summary>All right values of the answer's place, where the question has several; empty where it has one.</summary>
    public IReadOnlyList<string> AlsoRight { get; init; } = [];
}
