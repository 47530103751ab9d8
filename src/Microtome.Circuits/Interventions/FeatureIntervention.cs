namespace Microtome.Circuits;

/// <summary>Sets a feature's activation.</summary>
/// <param name="Position">The position; the first of them where <paramref name="OpenEnded"/>, when it may also be the one after the prompt's last.</param>
/// <param name="OpenEnded">Also at every later position, those of generated tokens included.</param>
/// <param name="IsFactor">Whether the value multiplies the activation that the feature has there, all other interventions counted, instead of taking its place.</param>
public readonly record struct FeatureIntervention(int Layer, int Position, int Feature, float Value, bool OpenEnded = false, bool IsFactor = false);

/// <summary>What an intervention leaves free to respond.</summary>
public enum InterventionMode
{
    /// <summary>Attention patterns stay those of the unchanged prompt; all else responds.</summary>
    FrozenAttention,

    /// <summary>Everything responds.</summary>
    Unfrozen,

    /// <summary>Attention patterns, norm denominators and MLP outputs stay; only what the features write directly changes, and what skip connections make of it.</summary>
    Direct,
}

/// <param name="Logits">[positions, vocabulary], or of the last position only [1, vocabulary]</param>
/// <param name="Activations">For each layer [positions, features] as the transcoder encodes what it then reads; null unless asked for.</param>
public sealed record InterventionResult(Microtome.Numerics.Tensor Logits, IReadOnlyList<Microtome.Numerics.Tensor>? Activations);
