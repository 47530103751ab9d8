using System.Globalization;
using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>
/// An encoder, an activation and a decoder at one hook: a sparse autoencoder (Bricken et al. 2023; Cunningham et al. 2023, arXiv 2309.08600), or,
/// where it predicts another hook's activations, a transcoder of one layer. The weights stay in their file; rows are read on demand.
/// </summary>
public sealed class SparseAutoencoder : IDisposable
{
    private readonly LatentEncoder _encoder;
    private readonly MatrixView _decoder;
    private readonly float[]? _decoderScale; // [latents]; nothing for 1
    private readonly MatrixView? _skip;
    private readonly IReadOnlyList<IDisposable> _files;

    /// <param name="decoder">[latents, output width]</param>
    /// <param name="decoderBias">[output width]</param>
    /// <param name="skip">[input width, output width]</param>
    /// <param name="decoderScale">[latents]: what a unit of activation adds, in decoder rows; nothing for 1.</param>
    internal SparseAutoencoder(AutoencoderSettings settings, LatentEncoder encoder, MatrixView decoder, Tensor decoderBias, MatrixView? skip = null, float[]? decoderScale = null, IReadOnlyList<IDisposable>? files = null)
    {
        Settings = settings;
        _encoder = encoder;
        _decoder = decoder;
        DecoderBias = decoderBias;
        _skip = skip;
        _decoderScale = decoderScale;
        _files = files ?? [];
    }

    public AutoencoderSettings Settings { get; }

    public int Latents => _encoder.Latents;

    public int InputWidth => _encoder.Width;

    public int OutputWidth => _decoder.Columns;

    public FeatureActivation Activation => _encoder.Activation;

    /// <summary>[latents, input width]</summary>
    public MatrixView Encoder => _encoder.Weights;

    /// <summary>[latents]</summary>
    public Tensor EncoderBias => _encoder.Bias;

    /// <summary>[latents, output width], as it is stored: see <see cref="DecoderRow"/> for what a unit of activation adds.</summary>
    public MatrixView Decoder => _decoder;

    /// <summary>[output width]</summary>
    public Tensor DecoderBias { get; }

    internal bool HasDecoderScale => _decoderScale is not null;

    /// <summary>[input width, output width]: a linear path beside the latents, where there is one (Paulo et al. 2025, arXiv 2501.18823).</summary>
    public MatrixView? Skip => _skip;

    /// <summary>The size of its files in bytes.</summary>
    public long Bytes { get; internal init; }

    /// <summary>All latents' activations at every position.</summary>
    /// <param name="input">[positions, input width], at the hook</param>
    /// <returns>[positions, latents]</returns>
    public Tensor Encode(Matrix input) => _encoder.Encode(Prepare(input).AsMatrix());

    /// <summary>One latent's activation at one position.</summary>
    /// <param name="input">[input width], at the hook</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public float Encode(ReadOnlySpan<float> input, int latent) => _encoder.Encode(Prepare(Tensor.From(input, 1, input.Length).AsMatrix()).Row(0), latent);

    /// <summary>The active latents, by position and then by latent.</summary>
    /// <inheritdoc cref="Encode(Matrix)"/>
    public List<ActiveFeature> EncodeSparse(Matrix input) => _encoder.EncodeSparse(Prepare(input).AsMatrix());

    /// <summary>What latents' activations add up to, with the decoder's bias, the skip connection and the input's normalization undone. Only rows of the latents that are given are read.</summary>
    /// <param name="active">In any order.</param>
    /// <param name="input">[positions, input width], as it was encoded</param>
    /// <returns>[positions, output width]</returns>
    /// <exception cref="ArgumentOutOfRangeException">A latent or position does not exist.</exception>
    public Tensor Decode(IReadOnlyList<ActiveFeature> active, Matrix input)
    {
        List<ActiveFeature>[] at = new List<ActiveFeature>[input.Rows];
        for (int position = 0; position < at.Length; position++) at[position] = [];
        foreach (ActiveFeature feature in active)
        {
            if ((uint)feature.Feature >= (uint)Latents) throw new ArgumentOutOfRangeException(nameof(active), $"There are latents 0 to {Latents - 1}, not {feature.Feature}.");
            if ((uint)feature.Position >= (uint)at.Length) throw new ArgumentOutOfRangeException(nameof(active), $"There are positions 0 to {at.Length - 1}, not {feature.Position}.");
            at[feature.Position].Add(feature);
        }
        Tensor output = Tensor.Uninitialized(input.Rows, OutputWidth);
        WorkerPool.For(input.Rows, position =>
        {
            Span<float> sum = output.Row(position);
            DecoderBias.Span.CopyTo(sum);
            float[] row = new float[OutputWidth];
            foreach (ActiveFeature feature in at[position])
            {
                _decoder.CopyRow(feature.Feature, row);
                VectorOperations.AddScaled(sum, feature.Value * (_decoderScale?[feature.Feature] ?? 1), row);
            }
        });
        Finish(input, output);
        return output;
    }

    /// <summary>The same of all latents' activations, as one matrix product.</summary>
    /// <param name="activations">[positions, latents]</param>
    /// <param name="input">[positions, input width], as it was encoded</param>
    /// <returns>[positions, output width]</returns>
    public Tensor Decode(Tensor activations, Matrix input)
    {
        Tensor scaled = activations, output = Tensor.Uninitialized(input.Rows, OutputWidth);
        if (_decoderScale is not null)
        {
            scaled = activations.Clone();
            for (int position = 0; position < scaled.Rows; position++) TensorPrimitives.Multiply(scaled.Row(position), _decoderScale, scaled.Row(position));
        }
        MatrixProduct.Multiply(scaled.AsMatrix(), _decoder, output.AsMatrix());
        for (int position = 0; position < output.Rows; position++) TensorPrimitives.Add(output.Row(position), DecoderBias.Span, output.Row(position));
        Finish(input, output);
        return output;
    }

    /// <summary>What the autoencoder makes of activations: encoded and decoded.</summary>
    /// <param name="input">[positions, input width], at the hook</param>
    /// <returns>[positions, output width]</returns>
    public Tensor Reconstruct(Matrix input) => Decode(EncodeSparse(input), input);

    /// <summary>Reads what a unit of a latent's activation adds to the output.</summary>
    /// <param name="row">[output width]</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public void DecoderRow(int latent, Span<float> row)
    {
        if ((uint)latent >= (uint)Latents) throw new ArgumentOutOfRangeException(nameof(latent), $"There are latents 0 to {Latents - 1}, not {latent}.");
        _decoder.CopyRow(latent, row);
        if (_decoderScale is not null) TensorPrimitives.Multiply(row[..OutputWidth], _decoderScale[latent], row[..OutputWidth]);
    }

    /// <summary>What a decoder row is multiplied by at an input, where its normalization is undone after decoding; 1 where there is none.</summary>
    /// <param name="input">[input width], at the hook</param>
    public float OutputScale(ReadOnlySpan<float> input) => Settings.IsTranscoder ? 1 : InputScale.Of(Settings.Normalization, input).Multiplier;

    /// <summary>The points and layers of a model at which this autoencoder reads and writes.</summary>
    /// <exception cref="InvalidDataException">It names no hook, or one that the model does not have, or of another width.</exception>
    public (HookPoint Point, int Layer, HookPoint OutputPoint, int OutputLayer) FindHooks(ModelSpecification model)
    {
        string name = Settings.HookName ?? throw new InvalidDataException("The autoencoder's configuration names no hook (metadata.hook_name).");
        (HookPoint Point, int Layer) input = Parse(name), output = Settings.OutputHookName is { } other ? Parse(other) : input;
        CheckWidth(input.Point, name, InputWidth, "reads");
        CheckWidth(output.Point, Settings.OutputHookName ?? name, OutputWidth, "writes");
        return (input.Point, input.Layer, output.Point, output.Layer);

        (HookPoint, int) Parse(string hook)
        {
            try
            {
                return HookNames.Parse(hook, model);
            }
            catch (ArgumentException exception)
            {
                throw new InvalidDataException($"The autoencoder's hook does not fit the model: {exception.Message}", exception);
            }
        }

        void CheckWidth(HookPoint point, string hook, int width, string verb)
        {
            if (model.WidthAt(point) != width)
                throw new InvalidDataException($"The autoencoder {verb} {width} values a token at '{hook}', but the model has {model.WidthAt(point)?.ToString(CultureInfo.InvariantCulture) ?? "a pattern"} there.");
        }
    }

    public void Dispose()
    {
        foreach (IDisposable file in _files) file.Dispose();
    }

    /// <summary>The input as the encoder wants it.</summary>
    private Tensor Prepare(Matrix input)
    {
        if (input.Columns != InputWidth) throw new ArgumentException($"The autoencoder reads {InputWidth} values a position, not {input.Columns}.", nameof(input));
        Tensor prepared = Tensor.Uninitialized(input.Rows, InputWidth);
        for (int position = 0; position < input.Rows; position++)
        {
            Span<float> row = prepared.Row(position);
            input.Row(position).CopyTo(row);
            InputScale.Of(Settings.Normalization, row).Apply(row);
            if (Settings.SubtractsDecoderBias) TensorPrimitives.Subtract(row, DecoderBias.Span, row);
        }
        return prepared;
    }

    /// <summary>Undoes the normalization, unless the output is another hook's, and adds the skip connection, which reads the input as it was.</summary>
    private void Finish(Matrix input, Tensor output)
    {
        if (!Settings.IsTranscoder && Settings.Normalization != InputNormalization.None)
            for (int position = 0; position < input.Rows; position++) InputScale.Of(Settings.Normalization, input.Row(position)).Undo(output.Row(position));
        if (_skip is { } skip) MatrixProduct.Multiply(input, skip, output.AsMatrix(), accumulate: true);
    }

    /// <summary>One position's normalization.</summary>
    private readonly record struct InputScale(float Mean, float Divisor, float Multiplier)
    {
        private const float Epsilon = 1e-5f;

        public static InputScale Of(InputNormalization kind, ReadOnlySpan<float> x)
        {
            switch (kind)
            {
                case InputNormalization.LayerNorm:
                    float mean = TensorPrimitives.Sum(x) / x.Length;
                    float[] centered = new float[x.Length];
                    TensorPrimitives.Subtract(x, mean, centered);
                    float deviation = MathF.Sqrt(VectorOperations.SumOfSquares(centered) / (x.Length - 1)); // of a sample
                    return new InputScale(mean, deviation + Epsilon, deviation);
                case InputNormalization.ConstantNorm:
                    float scale = MathF.Sqrt(VectorOperations.SumOfSquares(x)) / MathF.Sqrt(x.Length);
                    return new InputScale(0, scale, scale);
                default:
                    return new InputScale(0, 1, 1);
            }
        }

        public void Apply(Span<float> x)
        {
            if (this == new InputScale(0, 1, 1)) return;
            TensorPrimitives.Subtract(x, Mean, x);
            TensorPrimitives.Divide(x, Divisor, x);
        }

        public void Undo(Span<float> x)
        {
            TensorPrimitives.Multiply(x, Multiplier, x);
            TensorPrimitives.Add(x, Mean, x);
        }
    }
}
