using System.Text.Json.Nodes;
using Microtome.Models;
using Microtome.Models.Safetensors;
using F = Microtome.Dictionaries.Tests.AutoencoderFolder;

namespace Microtome.Dictionaries.Tests;

public class HostileAutoencoderTests
{
    [Theory]
    [InlineData("architecture", "\"temporal\"", "the architecture 'temporal' is not known; known are standard, gated, jumprelu, topk")]
    [InlineData("architecture", "7", "'architecture' is 7; a string is needed")]
    [InlineData("d_in", "7", "'W_enc' has shape [6, 16]; [7, 16], by the configuration, is needed")]
    [InlineData("d_in", "-1", "d_in is -1; it must be from 1 to")]
    [InlineData("d_in", "null", "has no 'd_in'")]
    [InlineData("d_sae", "1e300", "'d_sae' is 1e300; a whole number is needed")]
    [InlineData("normalize_activations", "\"batch_norm\"", "normalize_activations is 'batch_norm'; known are none")]
    [InlineData("normalize_activations", "[]", "'normalize_activations' is []; a string is needed")]
    [InlineData("apply_b_dec_to_input", "\"yes\"", "'apply_b_dec_to_input' is \"yes\"; true or false is needed")]
    [InlineData("metadata", "[]", "'metadata' is []; an object is needed")]
    [InlineData("activation_fn_str", "\"tanh-relu\"", "the activation 'tanh-relu' is not known")]
    [InlineData("normalize_decoder", "true", "normalize_decoder is true")]
    public void A_configuration_that_cannot_be_followed_is_refused(string key, string value, string reason)
    {
        using F folder = new F().SaeLens("standard", new JsonObject { [key] = JsonNode.Parse(value) });
        Refuses(folder, reason);
    }

    [Theory]
    [InlineData("k", "0", "k is 0; it must be from 1")]
    [InlineData("k", "2.5", "'k' is 2.5; a whole number is needed")]
    public void A_number_of_active_latents_that_makes_no_sense_is_refused(string key, string value, string reason)
    {
        using F folder = new F().SaeLens("topk", new JsonObject { [key] = JsonNode.Parse(value) });
        Refuses(folder, reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"d_in\": ")]
    [InlineData("nothing")]
    public void A_configuration_that_is_no_JSON_object_is_refused(string text)
    {
        using F folder = new F().SaeLens("standard");
        File.WriteAllText(folder["cfg.json"], text);
        Refuses(folder, "cfg.json is not");
    }

    [Fact]
    public void A_folder_of_something_else_says_what_an_autoencoder_is()
    {
        using F folder = new();
        Should.Throw<FileNotFoundException>(() => AutoencoderReader.Open(folder.Path)).Message.ShouldContain("neither cfg.json with sae_weights.safetensors (SAELens), nor params.npz");
    }

    [Fact]
    public void Missing_weights_are_named()
    {
        using F folder = new F().SaeLens("standard");
        File.Delete(folder["sae_weights.safetensors"]);
        Should.Throw<FileNotFoundException>(() => AutoencoderReader.Open(folder.Path)).Message.ShouldContain("has cfg.json, but no sae_weights.safetensors");
    }

    [Theory]
    [InlineData("W_enc", null, "has no tensor 'W_enc'; it has W_dec, b_dec, b_enc, threshold")]
    [InlineData("W_dec", null, "has no tensor 'W_dec'")]
    [InlineData("b_dec", null, "has no tensor 'b_dec'")]
    [InlineData("b_enc", null, "has no tensor 'b_enc'")]
    [InlineData("threshold", null, "has no tensor 'threshold'")]
    [InlineData("W_enc", new long[] { 16, 6 }, "'W_enc' has shape [16, 6]; [6, 16], by the configuration, is needed")]
    [InlineData("W_enc", new long[] { 96 }, "'W_enc' has shape [96]; [rows, columns] is needed")]
    [InlineData("W_enc", new long[] { 0, 16 }, "'W_enc' has shape [0, 16]; [rows, columns] is needed")]
    [InlineData("W_dec", new long[] { 15, 6 }, "'W_dec' has shape [15, 6]; [16, 6] is needed")]
    [InlineData("W_dec", new long[] { 16, 7 }, "'W_dec' has shape [16, 7]; [16, 6] is needed")]
    [InlineData("b_dec", new long[] { 7 }, "'b_dec' has shape [7]; [6] is needed")]
    [InlineData("threshold", new long[] { 1 }, "'threshold' has shape [1]; [16] is needed")]
    public void A_tensor_that_is_missing_or_of_the_wrong_shape_is_named(string name, long[]? shape, string reason)
    {
        using F folder = new F().SaeLens("jumprelu");
        SafetensorsWriter writer = new();
        foreach ((string tensor, long[] usual) in new[] { ("W_enc", new long[] { 6, 16 }), ("W_dec", [16, 6]), ("b_enc", [16]), ("b_dec", [6]), ("threshold", [16]) })
        {
            long[]? size = tensor == name ? shape : usual;
            if (size is not null) writer.Add(tensor, new float[size.Aggregate(1L, (a, b) => a * b)], size);
        }
        writer.Save(folder["sae_weights.safetensors"]);
        Refuses(folder, reason);
    }

    [Fact]
    public void A_scaling_factor_that_the_configuration_denies_is_refused()
    {
        using F folder = new();
        folder.SaeLens("standard", vectors: ("scaling_factor", folder.Values(F.Latents)));
        Refuses(folder, "'scaling_factor' is not 1, but the configuration's finetuning_scaling_factor is false");
    }

    [Fact]
    public void A_layer_of_a_cross_layer_transcoder_says_what_to_give()
    {
        using F folder = new F().GemmaScope2("""{"type": "clt"}""");
        Refuses(folder, "this is one layer of a 'clt'; give the folder whose config.yaml lists all of its layers");
    }

    [Theory]
    [InlineData("blocks.1.hook_resid_post", null)]
    [InlineData("blocks.9.hook_resid_post", "names no layer; the model's are blocks.0 to blocks.2")]
    [InlineData("blocks.1.hook_nowhere", "There is no hook 'hook_nowhere'; there are hook_embed")]
    [InlineData("blocks.1.mlp.hook_post", "reads 6 values a token at 'blocks.1.mlp.hook_post', but the model has 8 there")]
    [InlineData("blocks.1.attn.hook_pattern", "the model has a pattern there")]
    public void A_hook_that_the_model_lacks_is_refused(string hook, string? reason)
    {
        using F folder = new F().SaeLens("standard", new JsonObject { ["metadata"] = new JsonObject { ["hook_name"] = hook } });
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder.Path);
        ModelSpecification model = ModelConfiguration.Parse(
            """{"model_type": "llama", "hidden_size": 6, "intermediate_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "head_dim": 4, "vocab_size": 9}""", "config.json");
        if (reason is null) autoencoder.FindHooks(model).ShouldBe((HookPoint.ResidPost, 1, HookPoint.ResidPost, 1));
        else Should.Throw<InvalidDataException>(() => autoencoder.FindHooks(model)).Message.ShouldContain(reason);
    }

    [Theory]
    [InlineData("cfg.json", int.MaxValue)]
    [InlineData("sae_weights.safetensors", 420)]
    public void Damage_to_SAELens_files_gives_an_autoencoder_or_a_clear_error(string name, int interesting)
    {
        using F folder = new F().SaeLens("topk", new JsonObject { ["k"] = 4, ["rescale_acts_by_decoder_norm"] = true });
        Fuzz(folder, name, interesting);
    }

    [Fact]
    public void Damage_to_Gemma_Scopes_archive_gives_an_autoencoder_or_a_clear_error()
    {
        using F folder = new F().GemmaScope();
        Fuzz(folder, "params.npz", int.MaxValue);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("params.safetensors")]
    public void Damage_to_Gemma_Scope_2_files_gives_an_autoencoder_or_a_clear_error(string name)
    {
        using F folder = new F().GemmaScope2("""{"architecture": "jump_relu", "hf_hook_point_in": "model.layers.5.output", "type": "sae"}""");
        Fuzz(folder, name, 420);
    }

    private static void Fuzz(F folder, string name, int interesting)
    {
        byte[] original = File.ReadAllBytes(folder[name]);
        for (int seed = 0; seed < 1000; seed++)
        {
            File.WriteAllBytes(folder[name], Mutations.Mutate(original, seed, interesting));
            try
            {
                using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder.Path);
                autoencoder.Reconstruct(folder.InputMatrix.ColumnRange(0, Math.Min(F.Width, autoencoder.InputWidth)));
            }
            catch (Exception exception) when (exception is InvalidDataException or FileNotFoundException)
            {
                exception.Message.ShouldContain(folder.Path, customMessage: $"seed {seed}");
            }
        }
    }

    private static void Refuses(F folder, string reason)
    {
        string message = Should.Throw<InvalidDataException>(() => AutoencoderReader.Open(folder.Path)).Message;
        message.ShouldContain(reason);
        message.ShouldContain(folder.Path);
    }
}
