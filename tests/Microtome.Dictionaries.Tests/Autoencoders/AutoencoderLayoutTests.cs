using System.Text.Json.Nodes;
using Microtome.Numerics;
using F = Microtome.Dictionaries.Tests.AutoencoderFolder;

namespace Microtome.Dictionaries.Tests;

/// <summary>Each layout and option, encoded and decoded, against plain sums in double precision over the parameters that were written.</summary>
public class AutoencoderLayoutTests
{
    private static readonly Func<double[], double[]> Relu = x => [.. x.Select(value => Math.Max(value, 0))];

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    [InlineData(ElementType.F64)]
    public void A_standard_autoencoder_of_any_type_of_weights(ElementType type)
    {
        using F folder = new F().SaeLens("standard", type: type);
        Check(folder, Relu);
    }

    [Fact]
    public void A_decoder_bias_that_is_subtracted_from_the_input()
    {
        using F folder = new F().SaeLens("standard", new JsonObject { ["apply_b_dec_to_input"] = true });
        Check(folder, Relu, prepare: x => [.. x.Select((value, i) => value - folder.DecoderBias[i])]);
    }

    [Fact]
    public void A_standard_configuration_subtracts_the_decoder_bias_unless_it_says_not_to()
    {
        using F folder = new F().SaeLens("standard");
        File.WriteAllText(folder["cfg.json"], $$"""{"d_in": {{F.Width}}, "d_sae": {{F.Latents}}, "hook_point": "blocks.0.hook_mlp_out", "model_name": "old"}""");
        SparseAutoencoder autoencoder = Check(folder, Relu, prepare: x => [.. x.Select((value, i) => value - folder.DecoderBias[i])]);
        autoencoder.Settings.HookName.ShouldBe("blocks.0.hook_mlp_out");
        autoencoder.Settings.ModelName.ShouldBe("old");
        autoencoder.Settings.Architecture.ShouldBe("standard");
    }

    [Fact]
    public void Layer_norm_divides_by_a_samples_deviation_and_is_undone_after_decoding()
    {
        using F folder = new F().SaeLens("standard", new JsonObject { ["normalize_activations"] = "layer_norm" });
        Check(folder, Relu, prepare: x => [.. x.Select(value => (value - x.Average()) / (Deviation(x) + 1e-5))], finish: (x, y) => [.. y.Select(value => value * Deviation(x) + x.Average())]);
    }

    [Fact]
    public void A_constant_norm_is_undone_after_decoding()
    {
        using F folder = new F().SaeLens("jumprelu", new JsonObject { ["normalize_activations"] = "constant_norm_rescale" });
        double Scale(double[] x) => Math.Sqrt(F.Width / x.Sum(value => value * value));
        Check(folder, x => Jump(folder, x), prepare: x => [.. x.Select(value => value * Scale(x))], finish: (x, y) => [.. y.Select(value => value / Scale(x))]);
    }

    [Theory]
    [InlineData(0.01, null, true)]
    [InlineData(0.5, null, false)]
    [InlineData(0, 4, false)]
    [InlineData(0, null, true)]
    [InlineData(100, null, true)]
    public void Matching_pursuit_takes_the_latent_that_fits_best_from_what_is_left(double threshold, int? most, bool stopsAtSame)
    {
        using F folder = new F().MatchingPursuit(new JsonObject { ["residual_threshold"] = threshold, ["max_iterations"] = most, ["stop_on_duplicate_support"] = stopsAtSame });
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder.Path);
        Tensor activations = autoencoder.Encode(folder.InputMatrix), output = autoencoder.Reconstruct(folder.InputMatrix);
        for (int position = 0; position < F.Positions; position++)
        {
            double[] left = [.. folder.InputMatrix.Row(position).ToArray().Select((value, i) => (double)value - folder.DecoderBias[i])], expected = new double[F.Latents];
            for (int iteration = 0; iteration < (most ?? F.Width); iteration++)
            {
                double[] fits = [.. Enumerable.Range(0, F.Latents).Select(latent => left.Select((value, i) => value * folder.Decoder[latent * F.Width + i]).Sum())];
                int best = Array.IndexOf(fits, fits.Max());
                bool isNew = expected[best] == 0 && fits[best] > 0;
                expected[best] += Math.Max(fits[best], 0);
                for (int i = 0; i < F.Width; i++) left[i] -= Math.Max(fits[best], 0) * folder.Decoder[best * F.Width + i];
                if ((stopsAtSame && !isNew) || (threshold > 0 && Math.Sqrt(left.Sum(value => value * value)) < threshold)) break;
            }
            for (int latent = 0; latent < F.Latents; latent++) activations.Row(position)[latent].ShouldBe((float)expected[latent], 1e-4f);
            for (int i = 0; i < F.Width; i++) output.Row(position)[i].ShouldBe((float)(folder.InputMatrix.Row(position)[i] - left[i]), 1e-4f);
            activations.Row(position).ToArray().Count(value => value != 0).ShouldBeGreaterThan(0);
        }
    }

    [Fact]
    public void Matching_pursuit_whose_bias_is_not_subtracted_adds_none()
    {
        using F folder = new F().MatchingPursuit(new JsonObject { ["apply_b_dec_to_input"] = false });
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder.Path);
        Tensor zero = autoencoder.Reconstruct(new Tensor(1, F.Width).AsMatrix());
        zero.Span.ToArray().ShouldAllBe(value => value == 0);
    }

    [Theory]
    [InlineData("\"expected_average_only_in\"")]
    [InlineData("true")]
    [InlineData("null")]
    public void An_average_that_was_folded_in_changes_nothing(string value)
    {
        using F folder = new F().SaeLens("standard", new JsonObject { ["normalize_activations"] = JsonNode.Parse(value) });
        Check(folder, Relu);
    }

    [Fact]
    public void Negative_thresholds_let_nothing_below_zero_through()
    {
        using F folder = new F().SaeLens("jumprelu");
        folder.Threshold.ShouldContain(value => value < 0);
        Check(folder, x => Jump(folder, x));
    }

    [Fact]
    public void TopK_drops_what_is_negative_among_the_largest()
    {
        using F folder = new F().SaeLens("topk", new JsonObject { ["k"] = 12 });
        Check(folder, x => Top(x, 12));
    }

    [Fact]
    public void TopK_in_units_of_decoder_norms()
    {
        using F folder = new F().SaeLens("topk", new JsonObject { ["k"] = 4, ["rescale_acts_by_decoder_norm"] = true });
        Check(folder, x => Top([.. x.Select((value, latent) => value * folder.DecoderNorm(latent))], 4), decoded: (value, latent) => value / folder.DecoderNorm(latent));
    }

    [Fact]
    public void TopK_as_older_configurations_spell_it()
    {
        using F folder = new F().SaeLens("standard", new JsonObject { ["activation_fn_str"] = "topk", ["activation_fn_kwargs"] = new JsonObject { ["k"] = 3 } });
        Check(folder, x => Top(x, 3)).Settings.Architecture.ShouldBe("topk");
    }

    [Theory]
    [InlineData("batchtopk")]
    [InlineData("matryoshka_batchtopk")]
    public void BatchTopK_that_was_saved_in_training_uses_its_threshold(string architecture)
    {
        using F folder = new F().SaeLens(architecture, new JsonObject { ["k"] = 3.5, ["rescale_acts_by_decoder_norm"] = false }, vectors: ("topk_threshold", [0.3f]));
        Check(folder, x => [.. x.Select(value => value > 0.3f ? value : 0)]);
    }

    [Fact]
    public void A_gated_autoencoder()
    {
        using F folder = new();
        float[] gate = folder.Values(F.Latents), magnitude = folder.Values(F.Latents), scale = folder.Values(F.Latents);
        folder.SaeLens("gated", vectors: [("b_gate", gate), ("b_mag", magnitude), ("r_mag", scale)]);
        Check(folder, x => [.. x.Select((value, i) => value + gate[i] > 0 ? Math.Max(value * Math.Exp(scale[i]) + magnitude[i], 0) : 0)], encoderBias: false);
    }

    [Fact]
    public void A_scaling_factor_of_older_files_multiplies_what_is_decoded()
    {
        using F folder = new();
        float[] factor = folder.Values(F.Latents);
        folder.SaeLens("standard", new JsonObject { ["finetuning_scaling_factor"] = true }, vectors: ("scaling_factor", factor));
        Check(folder, Relu, decoded: (value, latent) => value * factor[latent]);
    }

    [Theory]
    [InlineData("transcoder")]
    [InlineData("skip_transcoder")]
    [InlineData("jumprelu_transcoder")]
    [InlineData("jumprelu_skip_transcoder")]
    public void Transcoders_to_another_width(string architecture)
    {
        using F folder = new F(outputWidth: 4).SaeLens(architecture, new JsonObject { ["hook_name_out"] = "blocks.1.hook_mlp_out" });
        SparseAutoencoder transcoder = Check(folder, x => architecture.StartsWith("jump", StringComparison.Ordinal) ? Jump(folder, x) : Relu(x),
            finish: (x, y) => architecture.Contains("skip", StringComparison.Ordinal) ? [.. y.Zip(folder.Skipped(x), (a, b) => a + b)] : y);
        transcoder.Settings.OutputHookName.ShouldBe("blocks.1.hook_mlp_out");
    }

    [Fact]
    public void Gemma_Scope_archives()
    {
        using F folder = new F().GemmaScope();
        Check(folder, x => Jump(folder, x));
    }

    [Fact]
    public void Gemma_Scope_2_autoencoders()
    {
        using F folder = new F().GemmaScope2("""{"architecture": "jump_relu", "model_name": "google/gemma-3-1b-pt", "hf_hook_point_in": "model.layers.10.output", "l0": 20}""");
        Check(folder, x => Jump(folder, x)).Settings.HookName.ShouldBe("blocks.10.hook_resid_post");
    }

    [Fact]
    public void Gemma_Scope_2_transcoders()
    {
        using F folder = new F(outputWidth: 4).GemmaScope2("""
            {"architecture": "jump_relu", "hf_hook_point_in": "model.layers.5.pre_feedforward_layernorm.output",
             "hf_hook_point_out": "model.layers.5.post_feedforward_layernorm.output", "affine_connection": true, "type": "transcoder"}
            """, skip: true);
        SparseAutoencoder transcoder = Check(folder, x => Jump(folder, x), finish: (x, y) => [.. y.Zip(folder.Skipped(x), (a, b) => a + b)]);
        transcoder.Settings.HookName.ShouldBe("blocks.5.mlp.hook_in");
        transcoder.Settings.OutputHookName.ShouldBe("blocks.5.hook_mlp_out");
    }

    /// <summary>Compares with a plain computation and gives the autoencoder, already closed, for what else a test asks of it.</summary>
    /// <param name="prepare">What is done to an input before the encoder.</param>
    /// <param name="decoded">What an activation multiplies its decoder row by.</param>
    /// <param name="finish">What is done to an output, given its input.</param>
    private static SparseAutoencoder Check(F folder, Func<double[], double[]> activate, Func<double[], double[]>? prepare = null,
        Func<double, int, double>? decoded = null, Func<double[], double[], double[]>? finish = null, bool encoderBias = true)
    {
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder.Path);
        Matrix input = folder.InputMatrix;
        Tensor dense = autoencoder.Encode(input), output = autoencoder.Reconstruct(input), product = autoencoder.Decode(dense, input);
        List<ActiveFeature> expectedActive = [];
        for (int position = 0; position < F.Positions; position++)
        {
            double[] x = Array.ConvertAll(input.Row(position).ToArray(), value => (double)value);
            double[] activations = activate(folder.PreActivations(prepare?.Invoke(x) ?? x, encoderBias));
            for (int latent = 0; latent < F.Latents; latent++)
            {
                dense.Row(position)[latent].ShouldBe((float)activations[latent], 3e-6f);
                if (activations[latent] != 0) expectedActive.Add(new ActiveFeature(position, latent, dense.Row(position)[latent]));
            }
            double[] y = folder.Decoded(decoded is null ? activations : [.. activations.Select(decoded)]);
            y = finish?.Invoke(x, y) ?? y;
            for (int j = 0; j < y.Length; j++)
            {
                output.Row(position)[j].ShouldBe((float)y[j], 1e-5f);
                product.Row(position)[j].ShouldBe((float)y[j], 1e-5f);
            }
        }
        autoencoder.EncodeSparse(input).ShouldBe(expectedActive);
        expectedActive.Count.ShouldBeInRange(1, F.Positions * F.Latents - 1);
        float[] row = new float[folder.OutputWidth];
        autoencoder.DecoderRow(7, row);
        row[1].ShouldBe((float)(folder.Decoder[7 * folder.OutputWidth + 1] * (decoded?.Invoke(1, 7) ?? 1)), 1e-6f);
        return autoencoder;
    }

    private static double[] Jump(F folder, double[] x) => [.. x.Select((value, latent) => value > folder.Threshold[latent] ? Math.Max(value, 0) : 0)];

    private static double[] Top(double[] x, int k) => [.. x.Select(value => x.Count(other => other > value) < k ? Math.Max(value, 0) : 0)];

    private static double Deviation(double[] x) => Math.Sqrt(x.Sum(value => (value - x.Average()) * (value - x.Average())) / (x.Length - 1));
}
