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
/// <param name="leading">Tokens that are pushed up instead.</param>
internal sealed class BackwardWalk(LocalReplacement local, LeadingTokens leading)
{
    private const int NumbersAtOnce = 1 << 20; // of heads that went through their value weights

    private readonly ReplacementModel _model = local.Model;

    /// <summary>Pulls the readings of a batch of targets back to all sources.</summary>
    /// <param name="targets">In the batch's order (<see cref="GradientBlocks"/>): by layer, then position, both descending.</param>
    /// <param name="readings">For each target what it reads the stream with [targets, width]; at the stream, the MLP's norm already pulled through.</param>
    /// <param name="rows">[targets, sources], cleared: gets for each source its value times the gradient with respect to it.</param>
    public void Pull(ReadingTarget[] targets, Matrix readings, Matrix rows, CancellationToken cancellation)
    {
        GradientBlocks blocks = new(targets, leading.Count);
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
            ReadInjections(local.Injected?.AtOutput(layer), layer, atOutput, blocks, rows);
            ReadInjections(local.Injected?.AfterMlp(layer), layer, above, blocks, rows);
            Matrix? skipped = PullSkip(layer, atOutput, space);
            if (parallel)
            {
                ReadInjections(local.Injected?.AfterAttention(layer), layer, above, blocks, rows);
                PullAttention(layer, above, blocks, rows, space);
                Add(above, skipped);
                Read(blocks, readings, stream, layer);
            }
            else
            {
                Add(above, skipped);
                Read(blocks, readings, stream, layer);
                Matrix middle = stream.AsMatrix().RowRange(0, blocks.CountAbove(layer - 1)); // also of targets that read this layer
                ReadInjections(local.Injected?.AfterAttention(layer), layer, middle, blocks, rows);
                PullAttention(layer, middle, blocks, rows, space);
            }
        }
        ReadTokens(stream.AsMatrix(), blocks, rows);
        leading.Read(targets, readings, rows);
    }

    /// <summary>Starts the targets of a layer: what they read enters the gradient at their position.</summary>
    private static void Read(GradientBlocks blocks, Matrix readings, Tensor stream, int layer)
    {
        foreach (GradientBlocks.Group group in blocks.GroupsAt(layer))
            for (int row = group.FirstRow; row < group.FirstRow + group.Rows; row++)
            {
                Span<float> gradient = stream.Row(group.IndexOf(row, blocks.Targets[row].Position));
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
    private void PullAttention(int layer, Matrix stream, GradientBlocks blocks, Matrix rows, Workspace space)
    {
        if (stream.Rows == 0) return;
        PatternMixing mixing = Mixing(layer);                                        // P, with norm1's denominators
        MatrixView toStream = space.ValueWeights(layer);                             // W_Vᵀ, with the rest of norm1ᵀ
        if (layer == 0 && blocks.Targets.Length > local.Positions)                   // then pushing the tokens up costs less
        {
            new TokenEffects(local, mixing, toStream, blocks.FirstPosition).Read(AtAttentionOutput(layer, stream, blocks, 0, space), blocks, rows);
            return;
        }

        // Attention spreads gradients over positions: before the first one a target has a gradient at its own position only.
        int spread = layer == local.Layers - 1 ? 0 : blocks.CountAbove(_model.Specification.ParallelResidual ? layer + 1 : layer);
        foreach (GradientBlocks.Tile tile in blocks.Tiles(0, spread))
        {
            Matrix gradients = stream.RowRange(tile.Start, tile.Count);                                               // [gradients, width]
            Matrix heads = space.Heads(tile.Count);                                                                   // [gradients, heads · head width]
            Matrix values = space.Values(tile.Count);                                                                 // [gradients, key-value heads · head width]
            MatrixProduct.Multiply(AtAttentionOutput(layer, gradients, blocks, tile.Start, space), Output(layer), heads); // g W_Oᵀ
            mixing.Pull(tile, heads, values);                                                                         // Σ_h P_hᵀ (·)_h
            MatrixProduct.Multiply(values, toStream, gradients, accumulate: true);                                    // (·) W_Vᵀ
        }
        foreach (GradientBlocks.Tile tile in blocks.Tiles(spread, stream.Rows))
        {
            Matrix gradients = stream.RowRange(tile.Start, tile.Count);
            PullOwnPositions(tile, AtAttentionOutput(layer, gradients, blocks, tile.Start, space), gradients, Output(layer), mixing, toStream);
        }
    }

    /// <summary>The same for gradients that are set at the targets' own positions only: there each head goes through the value weights before it spreads, once for all positions.</summary>
    private void PullOwnPositions(GradientBlocks.Tile tile, Matrix atOutput, Matrix gradients, MatrixView output, PatternMixing mixing, MatrixView toStream)
    {
        AttentionSpecification attention = _model.Specification.Attention;
        int width = gradients.Columns, atOnce = Math.Max(1, NumbersAtOnce / (attention.Heads * width));
        for (int start = 0; start < tile.Rows; start += atOnce)
        {
            int count = Math.Min(atOnce, tile.Rows - start);
            Tensor own = Tensor.Uninitialized(count, width), heads = Tensor.Uninitialized(count, attention.Heads * attention.HeadWidth), pulled = Tensor.Uninitialized(count, attention.Heads * width);
            for (int i = 0; i < count; i++)
            {
                TargetGradients target = tile.Target(start + i);
                atOutput.Row(target[target.Position]).CopyTo(own.Row(i));
            }
            MatrixProduct.Multiply(own.AsMatrix(), output, heads.AsMatrix());                                         // (g W_Oᵀ)_h
            for (int head = 0; head < attention.Heads; head++)                                                        // (·)_h W_Vᵀ
                MatrixProduct.Multiply(heads.AsMatrix().ColumnRange(head * attention.HeadWidth, attention.HeadWidth), toStream.RowRange(head / attention.GroupSize * attention.HeadWidth, attention.HeadWidth), pulled.AsMatrix().ColumnRange(head * width, width));
            mixing.PullOwnPosition(tile, start, pulled.AsMatrix(), gradients);                                        // Σ_h P_hᵀ (·)
        }
    }

    private MatrixView Output(int layer) => _model.Transformer.Weights.Layers[layer].Output.Weight.T;

    private PatternMixing Mixing(int layer) =>
        new(local.Patterns[layer], local.AttentionDenominators[layer], _model.Specification.Attention, _model.Specification.Layers[layer].Window);

    /// <summary>The gradient at attention's output: the stream's, through a norm that may lie between.</summary>
    /// <param name="start">The first of the gradients.</param>
    private Matrix AtAttentionOutput(int layer, Matrix gradients, GradientBlocks blocks, int start, Workspace space)
    {
        if (_model.Transformer.Weights.Layers[layer].NormAfterAttention is not { } norm) return gradients;
        Matrix atOutput = space.CopyOf(gradients);
        norm.Pull(atOutput, space.Denominators(local.AttentionPostDenominators[layer], gradients.Rows, start));
        return atOutput;
    }

    /// <summary>What steering added in a layer.</summary>
    /// <param name="added">[positions, width]; null where nothing was.</param>
    private void ReadInjections(Tensor? added, int layer, Matrix gradients, GradientBlocks blocks, Matrix rows)
    {
        if (added is null || gradients.Rows == 0) return;
        IReadOnlyList<InjectionNode> nodes = local.Injected!.Nodes;
        for (int i = 0; i < nodes.Count; i++)
        {
            if (nodes[i].Layer != layer) continue;
            foreach (GradientBlocks.Block block in blocks.At(nodes[i].Position))
            {
                if (block.Start >= gradients.Rows) break;
                ReadSource(gradients.RowRange(block.Start, block.Rows), added.Row(nodes[i].Position), rows.RowRange(block.FirstRow, block.Rows), local.InjectionSource(i));
            }
        }
    }

    private void ReadTokens(Matrix stream, GradientBlocks blocks, Matrix rows)
    {
        for (int position = leading.Count; position < local.Positions; position++)
            foreach (GradientBlocks.Block block in blocks.At(position))
                ReadSource(stream.RowRange(block.Start, block.Rows), local.Embeddings.Row(position), rows.RowRange(block.FirstRow, block.Rows), local.ErrorSource(local.Layers, position));
    }

    private static void ReadSource(Matrix gradients, ReadOnlySpan<float> value, Matrix results, int source)
    {
        for (int row = 0; row < gradients.Rows; row++) results.Row(row)[source] += TensorPrimitives.Dot(gradients.Row(row), value);
    }

    private static void Add(Matrix x, Matrix? other)
    {
        if (other is not { } y) return;
        WorkerPool.For(x.Rows, row => TensorPrimitives.Add(x.Row(row), y.Row(row), x.Row(row)));
    }
}
