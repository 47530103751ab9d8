using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>The phases of an attribution, in order.</summary>
public enum AttributionPhase
{
    /// <summary>One forward pass.</summary>
    Forward,

    /// <summary>Features and errors of every layer.</summary>
    Features,

    /// <summary>Rows of the targets.</summary>
    Targets,

    /// <summary>Rows of features.</summary>
    Rows,
}

/// <param name="Fraction">Of the phase, from 0 to 1.</param>
/// <param name="Plan">What the rows will need; given once, when their computation begins.</param>
public readonly record struct AttributionProgress(AttributionPhase Phase, double Fraction, AttributionPlan? Plan = null);

/// <summary>
/// Computes attribution graphs: for the targets and the chosen features, the linear effect of every active feature, error and token on
/// it in the prompt's local replacement model (Ameisen et al. 2025, "Circuit Tracing: Revealing Computational Graphs in Language Models").
/// </summary>
public static class Attributor
{
    /// <param name="tokens">The prompt, with its beginning-of-text token.</param>
    /// <param name="textOf">A token's text.</param>
    /// <exception cref="ArgumentException">The prompt is empty or longer than the context, an option is out of range, or the graph does not fit into memory.</exception>
    public static AttributionGraph Attribute(
        ReplacementModel model, int[] tokens, AttributionOptions options, Func<int, string> textOf, IProgress<AttributionProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        options = options with { BatchSize = LargestBatch(model.Specification, tokens.Length, options) };
        void Report(AttributionPhase phase, double fraction, AttributionPlan? plan = null) => progress?.Report(new AttributionProgress(phase, fraction, plan));

        Report(AttributionPhase.Forward, 0);
        LocalReplacement local = LocalReplacement.Build(model, tokens, options.Steering, new Reporter(fraction => Report(AttributionPhase.Features, fraction)), cancellation);
        (GraphTarget[] targets, Tensor vectors) = LogitTargets.Choose(model.Transformer, local.Logits, options, textOf);

        AttributionPlan plan = AttributionPlan.For(local, targets.Length, options);
        plan.CheckFits(AttributionOptions.AvailableBytes());
        Report(AttributionPhase.Targets, 0, plan);

        int features = Math.Min(options.MaximumFeatures ?? int.MaxValue, local.Features.Count);
        Tensor edges = new(features + targets.Length, local.Sources); // rows in the order in which they are computed: targets first
        RowComputation computation = new(local, LeadingTokens.For(local, edges.Rows, cancellation), cancellation);

        computation.Targets(vectors, edges.AsMatrix().RowRange(0, targets.Length), options.BatchSize);

        Report(AttributionPhase.Rows, 0);
        List<int> chosen = [];
        while (chosen.Count < features)
        {
            int[] round = NextRound(local, edges, targets, chosen, features, options);
            for (int start = 0; start < round.Length; start += options.BatchSize)
            {
                int[] batch = round[start..Math.Min(round.Length, start + options.BatchSize)];
                computation.Features(batch, edges.AsMatrix().RowRange(targets.Length + chosen.Count, batch.Length));
                chosen.AddRange(batch);
                Report(AttributionPhase.Rows, (double)chosen.Count / features);
            }
        }
        return AttributionGraph.Package(local, targets, edges, chosen, textOf);
    }

    /// <summary>The batch that is asked for, or as much of it as its gradients have room for.</summary>
    /// <exception cref="ArgumentException">Not even the prompt's attention patterns have.</exception>
    private static int LargestBatch(ModelSpecification model, int positions, AttributionOptions options)
    {
        if ((long)model.Attention.Heads * positions * positions > Tensor.MaximumLength)
            throw new ArgumentException($"The prompt has {positions:N0} tokens; the attention patterns of {model.Attention.Heads} heads are kept for {(int)Math.Sqrt(Tensor.MaximumLength / model.Attention.Heads):N0} at most.");
        return (int)Math.Clamp(Tensor.MaximumLength / Math.Max(1, (long)positions * model.ModelWidth), 1, options.BatchSize);
    }

    /// <summary>The features whose rows come next: all of them, or those with the most influence on the targets given the rows known so far. Sorted by layer and position, highest first.</summary>
    private static int[] NextRound(LocalReplacement local, Tensor edges, GraphTarget[] targets, List<int> chosen, int features, AttributionOptions options)
    {
        int[] round;
        if (features == local.Features.Count) round = [.. Enumerable.Range(0, features)];
        else
        {
            double[] influence = Influence.OfKnownRows(edges, targets, chosen, local);
            HashSet<int> known = [.. chosen];
            int size = (int)Math.Min((long)options.BatchSize * options.BatchesPerRound, features - chosen.Count);
            round = [.. Enumerable.Range(0, local.Features.Count).Where(feature => !known.Contains(feature)).OrderByDescending(feature => influence[feature]).Take(size)];
        }
        Array.Sort(round, (a, b) => b.CompareTo(a)); // features are numbered by layer, then position
        return round;
    }

    private sealed class Reporter(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}

/// <summary>Rows of the graph: a batch of readings, pulled back.</summary>
internal sealed class RowComputation(LocalReplacement local, LeadingTokens leading, CancellationToken cancellation)
{
    private readonly BackwardWalk _walk = new(local, leading);

    /// <param name="vectors">What each target reads the normalised stream with [targets, width].</param>
    /// <param name="rows">[targets, sources]</param>
    public void Targets(Tensor vectors, Matrix rows, int batchSize)
    {
        for (int start = 0; start < rows.Rows; start += batchSize)
        {
            int count = Math.Min(batchSize, rows.Rows - start);
            Tensor readings = Tensor.From(vectors.Span.Slice(start * vectors.Columns, count * vectors.Columns), count, vectors.Columns);
            float[] denominators = new float[count];
            Array.Fill(denominators, local.FinalDenominators.Span[local.Positions - 1]);
            local.Model.Transformer.Weights.FinalNorm.Pull(readings.AsMatrix(), denominators);
            ReadingTarget[] targets = new ReadingTarget[count];
            Array.Fill(targets, new ReadingTarget(local.Layers, local.Positions - 1));
            _walk.Pull(targets, readings.AsMatrix(), rows.RowRange(start, count), cancellation);
        }
    }

    /// <param name="features">Indices of features, descending.</param>
    /// <param name="rows">[features, sources]</param>
    public void Features(int[] features, Matrix rows)
    {
        IReadOnlyList<Transcoder> transcoders = local.Model.Transcoders.Layers;
        Tensor readings = Tensor.Uninitialized(features.Length, local.Model.Specification.ModelWidth);
        ReadingTarget[] targets = new ReadingTarget[features.Length];
        Span<float> denominator = stackalloc float[1];
        for (int i = 0; i < features.Length; i++)
        {
            FeatureNode node = local.Features[features[i]];
            targets[i] = new ReadingTarget(node.Layer, node.Position);
            transcoders[node.Layer].Encoder.CopyRow(node.Feature, readings.Row(i));
            denominator[0] = local.MlpDenominators[node.Layer]?.Span[node.Position] ?? 1;
            local.Model.PullInput(node.Layer, readings.AsMatrix().RowRange(i, 1), denominator);
        }
        _walk.Pull(targets, readings.AsMatrix(), rows, cancellation);
    }
}
