namespace Microtome.Studio.Traces;

/// <summary>A traced or uploaded graph, or one in the making.</summary>
/// <param name="Source">traced or uploaded.</param>
/// <param name="State">queued, running, done, failed or cancelled.</param>
/// <param name="Place">While queued: how many traces run before it.</param>
/// <param name="Phase">While running: what is being done.</param>
/// <param name="Fraction">Of the phase, from 0 to 1.</param>
/// <param name="Model">The id of a known model with this dictionary; null where there is none.</param>
/// <param name="ModelName">The model's name.</param>
/// <param name="Dictionary">The transcoders' name, which labels belong to.</param>
/// <param name="Tokens">The prompt's tokens.</param>
/// <param name="Seconds">How long tracing took.</param>
/// <param name="Features">Features whose inputs are known.</param>
/// <param name="ActiveFeatures">Features that are active on the prompt.</param>
/// <param name="Edges">Edges that are not zero.</param>
/// <param name="Replacement">The share of influence that comes from tokens, not errors.</param>
/// <param name="Completeness">The share of nodes' inputs that does not come from errors.</param>
/// <param name="Parameters">What it was made with.</param>
public sealed record TraceRecord(
    string Id, string Title, string Source, string State, int? Place, string? Phase, double? Fraction, string? Error, string? Model, string ModelName, string Dictionary,
    string Prompt, IReadOnlyList<string> Tokens, IReadOnlyList<TraceTarget> Targets, DateTime Created, double? Seconds, int? Features, int? ActiveFeatures, long? Edges,
    double? Replacement, double? Completeness, IReadOnlyDictionary<string, string> Parameters);

/// <summary>What a graph explains: a token's logit, or its difference from another's.</summary>
/// <param name="Token">The token's id; that of a graph made elsewhere may lie beyond the vocabulary.</param>
/// <param name="Minus">The token whose logit is subtracted; null for none.</param>
public sealed record TraceTarget(int Token, string Text, double Probability, int? Minus = null);

public sealed record TraceList(IReadOnlyList<TraceRecord> Traces);

/// <summary>What to trace.</summary>
/// <param name="Model">The model's id.</param>
/// <param name="Prompt">The text.</param>
/// <param name="Targets">Tokens' texts, or differences such as <c>" Paris - Rome"</c>; without them the most probable next tokens.</param>
/// <param name="MaxTargets">The most next tokens to explain.</param>
/// <param name="TargetProbability">Explain the fewest next tokens whose probabilities reach this sum.</param>
/// <param name="MaxFeatures">The most features whose inputs are computed, those of the most influence; all when null, for which a long prompt's graph may take gigabytes.</param>
/// <param name="Title">What lists call it; the prompt when null.</param>
/// <param name="Keep">Go on when nobody watches any more.</param>
public sealed record TraceRequest(
    string Model, string Prompt, IReadOnlyList<string>? Targets = null, int MaxTargets = 10, double TargetProbability = 0.95, int? MaxFeatures = TraceDesk.UsualFeatures, string? Title = null, bool Keep = false);

public sealed record TitleChange(string Title);
