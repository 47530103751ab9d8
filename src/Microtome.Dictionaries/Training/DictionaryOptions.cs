namespace Microtome.Dictionaries.Training;

/// <summary>What a dictionary in training reads and predicts.</summary>
public enum DictionaryKind
{
    /// <summary>Reads a hook and predicts the same.</summary>
    Autoencoder,

    /// <summary>Reads one hook of a layer and predicts another of the same layer (Dunefsky et al. 2024, arXiv 2406.11944).</summary>
    Transcoder,

    /// <summary>With a linear path beside the latents (Paulo et al. 2025, arXiv 2501.18823).</summary>
    SkipTranscoder,

    /// <summary>Latents of each layer write to that layer and all later ones; all are trained together (Ameisen et al. 2025).</summary>
    CrossLayer,

    /// <summary>Reads the decoder rows of another dictionary (Leask et al. 2025, arXiv 2502.04878).</summary>
    Meta,
}

/// <summary>What makes a dictionary's latents sparse.</summary>
public enum DictionaryActivation
{
    /// <summary>ReLU with an L1 penalty weighted by the decoder rows' norms (Conerly et al. 2024).</summary>
    Relu,

    /// <summary>A gate with an L1 penalty and a magnitude without one (Rajamanoharan et al. 2024, arXiv 2404.16014).</summary>
    Gated,

    /// <summary>A threshold for each latent, learned by straight-through estimation under an L0 penalty (Rajamanoharan et al. 2024, arXiv 2407.14435).</summary>
    JumpRelu,

    /// <summary>The k largest of each token (Gao et al. 2024, arXiv 2406.04093).</summary>
    TopK,

    /// <summary>The largest of a batch, k a token on average; a threshold in use (Bussmann et al. 2024, arXiv 2412.06410).</summary>
    BatchTopK,

    /// <summary>BatchTopK, where each of several nested prefixes of the latents must reconstruct alone (Bussmann et al. 2025, arXiv 2503.17547).</summary>
    Matryoshka,
}

/// <summary>What is done for latents that are never active.</summary>
public enum DeadLatents
{
    Leave,

    /// <summary>They learn to predict what the others leave over (Gao et al. 2024, appendix A.2).</summary>
    Auxiliary,

    /// <summary>They begin anew from tokens that are predicted badly (Bricken et al. 2023).</summary>
    Resample,
}

/// <summary>One dictionary to train.</summary>
public sealed record DictionaryOptions
{
    public DictionaryKind Kind { get; init; } = DictionaryKind.Autoencoder;

    public DictionaryActivation Activation { get; init; } = DictionaryActivation.BatchTopK;

    public required int Latents { get; init; }

    /// <summary>Active latents a token, of TopK and its kin.</summary>
    public int K { get; init; } = 16;

    /// <summary>What the penalty of the others counts, where inputs have a norm of √width: L1 for ReLU and Gated, L0 for JumpReLU.</summary>
    public double Sparsity { get; init; } = 1;

    /// <summary>Matryoshka's prefixes, as shares of the latents; the last is 1.</summary>
    public IReadOnlyList<double> Prefixes { get; init; } = [1 / 16.0, 1 / 8.0, 1 / 4.0, 1 / 2.0, 1];

    /// <summary>The width of the kernel that JumpReLU's thresholds feel (ε), and where they begin.</summary>
    public double Bandwidth { get; init; } = 0.2;

    public double InitialThreshold { get; init; } = 0.1;

    public DeadLatents? Dead { get; init; }

    /// <summary>A latent is dead after this many tokens without being active.</summary>
    public long DeadAfter { get; init; } = 200_000;

    /// <summary>What the auxiliary loss counts.</summary>
    public double AuxiliaryWeight { get; init; } = 1 / 32.0;

    public double LearningRate { get; init; } = 1e-3;

    public int Seed { get; init; }

    public bool HasTopK => Activation is DictionaryActivation.TopK or DictionaryActivation.BatchTopK or DictionaryActivation.Matryoshka;

    internal DeadLatents DeadOrUsual => Dead ?? (HasTopK ? DeadLatents.Auxiliary : DeadLatents.Resample);

    /// <summary>Whether decoder rows keep a norm of 1. With ReLU the penalty weighs them instead.</summary>
    internal bool HasUnitRows => Activation != DictionaryActivation.Relu;

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        if (Latents is < 1 or > 1 << 24) throw new ArgumentException($"A dictionary of {Latents} latents cannot be trained; from 1 to {1 << 24} can.");
        if (HasTopK && (K < 1 || K > Latents)) throw new ArgumentException($"k is {K}; it must be from 1 to the {Latents} latents.");
        if (!(Sparsity >= 0 && double.IsFinite(Sparsity))) throw new ArgumentException($"The sparsity penalty is {Sparsity}; it must be 0 or more.");
        if (!(LearningRate > 0 && double.IsFinite(LearningRate))) throw new ArgumentException($"The learning rate is {LearningRate}; it must be above 0.");
        if (!(Bandwidth > 0)) throw new ArgumentException($"The bandwidth is {Bandwidth}; it must be above 0.");
        if (DeadAfter < 1) throw new ArgumentException($"Latents cannot be dead after {DeadAfter} tokens; give 1 or more.");
    }
}
