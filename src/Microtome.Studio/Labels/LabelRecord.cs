namespace Microtome.Studio.Labels;

/// <summary>What a feature is called: text, never HTML.</summary>
/// <param name="Source">user, or file where it came with a graph or a feature folder.</param>
public sealed record LabelRecord(string Dictionary, int Layer, int Feature, string Text, string Source, DateTime Changed);

public sealed record LabelRequest(string Dictionary, int Layer, int Feature, string Text);

public sealed record LabelList(IReadOnlyList<LabelRecord> Labels);
