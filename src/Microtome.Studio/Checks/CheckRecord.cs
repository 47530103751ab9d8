using Microtome.Studio.Models;

namespace Microtome.Studio.Checks;

/// <summary>A change to make to the running model.</summary>
/// <param name="Nodes">Ids of features, layer_feature_position; or</param>
/// <param name="Group">a group of the trace's story.</param>
/// <param name="Action">set, scale or remove.</param>
/// <param name="Value">The activation to set, or the factor to scale by.</param>
/// <param name="Everywhere">Also at every later position, generated tokens included.</param>
public sealed record CheckChange(IReadOnlyList<string>? Nodes = null, string? Group = null, string Action = "remove", float Value = 0, bool Everywhere = false);

/// <summary>What to check.</summary>
/// <param name="Trace">The trace whose story is checked; or</param>
/// <param name="Model">a model and</param>
/// <param name="Prompt">a prompt, for which nothing is predicted.</param>
/// <param name="MaxTokens">How many tokens the continuations have; 0 for none.</param>
/// <param name="Top">How many of the most probable tokens are shown.</param>
public sealed record CheckRequest(
    IReadOnlyList<CheckChange> Changes, string? Trace = null, string? Model = null, string? Prompt = null, int MaxTokens = 0, double Temperature = 0, int Seed = 0, int Top = 10);

/// <summary>What the model says after the changes.</summary>
/// <param name="After">The same tokens as before the changes.</param>
/// <param name="Continuation">Null where none was asked for.</param>
public sealed record ChangedModel(IReadOnlyList<NextToken> After, string? Continuation);

/// <summary>A target's logit over the mean logit: how the graph says that it changes, and how it does.</summary>
/// <param name="FrozenAttention">Null where the target's tokens are not known.</param>
public sealed record EffectRecord(int Token, string Text, double Predicted, double? FrozenAttention, double? Unfrozen);

/// <summary>The cosine of predicted and measured changes over the targets; null where nothing changed.</summary>
public sealed record AgreementRecord(double? FrozenAttention, double? Unfrozen);

/// <param name="Before">The unchanged model.</param>
/// <param name="FrozenAttention">Changed, with attention patterns as in the unchanged prompt.</param>
/// <param name="Unfrozen">Changed, with everything responding.</param>
/// <param name="Continuation">The unchanged model's.</param>
/// <param name="Changed">How many features were changed, each position counted.</param>
/// <param name="Unpredicted">How many of them the graph does not hold, so that it predicts nothing from them.</param>
public sealed record CheckRecord(
    IReadOnlyList<NextToken> Before, ChangedModel FrozenAttention, ChangedModel Unfrozen, string? Continuation, IReadOnlyList<EffectRecord> Predicted, AgreementRecord? Agreement,
    int Changed, int Unpredicted, double Seconds);
