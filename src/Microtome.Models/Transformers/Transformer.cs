using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>Which rows of logits a forward pass computes.</summary>
public enum LogitRows
{
    /// <summary>One for each token.</summary>
    All,

    /// <summary>One for each sequence: its last token's.</summary>
    Last,

    /// <summary>None; the result is the normalised stream.</summary>
    None,
}

/// <summary>
/// A decoder-only transformer. One forward pass runs every family; what differs between them is in the specification. All
/// activations are float32; weights are read as they are stored.
/// </summary>
public sealed class Transformer
{
    private readonly AttentionSpecification _attention;

    /// <exception cref="InvalidDataException">A tensor is missing or of another shape than the configuration asks for.</exception>
    public Transformer(Checkpoint checkpoint)
    {
        Specification = checkpoint.Specification;
        Weights = TransformerWeights.Load(checkpoint);
        _attention = Specification.Attention;
    }

    public ModelSpecification Specification { get; }

    public TransformerWeights Weights { get; }

    /// <summary>Runs one sequence.</summary>
    /// <inheritdoc cref="Forward(IReadOnlyList{int[]}, ForwardHooks?, IReadOnlyList{KeyValueCache}?, LogitRows, StreamState?, CancellationToken)"/>
    public Tensor Forward(int[] tokens, ForwardHooks? hooks = null, KeyValueCache? cache = null, LogitRows logits = LogitRows.All, CancellationToken cancellation = default) =>
        Forward([tokens], hooks, cache is null ? null : [cache], logits, null, cancellation);

    /// <summary>Runs sequences together.</summary>
    /// <param name="sequences">Token ids; where there are caches, of the tokens that follow those held.</param>
    /// <param name="caches">One for each sequence, extended by its tokens.</param>
    /// <param name="from">Where to go on: the layers up to its own are not run, and caches, which have none of their keys and values, are not extended.</param>
    /// <returns>Logits [rows, vocabulary], after any soft cap; for <see cref="LogitRows.None"/> the stream after the final norm [rows, width].</returns>
    /// <exception cref="ArgumentException">A sequence is empty, longer than the context, or has a token outside the vocabulary; or the stream to go on from has another shape.</exception>
    public Tensor Forward(IReadOnlyList<int[]> sequences, ForwardHooks? hooks = null, IReadOnlyList<KeyValueCache>? caches = null, LogitRows logits = LogitRows.All, StreamState? from = null, CancellationToken cancellation = default)
    {
        TokenBatch batch = new(Specification, sequences, caches);
        HookRunner run = new(hooks, batch);

        Tensor stream = from is null ? Embed(batch, run) : GoOn(from, batch, run); // [rows, width]
        for (int layer = from is null ? 0 : from.Layer + 1; layer < Weights.Layers.Count; layer++)
        {
            cancellation.ThrowIfCancellationRequested();
            ResidentMemory.Trim();
            LayerWeights weights = Weights.Layers[layer];
            run.Run(HookPoint.ResidPre, layer, stream);

            Tensor attended = Attend(Normalize(stream, weights.NormBeforeAttention, HookPoint.AttentionNormScale, HookPoint.AttentionNormalized, layer, run), weights, layer, batch, run);
            attended = Normalize(attended, weights.NormAfterAttention, HookPoint.AttentionPostNormScale, null, layer, run);
            run.Run(HookPoint.AttentionOut, layer, attended);

            Tensor middle = Add(stream, attended);
            if (!Specification.ParallelResidual) run.Run(HookPoint.ResidMid, layer, middle);

            Tensor mlpIn = Normalize(Specification.ParallelResidual ? stream : middle, weights.NormBeforeMlp, HookPoint.MlpNormScale, HookPoint.MlpNormalized, layer, run);
            if (ReferenceEquals(mlpIn, middle)) mlpIn = middle.Clone(); // a hook may change what the MLP reads, not the stream
            run.Run(HookPoint.MlpIn, layer, mlpIn);
            Tensor mlpOut = weights.Mlp.Apply(mlpIn, run, layer);
            run.Run(HookPoint.MlpRawOut, layer, mlpOut);
            mlpOut = Normalize(mlpOut, weights.NormAfterMlp, HookPoint.MlpPostNormScale, null, layer, run);
            run.Run(HookPoint.MlpOut, layer, mlpOut);

            stream = Add(middle, mlpOut);
            run.Run(HookPoint.ResidPost, layer, stream);
        }

        if (caches is not null && from is null)
            foreach (TokenSpan sequence in batch.Sequences) sequence.Cache!.Length += sequence.Length;
        stream = Normalize(stream, Weights.FinalNorm, HookPoint.FinalNormScale, HookPoint.FinalNormalized, 0, run);
        run.Run(HookPoint.UnembedIn, 0, stream);
        return logits == LogitRows.None ? stream : Unembed(logits == LogitRows.All ? stream : LastRows(stream, batch));
    }

    private Tensor GoOn(StreamState from, TokenBatch batch, HookRunner run)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)from.Layer, (uint)Weights.Layers.Count, nameof(from));
        if (from.Stream.Rows != batch.Rows || from.Stream.Columns != Specification.ModelWidth)
            throw new ArgumentException($"A stream of [{from.Stream.Rows}, {from.Stream.Columns}] is not that of {batch.Rows} tokens at width {Specification.ModelWidth}.", nameof(from));
        run.Run(HookPoint.ResidPost, from.Layer, from.Stream);
        return from.Stream;
    }

    /// <summary>The stream's first value: token embeddings, scaled, and positions.</summary>
    private Tensor Embed(TokenBatch batch, HookRunner run)
    {
        Tensor stream = TokenEmbeddings(batch.Tokens);
        run.Run(HookPoint.Embed, 0, stream);
        if (Weights.Positions is { } learned)
        {
            Tensor positions = Tensor.Uninitialized(batch.Rows, Specification.ModelWidth);
            for (int row = 0; row < batch.Rows; row++) learned.Row(batch.Positions[row]).CopyTo(positions.Row(row));
            run.Run(HookPoint.PositionEmbed, 0, positions);
            stream = Add(stream, positions);
        }
        return stream;
    }

    /// <summary>The embeddings of tokens as they enter the stream [tokens, width].</summary>
    public Tensor TokenEmbeddings(ReadOnlySpan<int> tokens)
    {
        MatrixView embedding = Weights.Embedding.AsMatrix();
        Tensor result = Tensor.Uninitialized(tokens.Length, Specification.ModelWidth);
        for (int row = 0; row < tokens.Length; row++) embedding.CopyRow(tokens[row], result.Row(row));
        if (Specification.EmbeddingScale != 1) TensorPrimitives.Multiply(result.Span, Specification.EmbeddingScale, result.Span);
        return result;
    }

    /// <summary>A normalised copy; the value itself where there is no norm.</summary>
    private static Tensor Normalize(Tensor x, Normalization? norm, HookPoint scalePoint, HookPoint? normalizedPoint, int layer, HookRunner run)
    {
        if (norm is null) return x;
        Tensor y = Tensor.Uninitialized(x.Rows, x.Columns);
        norm.Center(x.AsMatrix(), y.AsMatrix());
        Tensor denominators = Tensor.Uninitialized(x.Rows, 1);
        norm.Denominators(y.AsMatrix(), denominators.Span);
        run.Run(scalePoint, layer, denominators);
        for (int row = 0; row < y.Rows; row++) TensorPrimitives.Divide(y.Row(row), denominators.Span[row], y.Row(row));
        if (normalizedPoint is { } before && !norm.NormalizedIsAffine) run.Run(before, layer, y);
        norm.Affine(y.AsMatrix());
        if (normalizedPoint is { } after && norm.NormalizedIsAffine) run.Run(after, layer, y);
        return y;
    }

    /// <param name="x">[rows, width]</param>
    /// <returns>[rows, width]</returns>
    private Tensor Attend(Tensor x, LayerWeights weights, int layer, TokenBatch batch, HookRunner run)
    {
        LayerSpecification specification = Specification.Layers[layer];
        Tensor query = weights.Query.Apply(x); // [rows, heads · head width]
        Tensor key = weights.Key.Apply(x);     // [rows, key-value heads · head width]
        Tensor value = weights.Value.Apply(x); // [rows, key-value heads · head width]
        NormalizeHeads(query, weights.QueryNorm);
        NormalizeHeads(key, weights.KeyNorm);
        run.Run(HookPoint.Query, layer, query);
        run.Run(HookPoint.Key, layer, key);
        run.Run(HookPoint.Value, layer, value);
        if (specification.Rotary is { } rotary)
        {
            RotaryEmbedding.Rotate(query, _attention.HeadWidth, batch.Positions, rotary);
            RotaryEmbedding.Rotate(key, _attention.HeadWidth, batch.Positions, rotary);
            run.Run(HookPoint.RotatedQuery, layer, query);
            run.Run(HookPoint.RotatedKey, layer, key);
        }

        Tensor heads = Tensor.Uninitialized(batch.Rows, _attention.Heads * _attention.HeadWidth);
        foreach (TokenSpan sequence in batch.Sequences)
        {
            Matrix keys = key.AsMatrix().RowRange(sequence.Start, sequence.Length), values = value.AsMatrix().RowRange(sequence.Start, sequence.Length);
            if (sequence.Cache is { } cache) (keys, values) = cache.Append(layer, keys, values);
            Mix(query.AsMatrix().RowRange(sequence.Start, sequence.Length), keys, values, heads.AsMatrix().RowRange(sequence.Start, sequence.Length), weights.Sinks, layer, sequence, run);
        }
        run.Run(HookPoint.HeadOutput, layer, heads);
        return weights.Output.Apply(heads);
    }

    /// <summary>Attention of one sequence: every head's softmax over scores, times the values.</summary>
    /// <param name="queries">[queries, heads · head width]</param>
    /// <param name="keys">[keys, key-value heads · head width]; the last are the queries' own</param>
    /// <param name="output">[queries, heads · head width]</param>
    private void Mix(Matrix queries, Matrix keys, Matrix values, Matrix output, Tensor? sinks, int layer, TokenSpan sequence, HookRunner run)
    {
        // Hooks see all heads' patterns at once; without them a block of queries at a time is enough.
        bool whole = run.Has(HookPoint.AttentionScores, layer) || run.Has(HookPoint.AttentionPattern, layer);
        int block = whole ? queries.Rows : Math.Min(queries.Rows, 256);
        LayerSpecification specification = Specification.Layers[layer];
        float scale = _attention.Scale / specification.ScaleDivisor;
        int width = _attention.HeadWidth;
        Tensor patterns = Tensor.Uninitialized(_attention.Heads, block, keys.Rows);
        for (int start = 0; start < queries.Rows; start += block)
        {
            int first = start, count = Math.Min(block, queries.Rows - start);
            WorkerPool.For(_attention.Heads, head =>
            {
                int shared = head / _attention.GroupSize * width;
                Matrix scores = patterns.Slice(head).RowRange(0, count);
                MatrixProduct.Multiply(queries.RowRange(first, count).ColumnRange(head * width, width), keys.ColumnRange(shared, width).T, scores);
                for (int row = 0; row < count; row++) Score(scores.Row(row), sequence.Past + first + row, scale, specification.Window);
            });
            if (whole) run.Run(HookPoint.AttentionScores, layer, patterns, sequence.Index);
            WorkerPool.For(_attention.Heads, head =>
            {
                Matrix scores = patterns.Slice(head).RowRange(0, count);
                for (int row = 0; row < count; row++) Softmax(scores.Row(row), sinks?.Span[head]);
            });
            if (whole) run.Run(HookPoint.AttentionPattern, layer, patterns, sequence.Index);
            WorkerPool.For(_attention.Heads, head =>
            {
                int shared = head / _attention.GroupSize * width;
                MatrixProduct.Multiply(patterns.Slice(head).RowRange(0, count), values.ColumnRange(shared, width), output.RowRange(first, count).ColumnRange(head * width, width));
            });
        }
    }

    /// <summary>Scales, caps and masks the scores of the query at <paramref name="position"/>.</summary>
    private void Score(Span<float> scores, int position, float scale, int? window)
    {
        int end = position + 1, begin = window is { } w ? Math.Max(0, end - w) : 0;
        Span<float> seen = scores[begin..end];
        TensorPrimitives.Multiply(seen, scale, seen);
        if (_attention.SoftCap is { } cap) SoftCap(seen, cap);
        scores[..begin].Fill(float.NegativeInfinity);
        scores[end..].Fill(float.NegativeInfinity);
    }

    private static void Softmax(Span<float> scores, float? sink)
    {
        float largest = Math.Max(TensorPrimitives.Max<float>(scores), sink ?? float.NegativeInfinity);
        TensorPrimitives.Subtract(scores, largest, scores);
        TensorPrimitives.Exp<float>(scores, scores);
        float sum = TensorPrimitives.Sum<float>(scores) + (sink is { } value ? MathF.Exp(value - largest) : 0);
        TensorPrimitives.Divide(scores, sum, scores);
    }

    private static unsafe void NormalizeHeads(Tensor x, Normalization? norm)
    {
        if (norm is null) return;
        norm.Apply(new Matrix(x.Pointer, x.Length / norm.Width, norm.Width, norm.Width, x));
    }

    /// <summary>The logits of rows of the stream after the final norm, after any soft cap.</summary>
    /// <param name="stream">[rows, width]</param>
    /// <returns>[rows, vocabulary]</returns>
    public Tensor Unembed(Tensor stream)
    {
        Tensor logits = Weights.Unembedding.Apply(stream);
        if (Specification.LogitSoftCap is { } cap) SoftCap(logits.Span, cap);
        return logits;
    }

    private static Tensor LastRows(Tensor stream, TokenBatch batch)
    {
        Tensor last = Tensor.Uninitialized(batch.Sequences.Count, stream.Columns);
        foreach (TokenSpan sequence in batch.Sequences) stream.Row(sequence.Start + sequence.Length - 1).CopyTo(last.Row(sequence.Index));
        return last;
    }

    private static void SoftCap(Span<float> values, float cap)
    {
        TensorPrimitives.Divide(values, cap, values);
        TensorPrimitives.Tanh<float>(values, values);
        TensorPrimitives.Multiply(values, cap, values);
    }

    private static Tensor Add(Tensor x, Tensor y)
    {
        Tensor sum = Tensor.Uninitialized(x.Rows, x.Columns);
        TensorPrimitives.Add(x.Span, y.Span, sum.Span);
        return sum;
    }
}
