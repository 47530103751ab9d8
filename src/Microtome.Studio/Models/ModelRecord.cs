namespace Microtome.Studio.Models;

/// <summary>A checkpoint with the transcoders made for it. What is inside is null until it is loaded.</summary>
/// <param name="Name">A Hub name or the folder's name.</param>
/// <param name="Transcoders">The dictionary's name, which labels belong to.</param>
/// <param name="Source">shipped, commandLine or added.</param>
/// <param name="State">idle, loading, ready or failed.</param>
/// <param name="Error">Why it could not be loaded.</param>
/// <param name="Width">Of the residual stream.</param>
public sealed record ModelRecord(
    string Id, string Name, string? Transcoders, string Source, string State, string? Error, string? Family, int? Layers, int? Width, int? Vocabulary, int? ContextLength,
    IReadOnlyList<int>? FeaturesPerLayer, bool? CrossLayer, bool? HasTokenizer, bool? HasChatTemplate, IndexRecord Index);

/// <summary>A model's feature data.</summary>
/// <param name="State">none, running or ready.</param>
/// <param name="Job">What makes it, while running.</param>
/// <param name="Kind">index (harvested) or neuronpedia (a folder of feature JSON).</param>
/// <param name="Tokens">How many tokens were looked at.</param>
/// <param name="Error">Why what was given cannot be used.</param>
public sealed record IndexRecord(string State, string? Job, string? Kind, long? Tokens, string? Error = null);

public sealed record ModelList(IReadOnlyList<ModelRecord> Models);

/// <summary>Hub names, or folders below those that requests may choose from.</summary>
public sealed record ModelRequest(string Model, string? Transcoders = null, string? Index = null);

/// <summary>What the folders that requests may choose from hold.</summary>
public sealed record FolderList(IReadOnlyList<string> Models, IReadOnlyList<string> Transcoders, IReadOnlyList<string> Indexes);

public sealed record TextRequest(string Text);

/// <param name="Added">Put before the text by the tokenizer or for tracing.</param>
public sealed record TextToken(int Id, string Text, bool Added);

public sealed record TokenList(IReadOnlyList<TextToken> Tokens, int ContextLength);

public sealed record NextRequest(string Prompt, int Top = 10);

/// <param name="Logit">Of the token at the last position.</param>
public sealed record NextToken(int Token, string Text, double Probability, double Logit);

public sealed record NextList(IReadOnlyList<NextToken> Next);

/// <param name="Minus">The token whose logit is subtracted.</param>
public sealed record TargetAnswer(string Text, int Token, int? Minus);
