namespace Microtome.Circuits;

/// <summary>A feature that is active on the prompt.</summary>
public readonly record struct FeatureNode(int Layer, int Position, int Feature, float Activation);

/// <summary>What a graph explains: a logit, or a direction such as a difference of two.</summary>
/// <param name="Token">The token's id, or the vocabulary's size plus the target's index for a direction that is not a token.</param>
/// <param name="Text">The token's text, or the direction's name.</param>
/// <param name="Probability">The token's probability: the target's weight among the targets.</param>
public sealed record GraphTarget(int Token, string Text, float Probability);
