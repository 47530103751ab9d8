using Microtome.Models;
using Microtome.Models.Safetensors;

namespace Microtome.Dictionaries.Tests;

public sealed class HostileTranscoderTests : IDisposable
{
    private readonly TranscoderFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("model_kind: autoencoder", "model_kind 'autoencoder' is not known; known are transcoder_set and cross_layer_transcoder")]
    [InlineData("feature_input_hook: hook_k", "feature_input_hook 'hook_k' is not supported")]
    [InlineData("feature_output_hook: hook_resid_post", "feature_output_hook 'hook_resid_post' is not supported")]
    [InlineData("feature_output_hook:", "has no 'feature_output_hook'")]
    [InlineData("feature_output_hook: [mlp.hook_out]", "'feature_output_hook' must be a single value")]
    [InlineData("k: many", "k is 'many'; a whole number is needed")]
    [InlineData("k: 99999999999", "k is '99999999999'; a whole number is needed")]
    [InlineData("activation: topk", "has no positive k")]
    [InlineData("activation: topk\nk: 0", "has no positive k")]
    [InlineData("activation: softmax", "activation 'softmax' in config.yaml is not known; known are relu, jumprelu and topk")]
    [InlineData("activation: jumprelu", "no thresholds, which a JumpReLU transcoder needs")]
    [InlineData("transcoders: layer_0.safetensors", "'transcoders' must be a list of words")]
    [InlineData("transcoders: {a: b}", "'transcoders' must be a list of words")]
    [InlineData("transcoders: [{a: b}]", "'transcoders' must be a list of words")]
    [InlineData("transcoders: []", "lists 0 files")]
    [InlineData("transcoders: ['../layer_0.safetensors']", "by their path in the folder")]
    [InlineData("transcoders: ['a/../../layer_0.safetensors']", "by their path in the folder")]
    [InlineData("scan: &a [x, *a]", "'scan' must be a list of words")]
    [InlineData("scan: x\nscan: y", "the key 'scan' is there twice")]
    [InlineData("? [a, b]\n: c", "a key that is a word is needed")]
    [InlineData("a: 'b", "line")]
    [InlineData("a: b: c", "line")]
    [InlineData("activation: *nowhere", "'activation' must be a single value")]
    [InlineData("- a", "line")]
    public void A_configuration_that_cannot_be_followed_is_refused(string yaml, string reason)
    {
        Dictionary<string, string> lines = new() { ["feature_input_hook"] = "mlp.hook_in", ["feature_output_hook"] = "mlp.hook_out" };
        lines.Remove(yaml.Split(':')[0]);
        _folder.PerLayer();
        File.WriteAllText(_folder["config.yaml"], string.Concat(lines.Select(line => $"{line.Key}: {line.Value}\n")) + yaml + "\n");
        Refuses(reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("just words")]
    [InlineData("[]")]
    [InlineData("---\n...\n")]
    public void A_configuration_without_keys_is_refused(string yaml)
    {
        File.WriteAllText(_folder["config.yaml"], yaml);
        Refuses("config.yaml");
    }

    [Theory]
    [InlineData('[')]
    [InlineData('{')]
    public void Deep_nesting_is_refused(char bracket)
    {
        _folder.Configure(more: $"deep: {new string(bracket, 1_000_000)}").PerLayer();
        Refuses("nested more than 64 deep");
    }

    [Fact]
    public void Values_of_other_keys_may_be_anything()
    {
        _folder.Configure(more: $"notes: {{a: [1, {{b: c}}], d: {new string('[', 50)}{new string(']', 50)}}}\nmore: &x [y]\nagain: *x").PerLayer();
        using TranscoderSet set = TranscoderReader.Open(_folder.Path);
        set.Name.ShouldBe("test");
    }

    [Fact]
    public void Aliases_of_aliases_cannot_exhaust_memory()
    {
        string bombs = "b0: &b0 [x, x, x, x, x, x, x, x, x, x]\n" + string.Concat(Enumerable.Range(1, 20).Select(i => $"b{i}: &b{i} [{string.Join(", ", Enumerable.Repeat($"*b{i - 1}", 10))}]\n"));
        _folder.Configure(more: bombs).PerLayer();
        using TranscoderSet set = TranscoderReader.Open(_folder.Path);
        set.Layers.Count.ShouldBe(3);
    }

    [Fact]
    public void A_huge_configuration_is_refused()
    {
        _folder.Configure(more: "# " + new string('x', 1 << 20));
        Refuses("is larger than 1048576 bytes");
    }

    [Fact]
    public void A_folder_without_a_configuration_says_what_transcoders_are() =>
        Should.Throw<FileNotFoundException>(() => TranscoderReader.Open(_folder.Path)).Message.ShouldContain("transcoders are a folder with config.yaml");

    [Fact]
    public void A_folder_without_layers_says_what_it_lacks()
    {
        _folder.Configure();
        Should.Throw<FileNotFoundException>(() => TranscoderReader.Open(_folder.Path)).Message.ShouldContain("has no layer_0.safetensors");
    }

    [Fact]
    public void Every_missing_layer_is_named()
    {
        _folder.Configure("cross_layer_transcoder").CrossLayer();
        File.Delete(_folder["W_enc_0.safetensors"]);
        File.Delete(_folder["W_dec_1.safetensors"]);
        Should.Throw<FileNotFoundException>(() => TranscoderReader.Open(_folder.Path)).Message.ShouldContain("lacks 2 of 6 files: W_enc_0.safetensors, W_dec_1.safetensors");
    }

    [Fact]
    public void A_layer_of_an_absurd_number_is_refused()
    {
        _folder.Configure().PerLayer();
        File.Copy(_folder["layer_0.safetensors"], _folder["layer_2000000000.safetensors"]);
        Refuses("has a file for layer 2000000000");
    }

    [Fact]
    public void A_listed_file_that_is_missing_is_named()
    {
        _folder.Configure(more: TranscoderFolder.Listed("hf://owner/name/params_*.npz"));
        Should.Throw<FileNotFoundException>(() => TranscoderReader.Open(_folder.Path)).Message.ShouldContain("'hf://owner/name/params_0.npz' does not exist");
    }

    [Theory]
    [InlineData("W_enc", "has no tensor 'W_enc'; it has W_dec, b_dec, b_enc")]
    [InlineData("W_dec", "has no tensor 'W_dec'")]
    [InlineData("b_enc", "has no tensor 'b_enc'")]
    [InlineData("b_dec", "has no tensor 'b_dec'")]
    public void A_missing_tensor_is_named(string name, string reason)
    {
        _folder.Configure().PerLayer();
        Layer1(replaced: name);
        Refuses(reason);
    }

    [Theory]
    [InlineData("W_enc", new long[] { 5, 4 }, "'W_dec' has shape [10, 4]; [5, 4] is needed")]
    [InlineData("W_enc", new long[] { 10, 8 }, "'W_dec' has shape [10, 4]; [10, 8] is needed")]
    [InlineData("W_enc", new long[] { 40 }, "'W_enc' has shape [40]; [rows, columns] is needed")]
    [InlineData("W_enc", new long[] { 0, 4 }, "'W_enc' has shape [0, 4]")]
    [InlineData("W_enc", new long[] { 0, 1L << 40 }, "'W_enc' has shape [0, 1099511627776]")]
    [InlineData("W_dec", new long[] { 10, 3, 4 }, "writes to 3 layers, but config.yaml says that the transcoders are per layer")]
    [InlineData("W_dec", new long[] { 10, 0, 4 }, "'W_dec' has shape [10, 0, 4]")]
    [InlineData("W_dec", new long[] { 10, 1, 1, 4 }, "'W_dec' has shape [10, 1, 1, 4]")]
    [InlineData("W_dec", new long[] { 4, 10 }, "'W_dec' has shape [4, 10]; [10, 4] is needed")]
    [InlineData("b_enc", new long[] { 9 }, "'b_enc' has shape [9]; [10] is needed")]
    [InlineData("b_dec", new long[] { 5 }, "'b_dec' has shape [5]; [4] is needed")]
    [InlineData("W_skip", new long[] { 4, 5 }, "'W_skip' has shape [4, 5]; [4, 4] is needed")]
    [InlineData("W_skip", new long[] { 4, 4 }, "layer 1 has a skip connection, unlike layer 0")]
    public void A_tensor_of_the_wrong_shape_is_refused(string name, long[] shape, string reason)
    {
        _folder.Configure().PerLayer();
        Layer1(name, shape);
        Refuses(reason);
    }

    [Fact]
    public void Layers_of_different_widths_are_refused()
    {
        _folder.Configure().PerLayer();
        SafetensorsWriter writer = new();
        writer.Add("W_enc", new float[16], 2, 8);
        writer.Add("W_dec", new float[16], 2, 8);
        writer.Add("b_enc", new float[2], 2);
        writer.Add("b_dec", new float[8], 8);
        writer.Save(_folder["layer_1.safetensors"]);
        Refuses("layer 1 has width 8, layer 0 has 4");
    }

    [Fact]
    public void A_cross_layer_decoder_for_another_number_of_layers_is_refused()
    {
        _folder.Configure("cross_layer_transcoder").CrossLayer();
        SafetensorsWriter writer = new();
        writer.Add("W_dec_1", new float[10 * 3 * 4], 10, 3, 4);
        writer.Save(_folder["W_dec_1.safetensors"]);
        Refuses("features of layer 1 write to 3 layers, but 2 of 3 lie at or above it");
    }

    [Fact]
    public void A_tensor_in_both_files_of_a_layer_is_refused()
    {
        _folder.Configure("cross_layer_transcoder").CrossLayer();
        File.Copy(_folder["W_enc_1.safetensors"], _folder["W_dec_1.safetensors"], overwrite: true);
        Refuses("is also in");
    }

    [Fact]
    public void A_set_for_another_model_says_what_differs()
    {
        _folder.Configure(input: "ln2.hook_normalized").PerLayer();
        using TranscoderSet set = TranscoderReader.Open(_folder.Path);

        set.CheckFits(Model("llama", width: 4, layers: 3));
        Should.Throw<InvalidDataException>(() => set.CheckFits(Model("llama", 4, 2))).Message.ShouldContain("have 3 layers, but the model has 2");
        Should.Throw<InvalidDataException>(() => set.CheckFits(Model("llama", 8, 3))).Message.ShouldContain("have width 4 at layer 0, but the model has 8");
        Should.Throw<InvalidDataException>(() => set.CheckFits(Model("olmo2", 4, 3))).Message.ShouldContain("use the hook 'ln2.hook_normalized', which a olmo2 model does not have");
    }

    [Fact]
    public void Damage_to_the_configuration_gives_a_set_or_a_clear_error()
    {
        _folder.Configure(more: "activation: topk\nk: 6\ntranscoders: [layer_0.safetensors, layer_1.safetensors]\nother: &a {b: [c, *a]}").PerLayer();
        Fuzz("config.yaml", 2000);
    }

    [Fact]
    public void Damage_to_a_layer_gives_a_set_or_a_clear_error()
    {
        _folder.Configure().PerLayer(threshold: true, skip: true);
        Fuzz("layer_1.safetensors", 1500, interesting: 420);
    }

    private static ModelSpecification Model(string family, int width, int layers) => ModelConfiguration.Parse(
        $$"""{"model_type": "{{family}}", "hidden_size": {{width}}, "intermediate_size": 8, "num_hidden_layers": {{layers}}, "num_attention_heads": 2, "vocab_size": 9}""", "config.json");

    private void Fuzz(string name, int count, int interesting = int.MaxValue)
    {
        byte[] original = File.ReadAllBytes(_folder[name]);
        for (int seed = 0; seed < count; seed++)
        {
            File.WriteAllBytes(_folder[name], Mutations.Mutate(original, seed, interesting));
            try
            {
                using TranscoderSet set = TranscoderReader.Open(_folder.Path);
                set.Layers[^1].EncodeSparse(_folder.Inputs(1).AsMatrix());
            }
            catch (Exception exception) when (exception is InvalidDataException or FileNotFoundException)
            {
                exception.Message.ShouldContain(_folder.Path, customMessage: $"seed {seed}");
            }
        }
    }

    /// <summary>Writes layer 1 anew with one tensor of another shape, or without it.</summary>
    private void Layer1(string replaced, long[]? shape = null)
    {
        SafetensorsWriter writer = new();
        foreach ((string name, long[] usual) in new[] { ("W_enc", new long[] { 10, 4 }), ("W_dec", [10, 4]), ("b_enc", [10]), ("b_dec", [4]) })
            if (name != replaced) Add(name, usual);
        if (shape is not null) Add(replaced, shape);
        writer.Save(_folder["layer_1.safetensors"]);

        void Add(string name, long[] size) => writer.Add(name, new float[size.Aggregate(1L, (a, b) => a * b)], size);
    }

    private void Refuses(string reason)
    {
        string message = Should.Throw<InvalidDataException>(() => TranscoderReader.Open(_folder.Path)).Message;
        message.ShouldContain(reason);
        message.ShouldContain(_folder.Path);
    }
}
