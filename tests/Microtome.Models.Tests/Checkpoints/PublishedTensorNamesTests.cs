using System.Text.Json.Nodes;

namespace Microtome.Models.Tests;

/// <summary>The same weights under the names that published checkpoints use, and among the buffers that some of them carry, give the same logits.</summary>
public sealed class PublishedTensorNamesTests
{
    [Fact]
    public void GPT2s_official_file_has_no_prefix_and_carries_masks()
    {
        float[] expected = TinyCheckpoint.Logits(TinyConfigurations.Gpt2, "gpt2", "transformer.");

        TinyCheckpoint.Logits(TinyConfigurations.Gpt2, "gpt2", "", ("h.0.attn.bias", [1, 1, 16, 16]), ("h.1.attn.bias", [1, 1, 16, 16]), ("h.0.attn.masked_bias", [])).ShouldBe(expected);
    }

    [Fact]
    public void GPT2_with_a_copy_of_its_tied_unembedding_ignores_it() =>
        TinyCheckpoint.Logits(TinyConfigurations.Gpt2, "gpt2", "transformer.", ("lm_head.weight", [11, 8])).ShouldBe(TinyCheckpoint.Logits(TinyConfigurations.Gpt2, "gpt2", "transformer."));

    [Fact]
    public void Pythia_carries_masks_and_frequencies()
    {
        float[] expected = TinyCheckpoint.Logits(TinyConfigurations.GptNeoX, "gpt_neox", "gpt_neox.", ("embed_out.weight", [11, 16]));

        TinyCheckpoint.Logits(TinyConfigurations.GptNeoX, "gpt_neox", "gpt_neox.", ("embed_out.weight", [11, 16]),
            ("gpt_neox.layers.0.attention.rotary_emb.inv_freq", [1]), ("gpt_neox.layers.0.attention.masked_bias", []), ("gpt_neox.layers.0.attention.bias", [1, 1, 16, 16])).ShouldBe(expected);
    }

    [Fact]
    public void Pythia_without_an_unembedding_is_refused() =>
        Should.Throw<InvalidDataException>(() => TinyCheckpoint.Logits(TinyConfigurations.GptNeoX, "gpt_neox", "gpt_neox."))
            .Message.ShouldContain("no tensor 'embed_out.weight', and its configuration does not tie the unembedding to the embedding");

    [Theory]
    [InlineData("language_model.model.")]
    [InlineData("model.language_model.")]
    public void Multimodal_Gemma_3_has_its_language_model_under_a_prefix(string prefix)
    {
        float[] expected = TinyCheckpoint.Logits(TinyConfigurations.Gemma3, "gemma3", "model.");
        JsonObject multimodal = new() { ["model_type"] = "gemma3", ["text_config"] = TinyConfigurations.Gemma3, ["vision_config"] = new JsonObject { ["hidden_size"] = 4 } };

        TinyCheckpoint.Logits(multimodal, "gemma3", prefix, ("vision_tower.vision_model.embeddings.patch_embedding.weight", [4, 3, 2, 2]), ("multi_modal_projector.mm_input_projection_weight", [4, 8])).ShouldBe(expected);
    }

    [Theory]
    [InlineData("lm_head.weight")]
    [InlineData("language_model.lm_head.weight")]
    public void Gemma_3_with_a_copy_of_its_tied_unembedding_ignores_it(string name) =>
        TinyCheckpoint.Logits(TinyConfigurations.Gemma3, "gemma3", "model.", (name, [11, 8])).ShouldBe(TinyCheckpoint.Logits(TinyConfigurations.Gemma3, "gemma3", "model."));

    [Fact]
    public void Logits_differ_from_token_to_token() =>
        TinyCheckpoint.Logits(TinyConfigurations.Gemma3, "gemma3", "model.").Distinct().Count().ShouldBe(11);
}
