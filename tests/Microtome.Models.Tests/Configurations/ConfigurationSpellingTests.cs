using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microtome.Models.Tests;

/// <summary>Newer versions of the transformers library save rotary parameters, layer types and the element type under other keys.</summary>
public sealed class ConfigurationSpellingTests
{
    public static TheoryData<string> Names => [.. PublishedConfigurations.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_older_and_the_newer_spelling_mean_the_same(string name)
    {
        JsonObject older = PublishedConfigurations.Read(name).Without("quantization_config");
        JsonObject newer = older.DeepClone().AsObject();
        Respell(newer["text_config"]?.AsObject() ?? newer);

        newer.ToJsonString().ShouldNotBe(older.ToJsonString());
        Text(PublishedConfigurations.Parse(newer)).ShouldBe(Text(PublishedConfigurations.Parse(older)));
    }

    [Theory]
    [InlineData("google--gemma-3-270m", "_sliding_window_pattern", "sliding_window_pattern")]
    [InlineData("openai--gpt-oss-20b", "num_experts_per_tok", "experts_per_token")]
    [InlineData("openai--gpt-oss-20b", "num_local_experts", "num_experts")]
    public void A_key_under_its_other_name_means_the_same(string name, string key, string other)
    {
        JsonObject configuration = PublishedConfigurations.Read(name).Without("quantization_config").Without("layer_types").Without(other);
        string expected = Text(PublishedConfigurations.Parse(configuration));
        Move(configuration, key, other);
        Text(PublishedConfigurations.Parse(configuration)).ShouldBe(expected);
    }

    [Fact]
    public void Rope_scaling_may_call_its_kind_type()
    {
        JsonObject configuration = PublishedConfigurations.Read("meta-llama--Llama-3.2-1B");
        string expected = Text(PublishedConfigurations.Parse(configuration));
        Move(configuration["rope_scaling"]!.AsObject(), "rope_type", "type");
        Text(PublishedConfigurations.Parse(configuration)).ShouldBe(expected);
    }

    private static void Respell(JsonObject c)
    {
        string family = c["model_type"]!.GetValue<string>();
        Move(c, "torch_dtype", "dtype");
        if (!c.ContainsKey("dtype")) c["dtype"] = "float32";
        if (family == "gpt2") return;

        JsonObject parameters = c["rope_scaling"]?.DeepClone().AsObject() ?? new JsonObject { ["rope_type"] = "default" };
        c.Remove("rope_scaling");
        double theta = (c["rope_theta"] ?? c["rotary_emb_base"])?.GetValue<double>() ?? 1e6; // absent from the multimodal Gemma 3's
        parameters["rope_theta"] = theta;
        if (c["rotary_pct"] is { } fraction) parameters["partial_rotary_factor"] = fraction.GetValue<double>();
        foreach (string key in new[] { "rope_theta", "rotary_emb_base", "rotary_pct" }) c.Remove(key);
        if (family == "gemma3_text")
        {
            JsonObject local = new() { ["rope_type"] = "default", ["rope_theta"] = c["rope_local_base_freq"]?.GetValue<double>() ?? 1e4 };
            parameters = new JsonObject { ["full_attention"] = parameters, ["sliding_attention"] = local };
            c.Remove("rope_local_base_freq");
            Move(c, "sliding_window_pattern", "_sliding_window_pattern");
        }
        c["rope_parameters"] = parameters;

        Func<int, bool>? slides = family switch
        {
            "gemma2" or "gpt_oss" => layer => layer % 2 == 0,
            "gemma3_text" => layer => (layer + 1) % 6 != 0,
            "qwen2" or "qwen3" => _ => false,
            _ => null,
        };
        if (slides is not null)
            c["layer_types"] = new JsonArray([.. Enumerable.Range(0, c["num_hidden_layers"]!.GetValue<int>()).Select(layer => (JsonNode)(slides(layer) ? "sliding_attention" : "full_attention"))]);
    }

    private static void Move(JsonObject c, string from, string to)
    {
        if (c[from]?.DeepClone() is not { } value) return;
        c.Remove(from);
        c[to] = value;
    }

    private static string Text(ModelSpecification model) => JsonSerializer.Serialize(model);
}
