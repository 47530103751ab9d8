namespace Microtome.Dictionaries;

/// <summary>What is known of a feature: when it is active, how strongly, and what it does to the next token.</summary>
public sealed record FeatureData
{
    public required int Layer { get; init; }

    public required int Feature { get; init; }

    /// <summary>What people or other programs call it.</summary>
    public string? Label { get; init; }

    /// <summary>At how many tokens it was active; null where the source does not say.</summary>
    public long? Firings { get; init; }

    /// <summary>The share of tokens at which it was active; null where the source does not say.</summary>
    public double? Density { get; init; }

    /// <summary>The smallest activation that was seen, those of zero left out; 0 where none was.</summary>
    public float Minimum { get; init; }

    /// <summary>The largest activation that was seen; 0 where none was.</summary>
    public float Maximum { get; init; }

    /// <summary>The mean of the activations that are not zero; null where the source does not say.</summary>
    public double? Mean { get; init; }

    /// <summary>How often which activation was seen, those of zero left out; null where the source does not say.</summary>
    public ActivationHistogram? Histogram { get; init; }

    /// <summary>The contexts with the strongest activations, strongest first, no two alike.</summary>
    public IReadOnlyList<FeatureExample> Strongest { get; init; } = [];

    /// <summary>Samples from intervals of its range, the highest interval first.</summary>
    public IReadOnlyList<FeatureInterval> Intervals { get; init; } = [];

    /// <summary>The tokens whose logits it raises most, by its decoder row through the unembedding, most first.</summary>
    public IReadOnlyList<TokenEffect> Promoted { get; init; } = [];

    /// <summary>The tokens whose logits it lowers most, most first.</summary>
    public IReadOnlyList<TokenEffect> Suppressed { get; init; } = [];
}

/// <summary>A token and how much one unit of a feature's activation changes its logit, against the mean of all tokens; null where the source does not say.</summary>
public readonly record struct TokenEffect(string Token, float? Effect);

/// <summary>Tokens around one at which a feature is active.</summary>
/// <param name="Tokens">Their texts.</param>
/// <param name="Activations">The feature's activation at each of the tokens.</param>
/// <param name="Peak">Which of the tokens was chosen for its activation.</param>
public sealed record FeatureExample(IReadOnlyList<string> Tokens, IReadOnlyList<float> Activations, int Peak)
{
    /// <summary>The activation at the peak.</summary>
    public float Value => Activations[Peak];

    /// <summary>Whether the text is a repetition of another's, where the source marks that.</summary>
    public bool IsRepeated { get; init; }
}

/// <summary>Examples whose peaks lie in one part of a feature's range.</summary>
/// <param name="From">The interval's lower bound, null where the source does not say.</param>
/// <param name="To">The interval's upper bound, null where the source does not say.</param>
public sealed record FeatureInterval(string Name, double? From, double? To, IReadOnlyList<FeatureExample> Examples);

/// <summary>Counts of activations in bins of equal width.</summary>
/// <param name="From">Where the first bin begins.</param>
/// <param name="BinWidth">The width of each.</param>
/// <param name="Counts">Of each bin; a value on a boundary belongs to the higher one.</param>
public sealed record ActivationHistogram(double From, double BinWidth, IReadOnlyList<long> Counts);

/// <summary>A feature in a list: enough to recognise it.</summary>
/// <param name="Promoted">The texts of the tokens it promotes most.</param>
public sealed record FeatureSummary(int Layer, int Feature, string? Label, float Maximum, double? Density, IReadOnlyList<string> Promoted);

/// <summary>How active the features of a layer are.</summary>
/// <param name="Active">How many were active at least once.</param>
/// <param name="PerToken">How many are active at a token, on average.</param>
/// <param name="Dense">How many are active at more than a tenth of all tokens.</param>
public sealed record LayerActivity(int Layer, int Features, long Active, double PerToken, long Dense);
