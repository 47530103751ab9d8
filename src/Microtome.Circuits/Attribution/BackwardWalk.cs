using System.Numerics.Tensors;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>
/// Where a row of the graph starts: a vector that reads the stream at a layer and position. Layer L of an L-layer model is the
/// stream after the last layer.
/// </summary>
internal readonly record struct ReadingTarget(int Layer, int Position);

/// <summary>
/// Computes rows of the attribution graph. A row is one linear functional of the frozen model, pulled backwards through the residual
/// stream from its target to the tokens: at each layer it is read off against what the MLP's sources write there, passes by the MLP,
/// and through attention with frozen patterns. Nothing is differentiated automatically; design and floor are in docs/attribution.md.
/// </summary>
internal sealed class BackwardWalk(LocalReplacement local)
{
    private readonly ReplacementModel _model = local.Model;

    /// <summary>Pulls the readings of a batch of targets back to all sources.</summary>
    /// <param name="targets">In the batch's order (<see cref="GradientBlocks"/>): by layer, then position, both descending.</param>
    /// <param name="readings">For each target what it reads the stream with [targets, width]; at the stream, the MLP's norm already pulled through.</param>
    /// <param name="rows">[targets, sources], cleared: gets for each source its value times the gradient with respect to it.</param>
    public void Pull(ReadingTarget[] targets, Matrix readings, Matrix rows, CancellationToken cancellation)
    {
        GradientBlocks blocks = new(targets);
        Tensor stream = new(blocks.Count, _model.Specification.ModelWidth); // g: the gradient at the stream, [gradients, width]
        Workspace space = new(local, blocks);

        bool parallel = _model.Specification.ParallelResidual;

        Read(blocks, readings, stream, local.Layers);
        for (int layer = Math.Min(blocks.TopLayer, local.Layers - 1); layer >= 0; layer--)
        {
            cancellation.ThrowIfCancellationRequested();
            Matrix above = stream.AsMatrix().RowRange(0, blocks.CountAbove(layer)); // of targets above this layer's MLP
            Matrix atOutput = AtOutput(layer, above, space);
            ReadSources(layer, atOutput, blocks, rows, space);                      // row[s] = g · value of s
            Matrix? skipped = PullSkip(layer, atOutput, space);
            if (parallel)
            {
                PullAttention(layer, above, blocks, space);
                Add(above, skipped);
                Read(blocks, readings, stream, layer);
            }
            else
            {
                Add(above, skipped);
                Read(blocks, readings, stream, layer);
                PullAttention(layer, stream.AsMatrix().RowRange(0, blocks.CountAbove(layer - 1)), blocks, space);
            }
        }
        ReadTokens(stream.AsMatrix(), blocks, rows);
    }

    /// <summary>Starts the targets of a layer: what they read enters the gradient at their position.</summary>
    private static void Read(GradientBlocks blocks, Matrix readings, Tensor stream, int layer)
    {
        foreach (GradientBlocks.Group group in blocks.GroupsAt(layer))
            for (int row = group.FirstRow; row < group.FirstRow + group.Rows; row++)
            {
                Span<float> gradient = stream.Row(blocks.IndexOf(group, row, blocks.Targets[row].Position));
                TensorPrimitives.Add(gradient, readings.Row(row), gradient);
            }
    }

    /// <summary>The gradient at the transcoders' output hook: the stream's, through a norm that may lie between.</summary>
    private Matrix AtOutput(int layer, Matrix stream, Workspace space)
    {
        if (_model.NormAfterOutput(layer) is not { } norm) return stream;
        Matrix atOutput = space.CopyOf(stream);
        norm.Pull(atOutput, space.Denominators(local.MlpPostDenominators[layer], stream.Rows));
        return atOutput;
    }

    /// <summary>What the layer's MLP wrote: features and errors.</summary>
    private void ReadSources(int layer, Matrix atOutput, GradientBlocks blocks, Matrix rows, Workspace space)
    {
        if (atOutput.Rows == 0) return;
        space.GatherDecoders(layer);
        WorkerPool.For(local.Positions, position =>
        {
            foreach (GradientBlocks.Block block in blocks.At(position))
            {
                if (block.Start >= atOutput.Rows) break;
                Matrix gradients = atOutput.RowRange(block.Start, block.Rows), results = rows.RowRange(block.FirstRow, block.Rows);
                foreach (Workspace.DecoderRange range in space.DecodersAt(position)) // a_f W_dec[f] of this position's features
                    MatrixProduct.Multiply(gradients, range.Rows.T, results.ColumnRange(range.FirstSource, range.Rows.Rows), accumulate: true);
                ReadSource(gradients, local.Errors.Slice(layer).Row(position), results, local.ErrorSource(layer, position));
            }
        });
    }

    /// <summary>(g W_skipᵀ) back to the stream that the MLP reads; none where transcoders have no skip connection.</summary>
    private Matrix? PullSkip(int layer, Matrix atOutput, Workspace space)
    {
        if (atOutput.Rows == 0 || _model.Transcoders.Layers[layer].Skip is not { } skip) return null;
        Matrix atInput = space.Skipped(atOutput.Rows);
        MatrixProduct.Multiply(atOutput, skip.T, atInput);
        _model.PullInput(layer, atInput, space.Denominators(local.MlpDenominators[layer], atOutput.Rows));
        return atInput;
    }

    /// <summary>g += norm1ᵀ · Σ_h P_hᵀ (g W_Oᵀ)_h W_Vᵀ</summary>
    private void PullAttention(int layer, Matrix stream, GradientBlocks blocks, Workspace space)
    {
        if (stream.Rows == 0) return;
        LayerWeights weights = _model.Transformer.Weights.Layers[layer];
        AttentionSpecification attention = _model.Specification.Attention;

        Matrix written = stream;
        if (weights.NormAfterAttention is { } after)
        {
            written = space.CopyOf(stream);
            after.Pull(written, space.Denominators(local.AttentionPostDenominators[layer], stream.Rows));
        }
        Matrix heads = space.Heads(stream.Rows);                                     // [gradients, heads · head width]
        MatrixProduct.Multiply(written, weights.Output.Weight.T, heads);
        Matrix values = space.Values(stream.Rows);                                   // [gradients, key-value heads · head width]
        PatternMixing.Pull(local.Patterns[layer], heads, values, attention, blocks);
        Matrix pulled = space.Pulled(stream.Rows);                                   // [gradients, width]
        MatrixProduct.Multiply(values, weights.Value.Weight.T, pulled);
        weights.NormBeforeAttention?.Pull(pulled, space.Denominators(local.AttentionDenominators[layer], stream.Rows));
        Add(stream, pulled);
    }

    private void ReadTokens(Matrix stream, GradientBlocks blocks, Matrix rows)
    {
        for (int position = 0; position < local.Positions; position++)
            foreach (GradientBlocks.Block block in blocks.At(position))
                ReadSource(stream.RowRange(block.Start, block.Rows), local.Embeddings.Row(position), rows.RowRange(block.FirstRow, block.Rows), local.ErrorSource(local.Layers, position));
    }

    private static void ReadSource(Matrix gradients, ReadOnlySpan<float> value, Matrix results, int source)
    {
        for (int row = 0; row < gradients.Rows; row++) results.Row(row)[source] = TensorPrimitives.Dot(gradients.Row(row), value);
    }

    private static void Add(Matrix x, Matrix? other)
    {
        if (other is not { } y) return;
        for (int row = 0; row < x.Rows; row++) TensorPrimitives.Add(x.Row(row), y.Row(row), x.Row(row));
    }
}
