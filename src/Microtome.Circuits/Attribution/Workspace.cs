using System.Numerics.Tensors;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>Memory that a batch's walk reuses from layer to layer.</summary>
internal sealed class Workspace
{
    private readonly LocalReplacement _local;
    private readonly GradientBlocks _blocks;
    private readonly Tensor _heads;
    private readonly Tensor _values;
    private readonly int _width;
    private readonly float[] _denominators;
    private readonly List<DecoderRange>[] _decodersAt;
    private Tensor? _copy;
    private Tensor? _skipped;
    private Tensor? _decoders;
    private Tensor? _valueWeights;
    private float[]? _ones;

    public Workspace(LocalReplacement local, GradientBlocks blocks)
    {
        ModelSpecification model = local.Model.Specification;
        _local = local;
        _blocks = blocks;
        _heads = Tensor.Uninitialized(blocks.LargestTile, model.Attention.Heads * model.Attention.HeadWidth);
        _values = Tensor.Uninitialized(blocks.LargestTile, model.Attention.KeyValueHeads * model.Attention.HeadWidth);
        _width = model.ModelWidth;
        _denominators = new float[blocks.Count];
        _decodersAt = new List<DecoderRange>[local.Positions];
    }

    /// <summary>Decoder rows of features of one layer and position, times their activations.</summary>
    /// <param name="Rows">[features, width]</param>
    public readonly record struct DecoderRange(Matrix Rows, int FirstSource);

    public Matrix Heads(int rows) => _heads.AsMatrix().RowRange(0, rows);

    public Matrix Values(int rows) => _values.AsMatrix().RowRange(0, rows);

    public Matrix Skipped(int rows) => (_skipped ??= Tensor.Uninitialized(_blocks.Count, _width)).AsMatrix().RowRange(0, rows);

    public Matrix CopyOf(Matrix gradients)
    {
        _copy ??= Tensor.Uninitialized(_blocks.Count, gradients.Columns);
        Matrix copy = _copy.AsMatrix().RowRange(0, gradients.Rows);
        WorkerPool.For(gradients.Rows, row => gradients.Row(row).CopyTo(copy.Row(row)));
        return copy;
    }

    /// <summary>W_Vᵀ and what the norm before attention multiplies gradients with, but for its denominators [key-value heads · head width, width].</summary>
    public MatrixView ValueWeights(int layer)
    {
        LayerWeights weights = _local.Model.Transformer.Weights.Layers[layer];
        MatrixView value = weights.Value.Weight.T;
        if (weights.NormBeforeAttention is not { } norm) return value;
        Matrix copy = (_valueWeights ??= Tensor.Uninitialized(value.Rows, value.Columns)).AsMatrix();
        WorkerPool.For(value.Rows, row => value.CopyRow(row, copy.Row(row)));
        norm.Pull(copy, _ones ??= [.. Enumerable.Repeat(1f, value.Rows)]);
        return copy;
    }

    /// <summary>The denominators by gradient, from those by position.</summary>
    /// <param name="start">The first gradient.</param>
    public ReadOnlySpan<float> Denominators(Tensor? byPosition, int rows, int start = 0)
    {
        if (byPosition is null) return [];
        for (int row = 0; row < rows; row++) _denominators[row] = byPosition.Span[_blocks.PositionOf[start + row]];
        return _denominators.AsSpan(0, rows);
    }

    public IReadOnlyList<DecoderRange> DecodersAt(int position) => _decodersAt[position];

    /// <summary>Reads what all active features write to a layer's MLP output: its own features', and in a cross-layer transcoder those of the layers below.</summary>
    public void GatherDecoders(int target)
    {
        IReadOnlyList<Transcoder> layers = _local.Model.Transcoders.Layers;
        int positions = _local.Positions, width = _local.Model.Specification.ModelWidth;
        int lowest = _local.Model.Transcoders.IsCrossLayer ? 0 : target;
        int first = _local.FirstFeature[lowest * positions], end = _local.FirstFeature[(target + 1) * positions];
        if (_decoders is null || _decoders.Rows < end - first) _decoders = Tensor.Uninitialized(end - first, width);
        Matrix decoders = _decoders.AsMatrix();
        WorkerPool.For(positions, position =>
        {
            List<DecoderRange> ranges = _decodersAt[position] = [];
            for (int layer = lowest; layer <= target; layer++)
            {
                int start = _local.FirstFeature[layer * positions + position], stop = _local.FirstFeature[layer * positions + position + 1];
                if (start == stop) continue;
                for (int i = start; i < stop; i++)
                {
                    Span<float> row = decoders.Row(i - first);
                    layers[layer].DecoderRow(_local.Features[i].Feature, target, row);
                    TensorPrimitives.Multiply(row, _local.Features[i].Activation, row);
                }
                ranges.Add(new DecoderRange(decoders.RowRange(start - first, stop - start), start));
            }
        });
        ResidentMemory.Trim();
    }
}
