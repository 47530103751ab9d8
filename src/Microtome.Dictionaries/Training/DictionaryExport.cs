using System.Globalization;
using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>Makes of trained parameters the dictionary that is used: scales folded into the weights, BatchTopK turned into thresholds.</summary>
internal static class DictionaryExport
{
    /// <summary>One block as an autoencoder or a transcoder of one layer.</summary>
    public static SparseAutoencoder Autoencoder(TrainableDictionary trained, string? model, string? hook, string? outputHook)
    {
        LatentBlock block = trained.Blocks[0];
        Parts parts = Fold(trained, 0);
        bool transcoder = trained.Options.Kind is DictionaryKind.Transcoder or DictionaryKind.SkipTranscoder;
        string plain = parts.Activation switch { JumpRelu => "jumprelu", TopK => "topk", Gated => "gated", _ => "standard" };
        string kind = trained.Skip is null ? "transcoder" : "skip_transcoder";
        AutoencoderSettings settings = new()
        {
            Architecture = !transcoder ? plain : plain == "standard" ? kind : $"{plain}_{kind}",
            ModelName = model,
            HookName = hook,
            OutputHookName = transcoder ? outputHook : null,
            SubtractsDecoderBias = trained.SubtractsDecoderBias,
        };
        return new SparseAutoencoder(settings, new LatentEncoder(parts.Encoder.AsMatrix(), parts.Activation is Gated ? new Tensor(block.Encoder.Value.Rows) : parts.Bias, parts.Activation),
            parts.Decoder.AsMatrix(), parts.DecoderBias, parts.Skip is { } skip ? skip.AsMatrix() : null);
    }

    /// <summary>One-layer transcoders, in the layers' order, or the blocks of a cross-layer one, as a set.</summary>
    public static TranscoderSet Transcoders(IReadOnlyList<TrainableDictionary> trained, string name, string? model, HookPoint input, HookPoint output)
    {
        bool cross = trained[0].Options.Kind == DictionaryKind.CrossLayer;
        List<Transcoder> layers = [];
        foreach (TrainableDictionary dictionary in trained)
            for (int block = 0; block < dictionary.Blocks.Count; block++)
            {
                Parts parts = Fold(dictionary, block);
                int features = parts.Encoder.Rows, width = parts.Encoder.Columns;
                StoredTensor decoder = StoredTensor.Over(string.Create(CultureInfo.InvariantCulture, $"decoder of layer {layers.Count}"), Tensor.From(parts.Decoder.Span, features, parts.Decoder.Columns / width, width));
                layers.Add(new Transcoder(layers.Count, parts.Encoder.AsMatrix(), parts.Bias, parts.Activation, decoder, 0, parts.DecoderBias, parts.Skip is { } skip ? skip.AsMatrix() : null));
            }
        return new TranscoderSet(name, model, cross, input, output, layers, []);
    }

    private sealed record Parts(Tensor Encoder, Tensor Bias, FeatureActivation Activation, Tensor Decoder, Tensor DecoderBias, Tensor? Skip);

    /// <summary>
    /// With inputs scaled by s and outputs by t, latents become f/t where there is one output: decoder rows keep their norm of 1. With several outputs of
    /// different scales latents stay as they are and the rows are divided.
    /// </summary>
    private static Parts Fold(TrainableDictionary trained, int index)
    {
        LatentBlock block = trained.Blocks[index];
        float input = trained.InputScales[index], unit = trained.OutputWidths.Count == 1 ? 1 / trained.OutputScales[0] : 1;
        Tensor encoder = Times(block.Encoder.Value, input * unit), decoder = block.Decoder.Value.Clone(), decoderBias = Tensor.From(trained.DecoderBias.Value.Span.Slice(block.FirstColumn, trained.OutputWidths[index]), trained.OutputWidths[index]);
        TensorPrimitives.Divide(decoderBias.Span, trained.OutputScales[index], decoderBias.Span);
        if (trained.OutputWidths.Count > 1)
            for (int row = 0; row < decoder.Rows; row++)
                for (int output = index, column = 0; output < trained.OutputWidths.Count; column += trained.OutputWidths[output++])
                {
                    Span<float> part = decoder.Row(row).Slice(column, trained.OutputWidths[output]);
                    TensorPrimitives.Divide(part, trained.OutputScales[output], part);
                }
        Tensor? skip = trained.Skip is null ? null : Times(trained.Skip.Value, input / trained.OutputScales[0]);
        if (trained.Options.Activation == DictionaryActivation.Gated && !trained.SubtractsDecoderBias) return GatedAsJump(block, unit, encoder, decoder, decoderBias, skip);
        return new Parts(encoder, Times(block.EncoderBias.Value, unit), Activation(trained, block, unit), decoder, decoderBias, skip);
    }

    /// <summary>
    /// A gate that shares its weights with the magnitude is a threshold: Wx + b_gate exceeds 0 where e^r Wx + b_mag exceeds b_mag - e^r b_gate
    /// (Rajamanoharan et al. 2024, arXiv 2404.16014, section 3.2). Transcoders are written so, for no layout has gated ones.
    /// </summary>
    private static Parts GatedAsJump(LatentBlock block, float unit, Tensor encoder, Tensor decoder, Tensor decoderBias, Tensor? skip)
    {
        Tensor thresholds = new(encoder.Rows);
        ReadOnlySpan<float> log = block.LogScale!.Value.Span, magnitude = block.MagnitudeBias!.Value.Span, gate = block.EncoderBias.Value.Span;
        for (int latent = 0; latent < encoder.Rows; latent++)
        {
            float scale = MathF.Exp(log[latent]);
            TensorPrimitives.Multiply(encoder.Row(latent), scale, encoder.Row(latent));
            thresholds.Span[latent] = MathF.Max(0, (magnitude[latent] - scale * gate[latent]) * unit);
        }
        return new Parts(encoder, Times(block.MagnitudeBias.Value, unit), new JumpRelu(thresholds), decoder, decoderBias, skip);
    }

    private static FeatureActivation Activation(TrainableDictionary trained, LatentBlock block, float unit)
    {
        switch (trained.Options.Activation)
        {
            case DictionaryActivation.TopK:
                return new TopK(trained.Options.K, rectified: true);
            case DictionaryActivation.JumpRelu:
                return new JumpRelu(Times(block.Threshold!.Value, unit));
            case DictionaryActivation.Gated:
                return new Gated(Times(block.EncoderBias.Value, unit), block.LogScale!.Value.Clone(), Times(block.MagnitudeBias!.Value, unit));
            case DictionaryActivation.Relu:
                return new Relu();
            default:
                Tensor thresholds = new(trained.Options.Latents);
                // The least that was kept counts; a threshold must be below it.
                thresholds.Span.Fill(block.KeptFrom > 0 ? MathF.BitDecrement((float)block.KeptFrom * unit) : 0);
                return new JumpRelu(thresholds);
        }
    }

    private static Tensor Times(Tensor x, float factor)
    {
        Tensor result = x.Clone();
        TensorPrimitives.Multiply(result.Span, factor, result.Span);
        return result;
    }
}
