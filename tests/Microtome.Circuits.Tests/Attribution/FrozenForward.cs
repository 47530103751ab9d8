using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits.Tests;

/// <summary>
/// The plain twin of the backward walk: one source's effect on everything, by running the frozen linear model forwards in float64
/// from what that source alone writes.
/// </summary>
internal sealed class FrozenForward(LocalReplacement local)
{
    private readonly ModelSpecification _model = local.Model.Specification;
    private readonly TransformerWeights _weights = local.Model.Transformer.Weights;

    /// <summary>What a source writes: to the embeddings, or to the MLP outputs of some layers.</summary>
    public sealed record Source(double[]? Embedding, Dictionary<int, double[]> MlpOutputs, int Position)
    {
        /// <summary>By layer, to attention's output.</summary>
        public Dictionary<int, double[]> AttentionOutputs { get; init; } = [];

        /// <summary>By layer, to the stream after it.</summary>
        public Dictionary<int, double[]> Stream { get; init; } = [];
    }

    public Source Feature(FeatureNode feature)
    {
        Transcoder transcoder = local.Model.Transcoders.Layers[feature.Layer];
        float[] row = new float[transcoder.Width];
        Dictionary<int, double[]> writes = [];
        for (int target = feature.Layer; target < feature.Layer + transcoder.Targets; target++)
        {
            transcoder.DecoderRow(feature.Feature, target, row);
            writes[target] = Array.ConvertAll(row, value => (double)value * feature.Activation);
        }
        return new Source(null, writes, feature.Position);
    }

    public Source Error(int layer, int position) => new(null, new() { [layer] = Doubles(local.Errors.Slice(layer).Row(position)) }, position);

    public Source Token(int position) => new(Doubles(local.Embeddings.Row(position)), [], position);

    public Source Injection(InjectionNode node)
    {
        Dictionary<int, double[]> At(Tensor? added) => added is null ? [] : new() { [node.Layer] = Doubles(added.Row(node.Position)) };
        Injections injected = local.Injected!;
        return new Source(null, At(injected.AtOutput(node.Layer)), node.Position) { AttentionOutputs = At(injected.AfterAttention(node.Layer)), Stream = At(injected.AfterMlp(node.Layer)) };
    }

    /// <summary>The effect on every active feature's pre-activation, then on every target that reads the normalised stream with one of the vectors.</summary>
    public double[] Effects(Source source, Tensor vectors)
    {
        int positions = local.Positions;
        double[][] stream = [.. Enumerable.Range(0, positions).Select(_ => new double[_model.ModelWidth])];
        if (source.Embedding is not null) stream[source.Position] = source.Embedding;
        List<double> effects = [];
        for (int layer = 0; layer < local.Layers; layer++)
        {
            LayerWeights weights = _weights.Layers[layer];
            double[][] attended = Attention(layer, Normalized(stream, weights.NormBeforeAttention, local.AttentionDenominators[layer]));
            double[][] middle = Add(stream, Normalized(attended, weights.NormAfterAttention, local.AttentionPostDenominators[layer]));

            if (source.AttentionOutputs.TryGetValue(layer, out double[]? added)) middle = Add(middle, At(source.Position, added));
            double[][] input = _model.ParallelResidual ? stream : middle;
            if (local.Model.Transcoders.Input != HookPoint.ResidMid)
                input = Normalized(input, weights.NormBeforeMlp, local.MlpDenominators[layer], withScale: local.Model.Transcoders.Input == HookPoint.MlpIn || weights.NormBeforeMlp?.NormalizedIsAffine == true);
            foreach (FeatureNode feature in local.Features.Where(feature => feature.Layer == layer))
            {
                float[] row = new float[_model.ModelWidth];
                local.Model.Transcoders.Layers[layer].Encoder.CopyRow(feature.Feature, row);
                effects.Add(Dot(row, input[feature.Position]));
            }

            double[][] output = [.. Enumerable.Range(0, positions).Select(_ => new double[_model.ModelWidth])];
            if (local.Model.Transcoders.Layers[layer].Skip is { } skip) output = Multiply(input, skip);
            if (source.MlpOutputs.TryGetValue(layer, out double[]? written)) output = Add(output, At(source.Position, written));
            if (local.Model.Transcoders.Output == HookPoint.MlpRawOut) output = Normalized(output, weights.NormAfterMlp, local.MlpPostDenominators[layer]);
            stream = Add(middle, output);
            if (source.Stream.TryGetValue(layer, out double[]? injected)) stream = Add(stream, At(source.Position, injected));
        }
        double[] last = Normalized(stream, _weights.FinalNorm, local.FinalDenominators)[^1];
        for (int target = 0; target < vectors.Rows; target++) effects.Add(Dot(vectors.Row(target), last));
        return [.. effects];
    }

    private double[][] Attention(int layer, double[][] input)
    {
        AttentionSpecification attention = _model.Attention;
        double[][] values = Multiply(input, _weights.Layers[layer].Value.Weight);
        double[][] heads = [.. input.Select(_ => new double[attention.Heads * attention.HeadWidth])];
        for (int head = 0; head < attention.Heads; head++)
            for (int query = 0; query < input.Length; query++)
                for (int key = 0; key <= query; key++)
                    for (int i = 0; i < attention.HeadWidth; i++)
                        heads[query][head * attention.HeadWidth + i] +=
                            local.Patterns[layer].Slice(head).Row(query)[key] * values[key][head / attention.GroupSize * attention.HeadWidth + i];
        return Multiply(heads, _weights.Layers[layer].Output.Weight);
    }

    /// <summary>The linear part of a norm: less the mean, over the frozen denominators, times the scale.</summary>
    private static double[][] Normalized(double[][] rows, Normalization? norm, Tensor? denominators, bool withScale = true)
    {
        if (norm is null) return rows;
        double[] scale = Scale(norm);
        return [.. rows.Select((row, position) =>
        {
            double mean = norm.NormalizedIsAffine ? row.Average() : 0;
            return row.Select((value, i) => (value - mean) / denominators!.Span[position] * (withScale ? scale[i] : 1)).ToArray();
        })];
    }

    private static double[] Scale(Normalization norm)
    {
        Tensor ones = new(1, norm.Width), zeros = new(1, norm.Width);
        ones.Span.Fill(1);
        norm.Affine(ones.AsMatrix());
        norm.Affine(zeros.AsMatrix());
        return [.. ones.Span.ToArray().Zip(zeros.Span.ToArray(), (one, zero) => (double)one - zero)];
    }

    private static double[][] Multiply(double[][] rows, MatrixView matrix) => [.. rows.Select(row =>
    {
        double[] product = new double[matrix.Columns];
        for (int i = 0; i < row.Length; i++)
            for (int j = 0; j < product.Length; j++) product[j] += row[i] * matrix[i, j];
        return product;
    })];

    private double[][] At(int position, double[] values) =>
        [.. Enumerable.Range(0, local.Positions).Select(at => at == position ? values : new double[values.Length])];

    private static double[][] Add(double[][] x, double[][] y) => [.. x.Zip(y, (a, b) => a.Zip(b, (p, q) => p + q).ToArray())];

    private static double Dot(ReadOnlySpan<float> x, double[] y)
    {
        double sum = 0;
        for (int i = 0; i < y.Length; i++) sum += x[i] * y[i];
        return sum;
    }

    private static double[] Doubles(Span<float> values) => Array.ConvertAll(values.ToArray(), value => (double)value);
}
