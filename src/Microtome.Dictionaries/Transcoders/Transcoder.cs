using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>
/// The features of one layer: an encoder that reads there, an activation, and decoder rows that write to that layer's MLP output
/// and, in a cross-layer transcoder, to every later layer's (Dunefsky et al. 2024, arXiv 2406.11944; Ameisen et al. 2025). Encoder
/// and decoder stay in their files; rows are read on demand.
/// </summary>
public sealed class Transcoder
{
    private readonly LatentEncoder _encoder;
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
        _encoder = new LatentEncoder(encoder, encoderBias, activation);
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
    public MatrixView Encoder => _encoder.Weights;

    /// <summary>[features]</summary>
    public Tensor EncoderBias => _encoder.Bias;

    public FeatureActivation Activation => _encoder.Activation;

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
    public Tensor Encode(Matrix input) => _encoder.Encode(input);

    /// <summary>The active features, by position and then by feature. The encoder is streamed through once.</summary>
    /// <param name="input">[positions, width], at the input hook</param>
    public List<ActiveFeature> EncodeSparse(Matrix input) => _encoder.EncodeSparse(input);

    /// <summary>One feature's activation at one position.</summary>
    /// <param name="input">[width]</param>
    public float Encode(ReadOnlySpan<float> input, int feature)
    {
        if ((uint)feature >= (uint)Features) throw new ArgumentOutOfRangeException(nameof(feature), $"Layer {Layer} has features 0 to {Features - 1}, not {feature}.");
        return _encoder.Encode(input, feature);
    }
}
