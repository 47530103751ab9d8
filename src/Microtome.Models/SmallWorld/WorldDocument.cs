namespace Microtome.Models.SmallWorld;

/// <summary>A text to learn and the ranges of its characters that are answers.</summary>
public sealed record WorldDocument(string Text, IReadOnlyList<Range> Answers);
