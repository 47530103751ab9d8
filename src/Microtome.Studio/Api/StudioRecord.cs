namespace Microtome.Studio.Api;

/// <summary>What this studio is.</summary>
/// <param name="DefaultModel">The id of the model to begin with.</param>
/// <param name="DataFolder">Where everything is kept.</param>
public sealed record StudioRecord(string Version, string DefaultModel, string DataFolder, StudioLimits Limits);

/// <summary>The largest inputs.</summary>
public sealed record StudioLimits(int PromptCharacters, int GraphBytes, int LabelCharacters, int EdgesSent);
