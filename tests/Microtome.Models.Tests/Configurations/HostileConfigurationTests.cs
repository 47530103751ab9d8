using System.Text;
using System.Text.Json.Nodes;

namespace Microtome.Models.Tests;

public sealed class HostileConfigurationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_unknown_family_lists_those_that_are_known()
    {
        string message = Refuses("""{"model_type": "bert"}""");
        message.ShouldContain("'bert' is not known; known are gemma2, gemma3, gemma3_text, gpt2, gpt_neox, gpt_oss, llama, mistral, olmo2, qwen2, qwen3");
    }

    [Fact]
    public void A_quantised_checkpoint_is_refused()
    {
        JsonObject configuration = TinyConfigurations.Llama;
        configuration["quantization_config"] = new JsonObject { ["quant_method"] = "bitsandbytes" };
        Refuses(configuration.ToJsonString()).ShouldContain("the weights are quantised (quantization_config)");
    }

    [Theory]
    [InlineData("num_hidden_layers", "1000000000", "must be from 1 to 4096")]
    [InlineData("num_hidden_layers", "0", "must be from 1")]
    [InlineData("num_hidden_layers", "-3", "must be from 1")]
    [InlineData("num_hidden_layers", "1e300", "a whole number is needed")]
    [InlineData("num_hidden_layers", "2.5", "a whole number is needed")]
    [InlineData("num_hidden_layers", "\"two\"", "a whole number is needed")]
    [InlineData("num_hidden_layers", "[2]", "a whole number is needed")]
    [InlineData("hidden_size", "null", "has no 'hidden_size'")]
    [InlineData("hidden_size", "2147483647", "must be from 1")]
    [InlineData("vocab_size", "4000000000", "a whole number is needed")]
    [InlineData("head_dim", "0", "head_dim is 0")]
    [InlineData("head_dim", "-4", "head_dim is -4")]
    [InlineData("head_dim", "1000000", "head_dim is 1000000")]
    [InlineData("num_key_value_heads", "3", "2 attention heads cannot share 3 key-value heads")]
    [InlineData("num_key_value_heads", "0", "must be from 1")]
    [InlineData("num_attention_heads", "16777215", "more than 16777216")]
    [InlineData("max_position_embeddings", "0", "must be from 1")]
    [InlineData("rope_theta", "0", "do not give finite frequencies")]
    [InlineData("rope_theta", "-1", "do not give finite frequencies")]
    [InlineData("rope_theta", "1e-300", "do not give finite frequencies")]
    [InlineData("rope_theta", "1e999", "a number is needed")]
    [InlineData("rms_norm_eps", "-1", "rms_norm_eps is -1")]
    [InlineData("rms_norm_eps", "\"1e-6\"", "a number is needed")]
    [InlineData("hidden_act", "\"mish\"", "the activation 'mish' is not known")]
    [InlineData("hidden_act", "7", "a string is needed")]
    [InlineData("attention_bias", "\"yes\"", "true or false is needed")]
    [InlineData("eos_token_id", "[1, \"2\"]", "a list of whole numbers is needed")]
    [InlineData("layer_types", "[\"full_attention\"]", "layer_types lists 1 layers; num_hidden_layers is 2")]
    [InlineData("layer_types", "[\"full_attention\", \"linear_attention\"]", "layer 1 is of type 'linear_attention'")]
    [InlineData("layer_types", "[\"full_attention\", \"sliding_attention\"]", "layer 1 slides, but sliding_window is absent")]
    [InlineData("layer_types", "[\"full_attention\", 3]", "a list of strings is needed")]
    [InlineData("layer_types", "\"full_attention\"", "a list of strings is needed")]
    [InlineData("rope_scaling", "[]", "an object is needed")]
    [InlineData("rope_scaling", "{\"rope_type\": \"su\"}", "rope_type 'su' is not supported")]
    [InlineData("rope_scaling", "{\"rope_type\": \"linear\"}", "has no 'factor'")]
    [InlineData("rope_scaling", "{\"rope_type\": \"linear\", \"factor\": 0}", "factor is 0; it must be above 0")]
    [InlineData("rope_scaling", "{\"rope_type\": \"linear\", \"factor\": -8}", "factor is -8; it must be above 0")]
    [InlineData("rope_scaling", "{\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 0, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 16}", "low_freq_factor is 0")]
    [InlineData("rope_scaling", "{\"rope_type\": \"yarn\", \"original_max_position_embeddings\": 0}", "original_max_position_embeddings is 0")]
    [InlineData("rope_parameters", "{\"rope_type\": \"default\", \"partial_rotary_factor\": 1e300}", "cannot rotate")]
    [InlineData("rope_parameters", "{\"rope_type\": \"default\", \"partial_rotary_factor\": -0.5}", "cannot rotate")]
    public void A_value_that_no_model_can_have_is_refused(string key, string value, string reason) =>
        Refuses(With(TinyConfigurations.Qwen3, key, value)).ShouldContain(reason);

    [Fact]
    public void Heads_that_do_not_divide_the_width_are_refused() =>
        Refuses(With(TinyConfigurations.Llama, "num_attention_heads", "3")).ShouldContain("a width of 8 cannot be shared by 3 heads");

    [Theory]
    [InlineData("sliding_window_pattern", "0", "sliding_window_pattern is 0")]
    [InlineData("sliding_window", "0", "sliding_window is 0")]
    [InlineData("sliding_window", "-1", "sliding_window is -1")]
    [InlineData("query_pre_attn_scalar", "0", "query_pre_attn_scalar is 0")]
    [InlineData("query_pre_attn_scalar", "-256", "query_pre_attn_scalar is -256")]
    [InlineData("query_pre_attn_scalar", "1e-300", "query_pre_attn_scalar is")]
    [InlineData("rope_local_base_freq", "0", "rope_local_base_freq is 0")]
    [InlineData("use_bidirectional_attention", "true", "use_bidirectional_attention is true")]
    public void A_value_that_no_Gemma_can_have_is_refused(string key, string value, string reason) =>
        Refuses(With(TinyConfigurations.Gemma3, key, value)).ShouldContain(reason);

    [Theory]
    [InlineData("n_layer", "1000000000", "n_layer is 1000000000")]
    [InlineData("n_head", "3", "a width of 8 cannot be shared by 3 heads")]
    [InlineData("n_positions", "-1", "n_positions is -1")]
    public void A_value_that_no_GPT2_can_have_is_refused(string key, string value, string reason) =>
        Refuses(With(TinyConfigurations.Gpt2, key, value)).ShouldContain(reason);

    [Theory]
    [InlineData("num_experts_per_tok", "5", "num_experts_per_tok is 5 of 4 experts")]
    [InlineData("num_experts_per_tok", "0", "num_experts_per_tok is 0")]
    [InlineData("num_local_experts", "-4", "num_local_experts is -4")]
    [InlineData("swiglu_limit", "-7", "swiglu_limit is -7")]
    [InlineData("rope_scaling", "null", "has no 'rope_parameters'")]
    public void A_value_that_no_gpt_oss_can_have_is_refused(string key, string value, string reason) =>
        Refuses(With(TinyConfigurations.GptOss, key, value)).ShouldContain(reason);

    [Theory]
    [InlineData("[]", "is not a JSON object")]
    [InlineData("null", "is not a JSON object")]
    [InlineData("", "is not JSON")]
    [InlineData("{", "is not JSON")]
    [InlineData("{}", "has no 'model_type'")]
    [InlineData("{\"model_type\": 3}", "a string is needed")]
    [InlineData("{\"model_type\": \"llama\", \"text_config\": 3}", "an object is needed")]
    [InlineData("{\"model_type\": \"\\ud800\"}", "is not JSON")]
    public void A_configuration_that_is_not_one_is_refused(string json, string reason) => Refuses(json).ShouldContain(reason);

    [Fact]
    public void Deep_nesting_is_refused() =>
        Refuses(string.Concat(Enumerable.Repeat("{\"a\":", 100_000))).ShouldContain("is not JSON");

    [Fact]
    public void Text_that_is_not_UTF8_is_refused() =>
        Refuses(Encoding.Latin1.GetBytes("{\"model_type\": \"\u00FF\"}")).ShouldContain("is not JSON");

    [Fact]
    public void A_damaged_generation_configuration_is_named()
    {
        _folder.Write("config.json", TinyConfigurations.Qwen3.ToJsonString());
        _folder.Write("generation_config.json", "{\"eos_token_id\": {}}");
        Should.Throw<InvalidDataException>(() => ModelConfiguration.Load(_folder.Path)).Message.ShouldContain("generation_config.json: 'eos_token_id' is {}");
    }

    [Fact]
    public void The_tiny_configurations_that_these_tests_damage_are_good()
    {
        foreach (JsonObject configuration in TinyConfigurations.All)
            ModelConfiguration.Parse(configuration.ToJsonString(), "config.json").Layers.Count.ShouldBe(2);
    }

    [Fact]
    public void Damage_of_any_kind_gives_a_specification_or_a_clear_error()
    {
        byte[][] originals = [.. TinyConfigurations.All.Select(configuration => Encoding.UTF8.GetBytes(configuration.ToJsonString()))];
        for (int seed = 0; seed < 8000; seed++)
        {
            _folder.Write("config.json", Mutations.Mutate(originals[seed % originals.Length], seed));
            try
            {
                ModelConfiguration.Load(_folder.Path);
            }
            catch (InvalidDataException exception)
            {
                exception.Message.ShouldContain(_folder.Path, customMessage: $"seed {seed}");
            }
        }
    }

    /// <summary>Every value of every configuration is replaced by each of a few that fit nowhere.</summary>
    [Fact]
    public void No_value_anywhere_leads_to_anything_but_a_clear_error()
    {
        string[] values = ["null", "0", "-1", "1", "2147483647", "-2147483648", "1e300", "-1e300", "1e-300", "0.5", "true", "\"\"", "\"x\"", "[]", "[null]", "[0]", "{}"];
        foreach (JsonObject original in TinyConfigurations.All)
            foreach (string key in original.Select(entry => entry.Key).Concat(["layer_types", "rope_parameters", "rope_scaling", "text_config", "eos_token_id", "partial_rotary_factor", "head_dim", "sliding_window", "use_sliding_window", "max_window_layers"]).ToArray())
                foreach (string value in values)
                {
                    try
                    {
                        ModelConfiguration.Parse(With((JsonObject)original.DeepClone(), key, value), "config.json");
                    }
                    catch (InvalidDataException exception)
                    {
                        exception.Message.ShouldContain("config.json", customMessage: $"{key}: {value}");
                    }
                }
    }

    private static string With(JsonObject configuration, string key, string value)
    {
        configuration.Remove(key);
        string rest = configuration.ToJsonString()[1..];
        return $"{{\"{key}\": {value}{(rest.Length > 1 ? ", " : "")}{rest}"; // as text: 1e999 and the like are no JSON nodes
    }

    private string Refuses(string json) => Refuses(Encoding.UTF8.GetBytes(json));

    private string Refuses(byte[] json)
    {
        _folder.Write("config.json", json);
        string message = Should.Throw<InvalidDataException>(() => ModelConfiguration.Load(_folder.Path)).Message;
        message.ShouldContain("config.json");
        return message;
    }
}
