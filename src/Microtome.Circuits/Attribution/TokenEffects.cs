using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>
/// What each token writes to the stream through the lowest attention, at its own position and the later ones: <c>Σ_h P[h, q, k] (norm1 e_k)
/// W_V W_O</c>. Below that attention stands nothing but tokens, so for many targets it is cheaper to read their gradients off against
/// these vectors, which are the same for all, than to pull the gradients through.
/// </summary>
/// <param name="first">The first token; gradients begin at its position.</param>
internal sealed class TokenEffects(LocalReplacement local, PatternMixing mixing, MatrixView valueWeights, int first)
{
    private const int PairsAtOnce = 2048;
    private readonly AttentionSpecification _attention = local.Model.Specification.Attention;

    /// <summary>Adds the tokens' effects on a batch's targets to its rows.</summary>
    /// <param name="gradients">At the attention's output [gradients, width].</param>
    /// <param name="rows">[targets, sources]</param>
    public void Read(Matrix gradients, GradientBlocks blocks, Matrix rows)
    {
        Tensor values = Tensor.Uninitialized(local.Positions, valueWeights.Rows); // [tokens, key-value heads · head width]
        MatrixProduct.Multiply(local.Embeddings.AsMatrix(), valueWeights.T, values.AsMatrix());
        PackedMatrix output = PackedMatrix.Pack(local.Model.Transformer.Weights.Layers[0].Output.Weight);

        for (int query = first, end; query < local.Positions; query = end)
        {
            int pairs = 0; // of a query and a key
            for (end = query; end < local.Positions && (pairs == 0 || pairs + Keys(end) <= PairsAtOnce); end++) pairs += Keys(end);
            Tensor effects = Effects(query, end, pairs, values, output);
            WorkerPool.For(blocks.Groups.Count, index =>
            {
                if (blocks.Groups[index].End <= gradients.Rows) Read(blocks.Groups[index], query, end, gradients, effects, rows);
            });
        }
    }

    /// <summary>Effects of all tokens on queries from <paramref name="start"/> to <paramref name="end"/> [pairs, width], by query and then by key.</summary>
    private Tensor Effects(int start, int end, int pairs, Tensor values, PackedMatrix output)
    {
        Tensor heads = Tensor.Uninitialized(pairs, _attention.Heads * _attention.HeadWidth), effects = Tensor.Uninitialized(pairs, output.Columns);
        int width = _attention.HeadWidth;
        WorkerPool.For(end - start, index =>
        {
            int query = start + index, before = Pairs(start, query);
            for (int key = first; key <= query; key++)
                for (int head = 0; head < _attention.Heads; head++)
                    TensorPrimitives.Multiply(values.Row(key).Slice(head / _attention.GroupSize * width, width), mixing.Weight(head, query, key), heads.Row(before + key - first).Slice(head * width, width));
        });
        MatrixProduct.Multiply(heads.AsMatrix(), output, effects.AsMatrix());
        return effects;
    }

    private void Read(GradientBlocks.Group group, int start, int end, Matrix gradients, Tensor effects, Matrix rows)
    {
        for (int query = start; query < Math.Min(end, group.Starts.Length); query++)
        {
            GradientBlocks.Block block = group.At(query);
            Matrix tokens = rows.RowRange(block.FirstRow, block.Rows).ColumnRange(local.ErrorSource(local.Layers, first), Keys(query));
            MatrixProduct.Multiply(gradients.RowRange(block.Start, block.Rows), effects.AsMatrix().RowRange(Pairs(start, query), Keys(query)).T, tokens, accumulate: true);
        }
    }

    /// <summary>The tokens that a query sees.</summary>
    private int Keys(int query) => query - first + 1;

    /// <summary>How many pairs lie before a query's.</summary>
    private int Pairs(int start, int query) => (query - start) * (Keys(query) + Keys(start) - 1) / 2;
}
