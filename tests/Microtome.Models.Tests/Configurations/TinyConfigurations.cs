using System.Text.Json.Nodes;

namespace Microtome.Models.Tests;

/// <summary>Configurations of models so small that tests can make up their weights.</summary>
internal static class TinyConfigurations
{
    public static JsonObject Qwen3 => Parse("""
        { "model_type": "qwen3", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
          "head_dim": 4, "vocab_size": 11, "max_position_embeddings": 16, "rope_theta": 10000.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true }
        """);

    public static JsonObject Llama => Parse("""
        { "model_type": "llama", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
          "vocab_size": 11, "max_position_embeddings": 64, "rope_theta": 10000.0, "rms_norm_eps": 1e-6 }
        """);

    public static JsonObject Gemma3 => Parse("""
        { "model_type": "gemma3_text", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
          "head_dim": 4, "vocab_size": 11, "max_position_embeddings": 16, "sliding_window": 4, "sliding_window_pattern": 2 }
        """);

    public static JsonObject Gemma2 => Parse("""
        { "model_type": "gemma2", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
          "head_dim": 4, "vocab_size": 11, "max_position_embeddings": 16, "sliding_window": 4 }
        """);

    public static JsonObject Gpt2 => Parse("""
        { "model_type": "gpt2", "n_embd": 8, "n_head": 2, "n_layer": 2, "n_positions": 16, "vocab_size": 11 }
        """);

    public static JsonObject GptNeoX => Parse("""
        { "model_type": "gpt_neox", "hidden_size": 16, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 11,
          "max_position_embeddings": 16, "rotary_pct": 0.25, "rotary_emb_base": 10000 }
        """);

    public static JsonObject GptOss => Parse("""
        { "model_type": "gpt_oss", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
          "head_dim": 4, "vocab_size": 11, "max_position_embeddings": 64, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 8,
          "rope_theta": 150000, "rope_scaling": { "rope_type": "yarn", "factor": 4.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": false, "original_max_position_embeddings": 16 } }
        """);

    public static JsonObject Olmo2 => Parse("""
        { "model_type": "olmo2", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 11,
          "max_position_embeddings": 16, "rope_theta": 500000 }
        """);

    public static IEnumerable<JsonObject> All => [Qwen3, Llama, Gemma3, Gemma2, Gpt2, GptNeoX, GptOss, Olmo2];

    private static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();
}
