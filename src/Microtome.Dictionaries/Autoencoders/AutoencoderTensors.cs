using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>An autoencoder but for the files that its weights lie in.</summary>
internal sealed record AutoencoderParts(AutoencoderSettings Settings, LatentEncoder Encoder, MatrixView Decoder, Tensor DecoderBias, MatrixView? Skip, float[]? DecoderScale)
{
    public SparseAutoencoder Build(IReadOnlyList<IDisposable> files, long bytes) =>
        new(Settings, Encoder, Decoder, DecoderBias, Skip, DecoderScale, files) { Bytes = bytes };
}

/// <summary>Finds an autoencoder's parts among a file's tensors and checks that they fit each other and the configuration.</summary>
internal sealed class AutoencoderTensors(string path, IReadOnlyDictionary<string, StoredTensor> tensors)
{
    public AutoencoderParts Read(SaeLensConfiguration configuration)
    {
        AutoencoderSettings settings = configuration.Settings;
        if (configuration.ChoosesOneByOne is { } pursuit) return ReadTied(configuration, pursuit);
        StoredTensor encoder = Get("W_enc", "w_enc"), decoder = Get("W_dec", "w_dec");
        MatrixView columns = Weights(encoder), rows = Weights(decoder); // [input width, latents], [latents, output width]
        int inputWidth = columns.Rows, latents = columns.Columns, outputWidth = rows.Columns;
        if (configuration.InputWidth is { } d && d != inputWidth || configuration.Latents is { } n && n != latents)
            throw Wrong(encoder, $"[{configuration.InputWidth}, {configuration.Latents}], by the configuration,");
        if (rows.Rows != latents || outputWidth != (configuration.OutputWidth ?? (settings.IsTranscoder ? outputWidth : inputWidth)))
            throw Wrong(decoder, $"[{latents}, {configuration.OutputWidth ?? inputWidth}]");

        Tensor decoderBias = Vector("b_dec", outputWidth);
        float[]? norms = settings.ScalesByDecoderNorm ? Norms(rows) : null, decoderScale = norms is null ? null : Array.ConvertAll(norms, norm => norm > 0 ? 1 / norm : 0);
        if (ScalingFactor(configuration, latents) is { } factor)
        {
            decoderScale ??= Enumerable.Repeat(1f, latents).ToArray();
            TensorPrimitives.Multiply<float>(decoderScale, factor, decoderScale);
        }
        FeatureActivation activation = Activation(configuration, latents);
        Tensor encoderBias = activation is Gated ? new Tensor(latents) : Vector("b_enc", latents);
        LatentEncoder reads = new(columns.T, encoderBias, activation, norms is null ? null : Tensor.From(norms, latents));
        MatrixView? skip = Skip(inputWidth, outputWidth, settings);
        return new AutoencoderParts(settings, reads, rows, decoderBias, skip, decoderScale);
    }

    /// <summary>One matrix that both reads and writes. Its bias is added where it was subtracted, and nowhere else.</summary>
    private AutoencoderParts ReadTied(SaeLensConfiguration configuration, FeatureActivation activation)
    {
        StoredTensor decoder = Get("W_dec", "w_dec");
        MatrixView rows = Weights(decoder); // [latents, width]
        if (configuration.InputWidth is { } width && width != rows.Columns || configuration.Latents is { } latents && latents != rows.Rows)
            throw Wrong(decoder, $"[{configuration.Latents}, {configuration.InputWidth}], by the configuration,");
        Tensor bias = configuration.Settings.SubtractsDecoderBias ? Vector("b_dec", rows.Columns) : new Tensor(rows.Columns);
        return new AutoencoderParts(configuration.Settings, new LatentEncoder(rows, new Tensor(rows.Rows), activation), rows, bias, null, null);
    }

    private FeatureActivation Activation(SaeLensConfiguration configuration, int latents)
    {
        switch (configuration.Settings.Architecture)
        {
            case "gated":
                return new Gated(Vector("b_gate", latents), Vector("r_mag", latents), Vector("b_mag", latents));
            case "topk":
                return configuration.K is > 0 ? new TopK(configuration.K.Value, rectified: true) : throw new InvalidDataException($"{path}: k is {configuration.K}; TopK needs at least 1.");
            case "jumprelu" or "jumprelu_transcoder" or "jumprelu_skip_transcoder":
                return tensors.ContainsKey("threshold") || !tensors.ContainsKey("log_threshold") ? Thresholds(Vector("threshold", latents)) : Thresholds(Exponential(Vector("log_threshold", latents)));
            case "batchtopk" or "matryoshka_batchtopk": // as it is in training, before it becomes JumpReLU
                Tensor same = new(latents);
                same.Span.Fill(Vector("topk_threshold", 1).Span[0]);
                return Thresholds(same);
            default:
                return new Relu();
        }
    }

    /// <summary>What is below zero never counts: activations are those of a ReLU where they exceed their threshold.</summary>
    private static JumpRelu Thresholds(Tensor thresholds)
    {
        TensorPrimitives.Max(thresholds.Span, 0f, thresholds.Span);
        return new JumpRelu(thresholds);
    }

    private static Tensor Exponential(Tensor logs)
    {
        TensorPrimitives.Exp<float>(logs.Span, logs.Span);
        return logs;
    }

    /// <summary>The skip connection as [in, out]. SAELens stores [out, in], Gemma Scope 2 [in, out].</summary>
    private MatrixView? Skip(int inputWidth, int outputWidth, AutoencoderSettings settings)
    {
        if (tensors.TryGetValue("affine_skip_connection", out StoredTensor? affine))
            return affine.Shape.SequenceEqual([inputWidth, outputWidth]) ? Weights(affine) : throw Wrong(affine, $"[{inputWidth}, {outputWidth}]");
        if (!settings.Architecture.Contains("skip", StringComparison.Ordinal)) return null;
        StoredTensor skip = Get("W_skip");
        return skip.Shape.SequenceEqual([outputWidth, inputWidth]) ? Weights(skip).T : throw Wrong(skip, $"[{outputWidth}, {inputWidth}]");
    }

    private float[]? ScalingFactor(SaeLensConfiguration configuration, int latents)
    {
        string? name = new[] { "finetuning_scaling_factor", "scaling_factor" }.FirstOrDefault(tensors.ContainsKey);
        if (name is null) return null;
        float[] factor = Vector(name, latents).Span.ToArray();
        if (factor.All(value => Math.Abs(value - 1) <= 1e-5f)) return null;
        return configuration.HasScalingFactor ? factor : throw new InvalidDataException($"{path}: '{name}' is not 1, but the configuration's finetuning_scaling_factor is false.");
    }

    private static float[] Norms(MatrixView rows)
    {
        float[] norms = new float[rows.Rows];
        WorkerPool.For(rows.Rows, row =>
        {
            float[] values = new float[rows.Columns];
            rows.CopyRow(row, values);
            norms[row] = MathF.Sqrt(VectorOperations.SumOfSquares(values));
        });
        return norms;
    }

    private Tensor Vector(string name, int length)
    {
        StoredTensor vector = Get(name);
        if (vector.Length != length) throw Wrong(vector, $"[{length}]");
        return Tensor.From(vector.ToTensor().Span, length);
    }

    /// <summary>A matrix as it is stored; one of float64 as float32.</summary>
    private MatrixView Weights(StoredTensor tensor)
    {
        if (tensor.Shape.Length != 2 || tensor.Shape[0] is <= 0 or > int.MaxValue || tensor.Shape[1] is <= 0 or > int.MaxValue) throw Wrong(tensor, "[rows, columns]");
        if (tensor.Type == ElementType.F64 && tensor.Length <= Tensor.MaximumLength) return tensor.ToTensor().AsMatrix();
        return tensor.Type.IsWeight() ? tensor.AsMatrix() : throw new InvalidDataException($"{path}: '{tensor.Name}' holds {tensor.Type}; weights must be F32, F16 or BF16.");
    }

    private StoredTensor Get(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
            if (tensors.TryGetValue(name, out StoredTensor? tensor)) return tensor;
        throw new InvalidDataException($"{path} has no tensor '{names[0]}'; it has {string.Join(", ", tensors.Keys.Order(StringComparer.Ordinal).Take(12))}.");
    }

    private InvalidDataException Wrong(StoredTensor tensor, string expected) => new($"{path}: '{tensor.Name}' has shape {tensor.ShapeText}; {expected} is needed.");
}
