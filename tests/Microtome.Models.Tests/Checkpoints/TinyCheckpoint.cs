using System.Text.Json.Nodes;
using Microtome.Models.Safetensors;

namespace Microtome.Models.Tests;

/// <summary>Random weights for the tiny configurations, under names as published checkpoints have them.</summary>
internal static class TinyCheckpoint
{
    /// <summary>The tensors of a family, without any prefix but with names and shapes that the official checkpoints have.</summary>
    public static IReadOnlyList<(string Name, long[] Shape)> Tensors(string family) => family switch
    {
        "gpt2" => [("wte.weight", [11, 8]), ("wpe.weight", [16, 8]), .. Norm("ln_f", 8), .. Layers(layer =>
            [.. Norm($"h.{layer}.ln_1", 8), .. Norm($"h.{layer}.ln_2", 8), .. Linear($"h.{layer}.attn.c_attn", 8, 24), .. Linear($"h.{layer}.attn.c_proj", 8, 8),
             .. Linear($"h.{layer}.mlp.c_fc", 8, 32), .. Linear($"h.{layer}.mlp.c_proj", 32, 8)])],
        "gpt_neox" => [("embed_in.weight", [11, 16]), .. Norm("final_layer_norm", 16), .. Layers(layer =>
            [.. Norm($"layers.{layer}.input_layernorm", 16), .. Norm($"layers.{layer}.post_attention_layernorm", 16),
             .. Linear($"layers.{layer}.attention.query_key_value", 48, 16), .. Linear($"layers.{layer}.attention.dense", 16, 16),
             .. Linear($"layers.{layer}.mlp.dense_h_to_4h", 12, 16), .. Linear($"layers.{layer}.mlp.dense_4h_to_h", 16, 12)])],
        "gemma3" => [("embed_tokens.weight", [11, 8]), ("norm.weight", [8]), .. Layers(layer =>
            [.. new[] { "input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm" }.Select(norm => ($"layers.{layer}.{norm}.weight", new long[] { 8 })),
             ($"layers.{layer}.self_attn.q_proj.weight", [8, 8]), ($"layers.{layer}.self_attn.k_proj.weight", [4, 8]), ($"layers.{layer}.self_attn.v_proj.weight", [4, 8]),
             ($"layers.{layer}.self_attn.o_proj.weight", [8, 8]), ($"layers.{layer}.self_attn.q_norm.weight", [4]), ($"layers.{layer}.self_attn.k_norm.weight", [4]),
             ($"layers.{layer}.mlp.gate_proj.weight", [12, 8]), ($"layers.{layer}.mlp.up_proj.weight", [12, 8]), ($"layers.{layer}.mlp.down_proj.weight", [8, 12])])],
        _ => throw new ArgumentException(family, nameof(family)),
    };

    /// <summary>The last logits that a checkpoint with these tensors gives. A tensor's values depend on its name without the prefix alone.</summary>
    public static float[] Logits(JsonObject configuration, string family, string prefix, params (string Name, long[] Shape)[] others)
    {
        using TemporaryFolder folder = new();
        folder.Write("config.json", configuration.ToJsonString());
        SafetensorsWriter writer = new();
        foreach ((string name, long[] shape) in Tensors(family)) writer.Add(prefix + name, Values(name, shape), shape);
        foreach ((string name, long[] shape) in others) writer.Add(name, Values(name, shape), shape);
        writer.Save(folder["model.safetensors"]);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        return new Transformer(checkpoint).Forward([1, 5, 3, 9, 2, 7], logits: LogitRows.Last).Span.ToArray();
    }

    private static float[] Values(string name, long[] shape)
    {
        Random random = new(name.Aggregate(17, (hash, letter) => unchecked(hash * 31 + letter)));
        return [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static IEnumerable<(string, long[])> Layers(Func<int, IEnumerable<(string, long[])>> layer) => Enumerable.Range(0, 2).SelectMany(layer);

    private static (string, long[])[] Norm(string name, long width) => [($"{name}.weight", [width]), ($"{name}.bias", [width])];

    /// <summary>A bias has the size of the outputs: the second for GPT-2's, the first for the others.</summary>
    private static (string, long[])[] Linear(string name, long rows, long columns) =>
        [($"{name}.weight", [rows, columns]), ($"{name}.bias", [name.StartsWith("h.", StringComparison.Ordinal) ? columns : rows])];
}
