namespace Microtome.Models;

/// <summary>What one transformer computes: everything a forward pass needs to know beside the weights. A model family is a mapping to this.</summary>
public sealed record ModelSpecification
{
    /// <summary>The family's name in <c>config.json</c> (<c>model_type</c>).</summary>
    public required string Family { get; init; }

    public required int VocabularySize { get; init; }

    /// <summary>The longest sequence of tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The width of the residual stream (d_model).</summary>
    public required int ModelWidth { get; init; }

    public required NormSpecification Norm { get; init; }

    public required AttentionSpecification Attention { get; init; }

    public required MlpSpecification Mlp { get; init; }

    /// <summary>One entry a layer, in order.</summary>
    public required IReadOnlyList<LayerSpecification> Layers { get; init; }

    /// <summary>Attention and MLP both read the stream as it enters the layer (GPT-NeoX).</summary>
    public bool ParallelResidual { get; init; }

    /// <summary>Token embeddings are multiplied by this (Gemma).</summary>
    public float EmbeddingScale { get; init; } = 1;

    /// <summary>A learned vector is added for each position (GPT-2).</summary>
    public bool LearnedPositions { get; init; }

    /// <summary>The unembedding is the embedding, transposed.</summary>
    public bool TiedUnembedding { get; init; }

    /// <summary>Logits become <c>cap · tanh(logits / cap)</c>.</summary>
    public float? LogitSoftCap { get; init; }

    public int? BeginningOfText { get; init; }

    /// <summary>Tokens that end a text.</summary>
    public IReadOnlyList<int> EndOfText { get; init; } = [];

    public int? Padding { get; init; }

    /// <summary>Where each weight is in the checkpoint.</summary>
    public required WeightNames Names { get; init; }
}

public enum NormKind
{
    /// <summary>Divides by the root mean square, then scales (Zhang and Sennrich 2019, arXiv 1910.07467).</summary>
    RootMeanSquare,

    /// <summary>Subtracts the mean, divides by the standard deviation, scales and shifts (Ba et al. 2016, arXiv 1607.06450).</summary>
    Layer,
}

[Flags]
public enum NormPlacement
{
    /// <summary>On what a block reads.</summary>
    Before = 1,

    /// <summary>On what a block writes.</summary>
    After = 2,

    BeforeAndAfter = Before | After,
}

/// <param name="UnitOffset">The stored scale is one less than the scale (Gemma).</param>
public sealed record NormSpecification(NormKind Kind, float Epsilon, NormPlacement Placement = NormPlacement.Before, bool UnitOffset = false);

public enum QueryKeyNorm
{
    None,

    /// <summary>Each head's query and key are normalised (Qwen 3, Gemma 3).</summary>
    PerHead,

    /// <summary>All heads' queries are normalised together, and all keys (OLMo 2).</summary>
    AllHeads,
}

public sealed record AttentionSpecification
{
    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    public required int HeadWidth { get; init; }

    /// <summary>Scores are queries times keys times this.</summary>
    public required float Scale { get; init; }

    /// <summary>Scores become <c>cap · tanh(scores / cap)</c> (Gemma 2).</summary>
    public float? SoftCap { get; init; }

    public QueryKeyNorm QueryKeyNorm { get; init; }

    /// <summary>Each head has a learned score that takes part in the softmax and attends to nothing (gpt-oss).</summary>
    public bool Sinks { get; init; }

    public bool QueryKeyValueBias { get; init; }

    public bool OutputBias { get; init; }

    /// <summary>Query heads that share one key-value head.</summary>
    public int GroupSize => Heads / KeyValueHeads;
}

public enum Activation
{
    Silu,

    /// <summary>With the error function.</summary>
    Gelu,

    /// <summary>With the tanh approximation.</summary>
    GeluTanh,

    /// <summary><c>x · sigmoid(1.702 x)</c></summary>
    QuickGelu,

    Relu,
}

public sealed record MlpSpecification
{
    public required int Width { get; init; }

    public required Activation Activation { get; init; }

    /// <summary>The activation of a gate multiplies the hidden units.</summary>
    public bool Gated { get; init; }

    public bool Bias { get; init; }

    /// <summary>Each token is sent to some of several MLPs.</summary>
    public ExpertSpecification? Experts { get; init; }
}

/// <summary>gpt-oss's mixture: the weights of the chosen experts are a softmax over their router scores.</summary>
/// <param name="PerToken">How many experts a token is sent to.</param>
/// <param name="GateLimit">Gates are at most this, and hidden units within ± this.</param>
/// <param name="GateSlope">The gate is <c>g · sigmoid(slope · g)</c>.</param>
public sealed record ExpertSpecification(int Count, int PerToken, float GateLimit = 7, float GateSlope = 1.702f);

public sealed record LayerSpecification
{
    /// <summary>A token sees itself and the <c>Window - 1</c> tokens before it; all of them when null.</summary>
    public int? Window { get; init; }

    /// <summary>Null where positions are not rotated.</summary>
    public RotarySpecification? Rotary { get; init; }

    /// <summary>Divides the attention scale (GPT-2's option by layer index).</summary>
    public float ScaleDivisor { get; init; } = 1;
}

/// <summary>Rotary position embedding (Su et al. 2021, arXiv 2104.09864), halves rotated against each other as in GPT-NeoX.</summary>
/// <param name="InverseFrequencies">Angle per position of each pair of dimensions.</param>
/// <param name="Magnitude">Cosines and sines are multiplied by this (YaRN).</param>
public sealed record RotarySpecification(float[] InverseFrequencies, float Magnitude = 1);
