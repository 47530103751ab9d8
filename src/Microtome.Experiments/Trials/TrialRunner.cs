using System.Collections.Concurrent;
using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>What trials of one prompt share.</summary>
[Flags]
public enum Sharing
{
    /// <summary>Every trial runs by itself and the whole prompt: the plain way, with which the others are compared.</summary>
    None = 0,

    /// <summary>The prompt up to the first position that is changed is run once; trials go on from its keys and values.</summary>
    Prefix = 1,

    /// <summary>The layers below the first that is changed are run once.</summary>
    Layers = 2,

    /// <summary>Several trials are run together.</summary>
    Batch = 4,

    All = Prefix | Layers | Batch,
}

/// <summary>
/// Asks a model one question under many changes, several at once. What no change touches - the prompt before the first changed position, the layers up to the
/// first changed one - is computed once a prompt. May be used by several threads.
/// </summary>
public sealed class TrialRunner(Transformer model, Sharing sharing = Sharing.All)
{
    private const long ForkBytes = 256L << 20;
    private readonly ConcurrentDictionary<(TrialPrompt, int, bool), Lazy<SharedStart>> _starts = [];

    public Transformer Model => model;

    /// <summary>How many trials of a prompt to give to <see cref="Run"/> at once: a number that depends on the model and the prompt alone.</summary>
    public int BatchFor(TrialPrompt prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        if (!sharing.HasFlag(Sharing.Batch)) return 1;
        ModelSpecification specification = model.Specification;
        long row = sizeof(float) * ((long)specification.Layers.Count * 2 * specification.Attention.KeyValueHeads * specification.Attention.HeadWidth + 8L * specification.ModelWidth + 3L * specification.Mlp.Width);
        long one = row * prompt.Tokens.Length * prompt.Options.Tails.Count + sizeof(float) * (long)specification.VocabularySize * 2;
        return (int)Math.Clamp(ForkBytes / Math.Max(1, one), 1, 32);
    }

    /// <summary>The answers under each of the changes.</summary>
    /// <param name="changes">Null for none.</param>
    /// <exception cref="ArgumentException">A change names a layer or latent that the model does not have, or a direction of another width.</exception>
    public IReadOnlyList<AnswerReading> Run(TrialPrompt prompt, IReadOnlyList<Steering?> changes, CancellationToken cancellation = default) => Run(prompt, changes, null, cancellation);

    /// <summary>The same with hooks that run in every trial, after the changes; then nothing is shared.</summary>
    public IReadOnlyList<AnswerReading> Run(TrialPrompt prompt, IReadOnlyList<Steering?> changes, ForwardHooks? more, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(changes);
        if (changes.Count == 0) return [];
        IReadOnlyList<int[]> tails = prompt.Options.Tails;
        int first = more is null ? FirstPosition(prompt, changes) : 0, layer = more is null ? FirstLayer(changes) : -1;
        SharedStart? start = first > 0 || layer >= 0
            ? _starts.GetOrAdd((prompt, first, layer >= 0), key => new Lazy<SharedStart>(() => new SharedStart(model, prompt, first, layer >= 0, cancellation))).Value
            : null;

        int[][] sequences = [.. changes.SelectMany(_ => tails.Select(tail => (int[])[.. prompt.Tokens.AsSpan(first), .. tail]))];
        ForwardHooks hooks = Steering.HooksFor(model.Specification, [.. changes.SelectMany(change => tails.Select(_ => change))]);
        if (more is not null) hooks.Add(more);
        KeyValueCache[]? caches = first > 0 ? start!.Rent(sequences.Length) : null;
        try
        {
            StreamState? from = layer >= 0 ? start!.StreamAfter(layer, changes.Count) : null;
            Tensor stream = model.Forward(sequences, hooks, caches, LogitRows.None, from, cancellation);
            return Read(prompt, first, changes.Count, stream);
        }
        finally
        {
            if (caches is not null) start!.Return(caches);
        }
    }

    /// <summary>The first position that any change touches; the one before the answer's at the latest, because the product of a single row is summed in another order.</summary>
    private int FirstPosition(TrialPrompt prompt, IReadOnlyList<Steering?> changes) =>
        !sharing.HasFlag(Sharing.Prefix) ? 0
        : changes.SelectMany(change => change?.Edits ?? []).Select(edit => edit.Positions.First).Append(Math.Max(0, prompt.AnswerPosition - 1)).Min();

    /// <summary>The first layer after which anything is added; -1 where something else is changed, too.</summary>
    private int FirstLayer(IReadOnlyList<Steering?> changes)
    {
        if (!sharing.HasFlag(Sharing.Layers)) return -1;
        SteeringEdit[] edits = [.. changes.SelectMany(change => change?.Edits ?? [])];
        return Array.TrueForAll(edits, edit => edit is Addition) ? edits.Select(edit => ((Addition)edit).Layer).Append(model.Specification.Layers.Count - 1).Min() : -1;
    }

    /// <param name="stream">Normalised [rows, width]: of each change, of each tail, the tokens from <paramref name="first"/> on.</param>
    private AnswerReading[] Read(TrialPrompt prompt, int first, int changes, Tensor stream)
    {
        IReadOnlyList<int[]> tails = prompt.Options.Tails;
        int own = prompt.Tokens.Length - first, perChange = tails.Sum(tail => own + tail.Length);
        // The rows to read: after the prompt, and after each token of each tail.
        List<(int Row, int Tail, int Depth)> places = [(own - 1, 0, 0)];
        for (int tail = 0, offset = 0; tail < tails.Count; offset += own + tails[tail++].Length)
            for (int depth = 1; depth <= tails[tail].Length; depth++) places.Add((offset + own - 1 + depth, tail, depth));

        Tensor gathered = new(Math.Max(2, changes * places.Count), stream.Columns); // two at least: see FirstPosition
        for (int change = 0; change < changes; change++)
            for (int i = 0; i < places.Count; i++) stream.Row(change * perChange + places[i].Row).CopyTo(gathered.Row(change * places.Count + i));
        Tensor logits = model.Unembed(gathered);

        AnswerReading[] readings = new AnswerReading[changes];
        for (int change = 0; change < changes; change++)
        {
            int from = change * places.Count;
            double[] normalizers = [.. Enumerable.Range(from, places.Count).Select(row => LogSumExp(logits.Row(row)))];
            double LogProbability(ReadOnlyMemory<int> before, int token)
            {
                int place = before.Length == 0 ? 0 : places.FindIndex(place => place.Depth == before.Length && tails[place.Tail].AsSpan().StartsWith(before.Span));
                return logits.Row(from + place)[token] - normalizers[place];
            }
            double[] options = prompt.Options.Read(LogProbability);
            readings[change] = Describe(prompt, logits.Row(from), normalizers[0], options, Array.TrueForAll(normalizers, double.IsFinite));
        }
        return readings;
    }

    private static AnswerReading Describe(TrialPrompt prompt, ReadOnlySpan<float> logits, double normalizer, double[] options, bool isFinite)
    {
        if (!isFinite || !Array.TrueForAll(options, value => !double.IsNaN(value)))
            return new AnswerReading([.. options.Select(_ => double.NaN)], -1, double.NaN, double.NaN, AnswerReading.NotANumber);
        double entropy = 0;
        foreach (float logit in logits)
        {
            double log = logit - normalizer;
            if (log > -50) entropy -= Math.Exp(log) * log;
        }
        int top = TensorPrimitives.IndexOfMax(logits);
        double probability = Math.Exp(logits[top] - normalizer);
        string status = probability > AnswerReading.CollapsedAt && !prompt.Options.FirstTokens.Contains(top) ? "broken: the next token is certain and no answer" : CellResult.Fine;
        return new AnswerReading(options, top, probability, entropy, status);
    }

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        float largest = TensorPrimitives.Max(logits);
        if (!float.IsFinite(largest)) return double.NaN;
        double sum = 0;
        foreach (float logit in logits) sum += Math.Exp(logit - largest);
        return largest + Math.Log(sum);
    }
}
