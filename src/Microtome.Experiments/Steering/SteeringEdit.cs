using Microtome.Dictionaries;

namespace Microtome.Experiments;

/// <summary>One change to what a model computes, at some positions of a text.</summary>
public abstract record SteeringEdit(PositionRange Positions);

/// <summary>What the strength of an addition counts.</summary>
public enum SteeringUnit
{
    /// <summary>Times the vector as it is.</summary>
    Vector,

    /// <summary>The length of what is added, whatever the vector's.</summary>
    Length,

    /// <summary>The length of what is added, as a share of the stream's at each position.</summary>
    Share,
}

/// <summary>Adds a direction to the stream after a layer (Turner et al. 2023, "Activation Addition", arXiv 2308.10248).</summary>
/// <param name="Direction">[width]</param>
public sealed record Addition(int Layer, float[] Direction, float Strength, PositionRange Positions, SteeringUnit Unit = SteeringUnit.Vector) : SteeringEdit(Positions);

/// <summary>
/// Takes a direction out of everything that is written to the stream: <c>x ← x - (x·u)u</c> for the outputs of attention and MLP, and the
/// embedding (Arditi et al. 2024, "Refusal in Language Models Is Mediated by a Single Direction", arXiv 2406.11717).
/// </summary>
/// <param name="Layers">The layers whose writes are changed.</param>
/// <param name="Embedding">Whether the embedding is changed too.</param>
/// <param name="Direction">[width], of any length but 0.</param>
public sealed record Ablation(IReadOnlyList<int> Layers, bool Embedding, float[] Direction, PositionRange Positions) : SteeringEdit(Positions);

/// <summary>
/// Changes a dictionary's latent: what it would write is replaced by what it writes at another activation. The rest, with what the
/// dictionary leaves unexplained, stays as it is.
/// </summary>
/// <param name="Change">From the activation that the latent has to the one that it gets.</param>
public sealed record LatentEdit(TranscoderSet Dictionary, int Layer, int Feature, LatentChange Change, PositionRange Positions) : SteeringEdit(Positions);

/// <summary>
/// Changes an autoencoder's latent at its hook: what is there gets (new - present activation) times the decoder row added, so that what the autoencoder
/// leaves unexplained stays as it is.
/// </summary>
/// <param name="Change">From the activation that the latent has to the one that it gets.</param>
public sealed record AutoencoderEdit(SparseAutoencoder Autoencoder, int Latent, LatentChange Change, PositionRange Positions) : SteeringEdit(Positions);

/// <summary>The activation that a latent gets: <c>Factor · present + Value</c>.</summary>
public readonly record struct LatentChange(float Factor, float Value)
{
    /// <summary>The same activation everywhere.</summary>
    public static LatentChange Clamp(float value) => new(0, value);

    /// <summary>A multiple of what it is; 0 turns it off.</summary>
    public static LatentChange Scale(float factor) => new(factor, 0);

    internal float Of(float present) => Factor * present + Value - present;
}
