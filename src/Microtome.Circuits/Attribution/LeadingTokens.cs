using System.Numerics.Tensors;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>
/// What the tokens at a prompt's dropped positions write to the stream, everywhere. At these positions stands no source but the token, so that
/// for many targets it is cheaper to push the token up once, through attention with frozen patterns and the transcoders' skip connections, and
/// to read the stream off wherever a target reads it, than to pull every target's gradient down to these positions.
/// </summary>
internal sealed class LeadingTokens
{
    private readonly LocalReplacement _local;
    private readonly Tensor[,] _streams; // for each token and layer what reaches the stream where targets of the layer read it [positions, width]

    /// <param name="count">Positions without a source other than the token, from 0 on; fewer than all.</param>
    internal LeadingTokens(LocalReplacement local, int count, CancellationToken cancellation)
    {
        _local = local;
        Count = count;
        _streams = new Tensor[count, local.Layers + 1];
        if (count > 0) Push(cancellation);
    }

    /// <summary>How many they are, from position 0 on.</summary>
    public int Count { get; }

    /// <summary>The tokens for which pushing costs less than pulling so many rows.</summary>
    public static LeadingTokens For(LocalReplacement local, int rows, CancellationToken cancellation) => new(local, CountOf(local, rows), cancellation);

    /// <summary>The numbers that are held for so many rows.</summary>
    public static long SizeOf(LocalReplacement local, int rows) => (long)CountOf(local, rows) * (local.Layers + 1) * local.Positions * local.Model.Specification.ModelWidth;

    private static int CountOf(LocalReplacement local, int rows)
    {
        int dropped = local.Model.DroppedPositions(local.Tokens);
        bool hasOtherSources = local.Injected?.Nodes.Any(node => node.Position < dropped) == true;
        bool pays = rows > 2 * local.Positions; // a token passes all layers at all positions; a row on average half of them at one
        return pays && !hasOtherSources && dropped < local.Positions ? dropped : 0;
    }

    /// <summary>Adds the tokens' effects on a batch's targets to its rows.</summary>
    /// <param name="readings">[targets, width]</param>
    /// <param name="rows">[targets, sources]</param>
    public void Read(ReadingTarget[] targets, Matrix readings, Matrix rows) =>
        WorkerPool.For(targets.Length, row =>
        {
            for (int token = 0; token < Count; token++)
                rows.Row(row)[_local.ErrorSource(_local.Layers, token)] = TensorPrimitives.Dot(readings.Row(row), _streams[token, targets[row].Layer].Row(targets[row].Position));
        });

    private void Push(CancellationToken cancellation)
    {
        ModelSpecification model = _local.Model.Specification;
        Tensor[] streams = [.. Enumerable.Range(0, Count).Select(_ => new Tensor(_local.Positions, model.ModelWidth))];
        for (int token = 0; token < Count; token++) _local.Embeddings.Row(token).CopyTo(streams[token].Row(token));
        for (int layer = 0; layer < _local.Layers; layer++)
        {
            cancellation.ThrowIfCancellationRequested();
            ResidentMemory.Trim();
            PatternMixing mixing = new(_local.Patterns[layer], denominators: null, model.Attention, model.Layers[layer].Window);
            for (int token = 0; token < Count; token++)
            {
                Tensor below = streams[token], stream = below.Clone();
                TensorPrimitives.Add(stream.Span, Attended(layer, mixing, below).Span, stream.Span);
                Tensor read = _streams[token, layer] = model.ParallelResidual ? below : stream;
                if (Skipped(layer, read) is { } skipped)
                {
                    if (read == stream) stream = stream.Clone();
                    TensorPrimitives.Add(stream.Span, skipped.Span, stream.Span);
                }
                streams[token] = stream;
            }
        }
        for (int token = 0; token < Count; token++) _streams[token, _local.Layers] = streams[token];
    }

    /// <summary>Σ_h P_h (norm1 x) W_V W_O, through a norm that may follow</summary>
    /// <param name="mixing">P</param>
    private Tensor Attended(int layer, PatternMixing mixing, Tensor stream)
    {
        LayerWeights weights = _local.Model.Transformer.Weights.Layers[layer];
        AttentionSpecification attention = _local.Model.Specification.Attention;
        Tensor input = stream;
        if (weights.NormBeforeAttention is { } norm) norm.Push((input = stream.Clone()).AsMatrix(), _local.AttentionDenominators[layer]!.Span);
        Tensor values = Tensor.Uninitialized(_local.Positions, attention.KeyValueHeads * attention.HeadWidth), heads = Tensor.Uninitialized(_local.Positions, attention.Heads * attention.HeadWidth);
        MatrixProduct.Multiply(input.AsMatrix(), weights.Value.Weight, values.AsMatrix());
        mixing.Push(values.AsMatrix(), heads.AsMatrix());
        Tensor written = Tensor.Uninitialized(_local.Positions, stream.Columns);
        MatrixProduct.Multiply(heads.AsMatrix(), weights.Output.Weight, written.AsMatrix());
        weights.NormAfterAttention?.Push(written.AsMatrix(), _local.AttentionPostDenominators[layer]!.Span);
        return written;
    }

    /// <summary>(norm2 x) W_skip, through a norm that may follow; none where transcoders have no skip connection.</summary>
    private Tensor? Skipped(int layer, Tensor stream)
    {
        ReplacementModel model = _local.Model;
        if (model.Transcoders.Layers[layer].Skip is not { } skip) return null;
        Tensor input = stream.Clone(), written = Tensor.Uninitialized(stream.Rows, stream.Columns);
        model.PushInput(layer, input.AsMatrix(), _local.MlpDenominators[layer] is { } denominators ? denominators.Span : []);
        MatrixProduct.Multiply(input.AsMatrix(), skip, written.AsMatrix());
        model.NormAfterOutput(layer)?.Push(written.AsMatrix(), _local.MlpPostDenominators[layer]!.Span);
        return written;
    }
}
