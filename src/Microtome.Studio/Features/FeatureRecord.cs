namespace Microtome.Studio.Features;

/// <summary>Tokens around one at which a feature is active.</summary>
/// <param name="Interval">0 for the strongest; else the interval of its range that it was sampled from.</param>
/// <param name="From">The interval's lower bound.</param>
/// <param name="Tokens">Texts, never HTML.</param>
/// <param name="Activations">At each token.</param>
/// <param name="Peak">The token that was chosen for its activation.</param>
public sealed record ExampleRecord(int Interval, double From, double To, IReadOnlyList<string> Tokens, IReadOnlyList<float> Activations, int Peak);

/// <param name="Count">How many examples there are.</param>
public sealed record IntervalRecord(int Interval, string Name, double From, double To, int Count);

/// <param name="Edges">One more than counts.</param>
public sealed record HistogramRecord(IReadOnlyList<double> Edges, IReadOnlyList<long> Counts);

/// <param name="Token">The token's id; null where the source names its text only.</param>
/// <param name="Logit">What one unit of activation adds to its logit, over the mean of all; null where the source does not say.</param>
public sealed record PromotedToken(int? Token, string Text, float? Logit);

public sealed record FiringRecord(int Position, string Text, float Activation);

/// <summary>What is known of a feature. What comes from an index is null or empty without one.</summary>
/// <param name="LabelSource">user, file or null.</param>
/// <param name="Density">The share of tokens at which it was active.</param>
/// <param name="Maximum">The largest activation that was seen.</param>
/// <param name="TokensSeen">How many tokens were looked at.</param>
/// <param name="Here">Where it is active in the trace's prompt.</param>
public sealed record FeatureRecord(
    string Dictionary, string? Model, int Layer, int Feature, string? Label, string? LabelSource, bool Indexed, long? Firings, double? Density, float? Maximum, double? Mean, long? TokensSeen,
    IReadOnlyList<ExampleRecord> Examples, IReadOnlyList<IntervalRecord> Intervals, HistogramRecord? Histogram, IReadOnlyList<PromotedToken> Promoted, IReadOnlyList<PromotedToken> Suppressed,
    IReadOnlyList<FiringRecord> Here);

public sealed record NeighbourRecord(int Layer, int Feature, float Cosine, string? Label);

public sealed record NeighbourList(IReadOnlyList<NeighbourRecord> Neighbours);

/// <summary>A feature in a list.</summary>
/// <param name="Promoted">The tokens that it promotes most.</param>
public sealed record FoundFeature(int Layer, int Feature, string? Label, float Maximum, double? Density, IReadOnlyList<string> Promoted);

public sealed record FoundFeatures(IReadOnlyList<FoundFeature> Features);

/// <param name="Tokens">How many tokens to read.</param>
public sealed record IndexRequest(long Tokens = 100_000);
