using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>A feature that is active at a position.</summary>
public readonly record struct ActiveFeature(int Position, int Feature, float Value);

/// <summary>
/// The features of one layer: an encoder that reads there, an activation, and decoder rows that write to that layer's MLP output
/// and, in a cross-layer transcoder, to every later layer's (Dunefsky et al. 2024, arXiv 2406.11944; Ameisen et al. 2025). Encoder
/// and decoder stay in their files; rows are read on demand.
/// </summary>
public sealed class Transcoder
{
    private const int FeaturesAtOnce = 1024; // by one thread, in one product

    [ThreadStatic]
    private static Tensor? t_activations;

    private readonly StoredTensor _decoder;
    private readonly int _firstTarget;

    /// <param name="encoder">[features, width]</param>
    /// <param name="encoderBias">[features]</param>
    /// <param name="decoder">[features, targets, width]</param>
    /// <param name="decoderBias">[width]</param>
    /// <param name="firstTarget">Which of the decoder's targets is this layer.</param>
    /// <param name="skip">[width in, width out]</param>
    internal Transcoder(int layer, MatrixView encoder, Tensor encoderBias, FeatureActivation activation, StoredTensor decoder, int firstTarget, Tensor decoderBias, MatrixView? skip)
    {
        Layer = layer;
        Encoder = encoder;
        EncoderBias = encoderBias;
        Activation = activation;
        _decoder = decoder;
        _firstTarget = firstTarget;
        DecoderBias = decoderBias;
        Skip = skip;
    }

    /// <summary>The layer whose stream the encoder reads.</summary>
    public int Layer { get; }

    public int Features => Encoder.Rows;

    /// <summary>The width of what it reads and writes.</summary>
    public int Width => Encoder.Columns;

    /// <summary>How many layers a feature writes to: this one and those after it.</summary>
    public int Targets => (int)_decoder.Shape[1] - _firstTarget;

    /// <summary>[features, width]</summary>
    public MatrixView Encoder { get; }

    /// <summary>[features]</summary>
    public Tensor EncoderBias { get; }

    public FeatureActivation Activation { get; }

    /// <summary>[width]; added once to the layer's reconstruction.</summary>
    public Tensor DecoderBias { get; }

    /// <summary>[width in, width out]: a linear path beside the features, where there is one (Paulo et al. 2025, arXiv 2501.18823).</summary>
    public MatrixView? Skip { get; }

    /// <summary>The type of the stored decoder's elements.</summary>
    public ElementType DecoderType => _decoder.Type;

    /// <summary>Reads the row that a feature writes to the MLP output of <paramref name="target"/>, per unit of activation.</summary>
    /// <param name="row">[width]</param>
    public void DecoderRow(int feature, int target, Span<float> row)
    {
        if ((uint)feature >= (uint)Features) throw new ArgumentOutOfRangeException(nameof(feature), $"Layer {Layer} has features 0 to {Features - 1}, not {feature}.");
        if (target < Layer || target >= Layer + Targets) throw new ArgumentOutOfRangeException(nameof(target), $"Features of layer {Layer} write to layers {Layer} to {Layer + Targets - 1}, not {target}.");
        long index = feature * _decoder.Shape[1] + _firstTarget + target - Layer;
        unsafe
        {
            Elements.ToSingle(_decoder.Data + index * Width * _decoder.Type.Size(), _decoder.Type, row[..Width]);
        }
        GC.KeepAlive(_decoder);
    }

    /// <summary>All features' activations at every position.</summary>
    /// <param name="input">[positions, width], at the input hook</param>
    /// <returns>[positions, features]</returns>
    public Tensor Encode(Matrix input)
    {
        Tensor activations = Tensor.Uninitialized(input.Rows, Features);
        PreActivations(input, 0, activations.AsMatrix());
        for (int position = 0; position < input.Rows; position++) Activation.Apply(activations.Row(position), 0);
        return activations;
    }

    /// <summary>The active features, by position and then by feature. The encoder is streamed through once.</summary>
    /// <param name="input">[positions, width], at the input hook</param>
    public List<ActiveFeature> EncodeSparse(Matrix input)
    {
        List<ActiveFeature>[] parts; // each by position, then by feature
        if (Activation.NeedsAllFeatures)
        {
            Matrix all = Encode(input).AsMatrix();
            parts = new List<ActiveFeature>[input.Rows];
            WorkerPool.For(parts.Length, position => parts[position] = Active(all.RowRange(position, 1), 0, position));
        }
        else
        {
            parts = new List<ActiveFeature>[(Features + FeaturesAtOnce - 1) / FeaturesAtOnce];
            WorkerPool.For(parts.Length, part =>
            {
                int first = part * FeaturesAtOnce, count = Math.Min(FeaturesAtOnce, Features - first);
                if (t_activations is null || t_activations.Rows < input.Rows) t_activations = Tensor.Uninitialized(input.Rows, FeaturesAtOnce);
                Matrix values = t_activations.AsMatrix().RowRange(0, input.Rows).ColumnRange(0, count);
                PreActivations(input, first, values);
                for (int position = 0; position < values.Rows; position++) Activation.Apply(values.Row(position), first);
                parts[part] = Active(values, first, 0);
            });
            ResidentMemory.Trim();
        }
        return [.. parts.SelectMany(part => part).OrderBy(active => active.Position)]; // a stable sort
    }

    /// <summary>What is not zero among the activations of consecutive features.</summary>
    private static List<ActiveFeature> Active(Matrix values, int firstFeature, int firstPosition)
    {
        List<ActiveFeature> active = [];
        for (int position = 0; position < values.Rows; position++)
        {
            ReadOnlySpan<float> row = values.Row(position);
            ReadOnlySpan<int> bits = MemoryMarshal.Cast<float, int>(row);
            for (int i = 0, next; i < row.Length && (next = bits[i..].IndexOfAnyExcept(0)) >= 0; i++)
            {
                i += next;
                if (row[i] != 0) active.Add(new ActiveFeature(firstPosition + position, firstFeature + i, row[i])); // bits of -0 are not 0
            }
        }
        return active;
    }

    /// <summary>One feature's activation at one position.</summary>
    /// <param name="input">[width]</param>
    public float Encode(ReadOnlySpan<float> input, int feature)
    {
        if ((uint)feature >= (uint)Features) throw new ArgumentOutOfRangeException(nameof(feature), $"Layer {Layer} has features 0 to {Features - 1}, not {feature}.");
        if (Activation.NeedsAllFeatures) return Encode(Tensor.From(input, 1, input.Length).AsMatrix()).Span[feature];
        float[] row = new float[Width];
        Encoder.CopyRow(feature, row);
        Span<float> value = [TensorPrimitives.Dot(row, input) + EncoderBias.Span[feature]];
        Activation.Apply(value, feature);
        return value[0];
    }

    private void PreActivations(Matrix input, int first, Matrix values)
    {
        MatrixProduct.Multiply(input, Encoder.RowRange(first, values.Columns).T, values);
        ReadOnlySpan<float> bias = EncoderBias.Span.Slice(first, values.Columns);
        for (int position = 0; position < values.Rows; position++) TensorPrimitives.Add(values.Row(position), bias, values.Row(position));
    }
}
