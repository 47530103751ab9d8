using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>What an evaluation does.</summary>
public sealed record EvaluationOptions
{
    /// <summary>How many tokens are counted, the first of each context left out; fewer where the texts end before.</summary>
    public long Tokens { get; init; } = 20_000;

    /// <summary>Whether each site is also replaced alone: two more forward passes for each, and one for its reconstruction.</summary>
    public bool EachSite { get; init; } = true;
}

/// <summary>
/// Measures how well a dictionary stands in for the activations that it reconstructs: variance unexplained, sparsity, and what becomes of the model's
/// predictions when the reconstruction is put in their place (Karvonen et al. 2025, "SAEBench", arXiv 2503.09532).
/// </summary>
public static class DictionaryEvaluation
{
    private const int LogitsTogether = 1 << 24;

    /// <exception cref="ArgumentException">The source has no texts.</exception>
    /// <exception cref="InvalidDataException">An activation or a loss is not a number.</exception>
    public static EvaluationTotals Run(Transformer transformer, JudgedDictionary dictionary, ContextSource source, EvaluationOptions options, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        if (options.Tokens < 1) throw new ArgumentException($"The number of tokens is {options.Tokens}; it must be at least 1.");
        List<TokenContext[]> batches = [.. Batches(source, options.Tokens, Math.Clamp(LogitsTogether / transformer.Specification.VocabularySize, 64, 2048))];
        if (batches.Count == 0) throw new ArgumentException($"{source.Name} has no texts of two tokens or more.");
        SpliceCondition[] conditions = [.. Conditions(dictionary, options.EachSite)];
        double steps = batches.Count * (conditions.Length + 1), done = 0;
        void Step() => progress?.Report(++done / steps);

        List<float[]> means = Means(transformer, dictionary, batches, Step, cancellation);
        Splice splice = new(dictionary, means);
        SortedDictionary<long, DocumentTotals> documents = [];
        List<long[]> firings = [.. dictionary.Readers.Select(reader => new long[reader.Latents])];
        long tokens = 0;
        foreach (TokenContext[] batch in batches)
        {
            BatchRows rows = new(batch);
            DocumentTotals[] totals = [.. batch.Select(context => documents.TryGetValue(context.Document, out DocumentTotals? known) ? known : documents[context.Document] = new DocumentTotals(context.Document, dictionary.Sites.Count, conditions.Length))];
            Tensor? own = null;
            for (int i = 0; i < conditions.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                SiteMeasures? measures = i == 0 ? new SiteMeasures(dictionary) : null;
                Tensor logits = transformer.Forward(rows.Sequences, measures?.Hooks ?? splice.Hooks(conditions[i], rows.IsFirst), cancellation: cancellation);
                measures?.Count(rows, totals, means, firings);
                own ??= logits;
                Compare(rows, totals, i, logits, own);
                Step();
            }
            tokens += rows.Count - batch.Length;
        }
        return new EvaluationTotals(dictionary, conditions, [.. documents.Values], firings, tokens);
    }

    private static IEnumerable<SpliceCondition> Conditions(JudgedDictionary dictionary, bool eachSite)
    {
        yield return new SpliceCondition(SpliceKind.None);
        SpliceKind[] kinds = [SpliceKind.Reconstruction, SpliceKind.Zero, SpliceKind.Mean];
        foreach (SpliceKind kind in kinds) yield return new SpliceCondition(kind);
        if (!eachSite || dictionary.Sites.Count < 2) yield break;
        for (int site = 0; site < dictionary.Sites.Count; site++)
            foreach (SpliceKind kind in kinds) yield return new SpliceCondition(kind, site);
    }

    private static IEnumerable<TokenContext[]> Batches(ContextSource source, long tokens, int rowsTogether)
    {
        List<TokenContext> batch = [];
        long planned = 0;
        int rows = 0;
        foreach (TokenContext context in source.Read())
        {
            if (context.Tokens.Length < 3) continue; // the first token is left out, and the last predicts nothing
            batch.Add(context);
            rows += context.Tokens.Length;
            planned += context.Tokens.Length - 1;
            if (rows >= rowsTogether)
            {
                yield return [.. batch];
                batch.Clear();
                rows = 0;
            }
            if (planned >= tokens) break;
        }
        if (batch.Count > 0) yield return [.. batch];
    }

    /// <summary>The mean of each site's activation, the first positions left out.</summary>
    private static List<float[]> Means(Transformer transformer, JudgedDictionary dictionary, List<TokenContext[]> batches, Action step, CancellationToken cancellation)
    {
        double[][] sums = new double[dictionary.Sites.Count][];
        long tokens = 0;
        foreach (TokenContext[] batch in batches)
        {
            BatchRows rows = new(batch);
            ForwardHooks hooks = new();
            for (int i = 0; i < sums.Length; i++)
            {
                int site = i;
                hooks.Add(dictionary.Sites[i].Point, dictionary.Sites[i].Layer, (activation, _) =>
                {
                    double[] sum = sums[site] ??= new double[activation.Columns];
                    for (int row = 0; row < activation.Rows; row++)
                    {
                        if (rows.IsFirst[row]) continue;
                        ReadOnlySpan<float> values = activation.Row(row);
                        for (int j = 0; j < sum.Length; j++) sum[j] += values[j];
                    }
                });
            }
            transformer.Forward(rows.Sequences, hooks, logits: LogitRows.None, cancellation: cancellation);
            tokens += rows.Count - batch.Length;
            step();
        }
        return [.. sums.Select(sum => Array.ConvertAll(sum, value => (float)(value / tokens)))];
    }

    /// <summary>Adds each prediction's loss and its divergence from the model's own.</summary>
    private static void Compare(BatchRows rows, DocumentTotals[] totals, int condition, Tensor logits, Tensor own)
    {
        (double Loss, double Divergence)[] values = new (double, double)[rows.Count];
        WorkerPool.For(rows.Count, row =>
        {
            if (rows.Next[row] is not { } next) return;
            ReadOnlySpan<float> changed = logits.Row(row);
            double normalizer = LogSumExp(changed);
            values[row].Loss = normalizer - changed[next];
            if (condition == 0) return;
            ReadOnlySpan<float> first = own.Row(row);
            double ownNormalizer = LogSumExp(first), divergence = 0;
            for (int token = 0; token < first.Length; token++)
            {
                double logProbability = first[token] - ownNormalizer;
                divergence += Math.Exp(logProbability) * (logProbability - (changed[token] - normalizer));
            }
            values[row].Divergence = divergence;
        });
        for (int row = 0; row < rows.Count; row++)
        {
            if (rows.Next[row] is null) continue;
            DocumentTotals document = totals[rows.Context[row]];
            if (double.IsNaN(values[row].Loss)) throw new InvalidDataException("A prediction is not a number; the model or the dictionary overflows.");
            document.Losses[condition] += values[row].Loss;
            document.Divergences[condition] += Math.Max(0, values[row].Divergence);
            if (condition == 0) document.Predictions++;
        }
    }

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        float largest = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (float logit in logits) sum += Math.Exp(logit - largest);
        return largest + Math.Log(sum);
    }
}
