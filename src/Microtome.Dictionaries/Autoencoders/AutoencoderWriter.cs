using System.Text.Json;
using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>Writes an autoencoder as SAELens does: <c>cfg.json</c> and <c>sae_weights.safetensors</c>.</summary>
public static class AutoencoderWriter
{
    private const string LayoutVersion = "6.18.0"; // without one, SAELens reads a configuration as it was before its version 6

    /// <param name="type">Of the matrices' elements: F32, F16 or BF16. Vectors are always F32.</param>
    /// <param name="describe">Writes what else <c>cfg.json</c> should say of where the autoencoder comes from, into its metadata.</param>
    /// <exception cref="ArgumentException">SAELens has no such autoencoder: a TopK transcoder.</exception>
    public static void Write(string folder, SparseAutoencoder autoencoder, ElementType type = ElementType.F32, Action<Utf8JsonWriter>? describe = null, CancellationToken cancellation = default)
    {
        AutoencoderSettings settings = autoencoder.Settings;
        string architecture = Architecture(autoencoder);
        int latents = autoencoder.Latents, inputWidth = autoencoder.InputWidth, outputWidth = autoencoder.OutputWidth;
        SafetensorsWriter writer = new();
        if (autoencoder.Activation is not MatchingPursuit) Matrices.Add(writer, "W_enc", autoencoder.Encoder.T, type);
        if (autoencoder.HasDecoderScale && !settings.ScalesByDecoderNorm) Matrices.AddRows(writer, "W_dec", latents, outputWidth, autoencoder.DecoderRow, type);
        else Matrices.Add(writer, "W_dec", autoencoder.Decoder, type);
        writer.Add("b_dec", autoencoder.DecoderBias);
        switch (autoencoder.Activation)
        {
            case Gated gated:
                writer.Add("b_gate", gated.GateBias);
                writer.Add("r_mag", gated.LogScale);
                writer.Add("b_mag", gated.MagnitudeBias);
                break;
            case JumpRelu jump:
                writer.Add("b_enc", autoencoder.EncoderBias);
                writer.Add("threshold", jump.Thresholds);
                break;
            case MatchingPursuit:
                break;
            default:
                writer.Add("b_enc", autoencoder.EncoderBias);
                break;
        }
        if (autoencoder.Skip is { } skip) Matrices.Add(writer, "W_skip", skip.T, type);
        writer.Save(Path.Combine(folder, "sae_weights.safetensors"), cancellation);

        AtomicFile.Write(Path.Combine(folder, "cfg.json"), stream =>
        {
            using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
            json.WriteStartObject();
            json.WriteString("architecture", architecture);
            json.WriteNumber("d_in", inputWidth);
            json.WriteNumber("d_sae", latents);
            if (settings.IsTranscoder) json.WriteNumber("d_out", outputWidth);
            if (autoencoder.Activation is TopK { K: var k })
            {
                json.WriteNumber("k", k);
                json.WriteBoolean("rescale_acts_by_decoder_norm", settings.ScalesByDecoderNorm);
            }
            if (autoencoder.Activation is MatchingPursuit pursuit)
            {
                json.WriteNumber("residual_threshold", pursuit.ResidualThreshold);
                if (pursuit.MaximumIterations is { } most) json.WriteNumber("max_iterations", most);
                else json.WriteNull("max_iterations");
                json.WriteBoolean("stop_on_duplicate_support", pursuit.StopsAtSameLatents);
            }
            json.WriteString("dtype", "float32");
            json.WriteString("device", "cpu");
            json.WriteBoolean("apply_b_dec_to_input", settings.SubtractsDecoderBias);
            json.WriteString("normalize_activations", settings.Normalization switch
            {
                InputNormalization.LayerNorm => "layer_norm",
                InputNormalization.ConstantNorm => "constant_norm_rescale",
                _ => "none",
            });
            json.WriteString("reshape_activations", settings.HookName?.EndsWith(HookPoint.HeadOutput.Name(), StringComparison.Ordinal) == true ? "hook_z" : "none");
            json.WriteStartObject("metadata");
            json.WriteString("sae_lens_version", LayoutVersion);
            if (settings.ModelName is { } model) json.WriteString("model_name", model);
            if (settings.HookName is { } hook) json.WriteString("hook_name", hook);
            if (settings.OutputHookName is { } output) json.WriteString("hook_name_out", output);
            describe?.Invoke(json);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private static string Architecture(SparseAutoencoder autoencoder)
    {
        if (!autoencoder.Settings.IsTranscoder)
            return autoencoder.Activation switch { Gated => "gated", TopK => "topk", JumpRelu => "jumprelu", MatchingPursuit => "matching_pursuit", _ => "standard" };
        string skip = autoencoder.Skip is null ? "transcoder" : "skip_transcoder";
        return autoencoder.Activation switch
        {
            JumpRelu => $"jumprelu_{skip}",
            Relu => skip,
            { } other => throw new ArgumentException($"SAELens has no {other.Name} transcoders; it has those of ReLU and JumpReLU, which a BatchTopK one becomes."),
        };
    }
}
