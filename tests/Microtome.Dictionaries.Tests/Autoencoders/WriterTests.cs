using System.Text.Json.Nodes;
using Microtome.Numerics;
using F = Microtome.Dictionaries.Tests.AutoencoderFolder;

namespace Microtome.Dictionaries.Tests;

public sealed class WriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("standard")]
    [InlineData("topk")]
    [InlineData("jumprelu")]
    [InlineData("transcoder")]
    [InlineData("skip_transcoder")]
    [InlineData("jumprelu_skip_transcoder")]
    public void An_autoencoder_is_read_back_as_it_was(string architecture)
    {
        JsonObject more = new() { ["k"] = 4, ["hook_name_out"] = "blocks.1.hook_mlp_out", ["rescale_acts_by_decoder_norm"] = true };
        if (architecture == "standard") more["normalize_activations"] = "layer_norm";
        using F folder = new F().SaeLens(architecture, more);
        Check(folder);
    }

    [Fact]
    public void A_gated_autoencoder_is_read_back_as_it_was()
    {
        using F folder = new();
        folder.SaeLens("gated", new JsonObject { ["apply_b_dec_to_input"] = true }, vectors: [("b_gate", folder.Values(F.Latents)), ("b_mag", folder.Values(F.Latents)), ("r_mag", folder.Values(F.Latents))]);
        Check(folder);
    }

    [Fact]
    public void Matching_pursuit_is_read_back_as_it_was()
    {
        using F folder = new F().MatchingPursuit(new JsonObject { ["residual_threshold"] = 0.25, ["max_iterations"] = 5 });
        Check(folder);
    }

    [Fact]
    public void Gemma_Scopes_become_SAELens()
    {
        using F folder = new F().GemmaScope();
        Check(folder);
    }

    [Fact]
    public void A_scaling_factor_goes_into_the_decoder()
    {
        using F folder = new();
        folder.SaeLens("standard", new JsonObject { ["finetuning_scaling_factor"] = true }, vectors: ("scaling_factor", folder.Values(F.Latents)));
        Check(folder);
    }

    [Fact]
    public void Weights_in_bfloat16_take_half_the_space()
    {
        using F folder = new F().SaeLens("standard");
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder.Path);
        AutoencoderWriter.Write(_folder.Path, autoencoder, ElementType.BF16);
        using SparseAutoencoder again = AutoencoderReader.Open(_folder.Path);
        again.Encoder.Type.ShouldBe(ElementType.BF16);
        Tensor expected = autoencoder.Reconstruct(folder.InputMatrix), actual = again.Reconstruct(folder.InputMatrix);
        for (int i = 0; i < expected.Length; i++) actual.Span[i].ShouldBe(expected.Span[i], 0.05f);
    }

    [Fact]
    public void A_TopK_transcoder_has_no_place_in_SAELens()
    {
        using F folder = new F().SaeLens("topk");
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder.Path);
        using SparseAutoencoder transcoder = new(autoencoder.Settings with { Architecture = "topk_transcoder" }, new LatentEncoder(autoencoder.Encoder, autoencoder.EncoderBias, autoencoder.Activation), autoencoder.Decoder, autoencoder.DecoderBias);
        Should.Throw<ArgumentException>(() => AutoencoderWriter.Write(_folder.Path, transcoder)).Message.ShouldContain("SAELens has no TopK(100) transcoders");
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("activation: topk\nk: 4", false)]
    [InlineData("threshold", false)]
    [InlineData("skip", false)]
    [InlineData("", true)]
    [InlineData("threshold", true)]
    public void Transcoders_are_read_back_as_they_were(string option, bool crossLayer)
    {
        using TranscoderFolder folder = new();
        folder.Configure(crossLayer ? "cross_layer_transcoder" : "transcoder_set", option.Contains(':', StringComparison.Ordinal) ? option : "");
        if (crossLayer) folder.CrossLayer(threshold: option == "threshold");
        else folder.PerLayer(threshold: option == "threshold", skip: option == "skip");
        CheckSet(folder);
    }

    [Fact]
    public void Gemma_Scope_2_becomes_circuit_tracers()
    {
        using TranscoderFolder folder = new();
        folder.Configure("cross_layer_transcoder", TranscoderFolder.Listed("params_*.safetensors")).GemmaScope2(crossLayer: true);
        CheckSet(folder);
    }

    private void Check(F folder)
    {
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder.Path);
        AutoencoderWriter.Write(_folder.Path, autoencoder);
        using SparseAutoencoder again = AutoencoderReader.Open(_folder.Path);
        again.Settings.ShouldBe(autoencoder.Settings);
        again.Activation.Name.ShouldBe(autoencoder.Activation.Name);
        again.Encode(folder.InputMatrix).Span.ToArray().ShouldBe(autoencoder.Encode(folder.InputMatrix).Span.ToArray());
        float[] expected = autoencoder.Reconstruct(folder.InputMatrix).Span.ToArray(), actual = again.Reconstruct(folder.InputMatrix).Span.ToArray();
        for (int i = 0; i < expected.Length; i++) actual[i].ShouldBe(expected[i], 1e-6f); // scales are folded into rows, which rounds once
    }

    private void CheckSet(TranscoderFolder folder)
    {
        using TranscoderSet set = TranscoderReader.Open(folder.Path);
        TranscoderWriter.Write(_folder.Path, set);
        using TranscoderSet again = TranscoderReader.Open(_folder.Path);
        (again.Name, again.ModelName, again.IsCrossLayer, again.Input, again.Output, again.HasSkip).ShouldBe((set.Name, set.ModelName, set.IsCrossLayer, set.Input, set.Output, set.HasSkip));
        Matrix input = folder.Inputs(3).AsMatrix();
        float[] row = new float[TranscoderFolder.Width], expected = new float[TranscoderFolder.Width];
        foreach ((Transcoder there, Transcoder here) in set.Layers.Zip(again.Layers))
        {
            here.EncodeSparse(input).ShouldBe(there.EncodeSparse(input));
            here.Targets.ShouldBe(there.Targets);
            for (int target = there.Layer; target < there.Layer + there.Targets; target++)
            {
                there.DecoderRow(2, target, expected);
                here.DecoderRow(2, target, row);
                row.ShouldBe(expected);
            }
            here.DecoderBias.Span.ToArray().ShouldBe(there.DecoderBias.Span.ToArray());
            for (int i = 0; there.Skip is not null && i < 3; i++) here.Skip!.Value[i, 1].ShouldBe(there.Skip.Value[i, 1]);
        }
    }
}
