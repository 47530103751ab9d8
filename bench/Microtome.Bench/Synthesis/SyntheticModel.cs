using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Writes a random model in Hugging Face's layout, scaled so that activations stay of order one.</summary>
internal sealed class SyntheticModel(SyntheticShape shape, int vocabulary, int context, ElementType type, int seed)
{
    private const long LargestShard = 4L << 30;
    private const double LogitDeviation = 2; // several next tokens are probable

    private sealed record Weight(string Name, long[] Shape, Action<Stream> Write)
    {
        public long Bytes(ElementType type) => Shape.Aggregate(1L, (product, size) => product * size) * type.Size();
    }

    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        List<List<Weight>> shards = [[]];
        long size = 0;
        foreach (Weight weight in Weights())
        {
            if (size > 0 && size + weight.Bytes(type) > LargestShard)
            {
                shards.Add([]);
                size = 0;
            }
            shards[^1].Add(weight);
            size += weight.Bytes(type);
        }

        JsonObject map = [];
        for (int i = 0; i < shards.Count; i++)
        {
            string name = shards.Count == 1 ? "model.safetensors" : $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors";
            SafetensorsWriter writer = new();
            writer.Metadata["format"] = "pt";
            foreach (Weight weight in shards[i])
            {
                writer.Add(weight.Name, type, weight.Shape, weight.Write);
                map[weight.Name] = name;
            }
            writer.Save(Path.Combine(folder, name));
        }
        if (shards.Count > 1)
            File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), new JsonObject { ["metadata"] = new JsonObject(), ["weight_map"] = map }.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "config.json"), Configuration().ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    private JsonObject Configuration() => new()
    {
        ["architectures"] = new JsonArray("Qwen3ForCausalLM"),
        ["model_type"] = "qwen3",
        ["attention_bias"] = false,
        ["attention_dropout"] = 0.0,
        ["bos_token_id"] = 0,
        ["eos_token_id"] = 1,
        ["head_dim"] = shape.HeadWidth,
        ["hidden_act"] = "silu",
        ["hidden_size"] = shape.Width,
        ["intermediate_size"] = shape.MlpWidth,
        ["max_position_embeddings"] = context,
        ["num_attention_heads"] = shape.Heads,
        ["num_hidden_layers"] = shape.Layers,
        ["num_key_value_heads"] = shape.KeyValueHeads,
        ["rms_norm_eps"] = 1e-6,
        ["rope_theta"] = 1_000_000,
        ["tie_word_embeddings"] = true,
        ["torch_dtype"] = type == ElementType.F32 ? "float32" : "bfloat16",
        ["use_sliding_window"] = false,
        ["vocab_size"] = vocabulary,
    };

    private IEnumerable<Weight> Weights()
    {
        int queries = shape.Heads * shape.HeadWidth, keys = shape.KeyValueHeads * shape.HeadWidth;
        double write = 1 / Math.Sqrt(2 * shape.Layers); // what all layers write has together the size of the embedding
        yield return Matrix("model.embed_tokens.weight", vocabulary, shape.Width, 1);
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            string prefix = string.Create(CultureInfo.InvariantCulture, $"model.layers.{layer}.");
            yield return Ones($"{prefix}input_layernorm.weight", shape.Width);
            yield return Linear($"{prefix}self_attn.q_proj.weight", queries, shape.Width);
            yield return Linear($"{prefix}self_attn.k_proj.weight", keys, shape.Width);
            yield return Linear($"{prefix}self_attn.v_proj.weight", keys, shape.Width);
            yield return Linear($"{prefix}self_attn.o_proj.weight", shape.Width, queries, write);
            yield return Ones($"{prefix}self_attn.q_norm.weight", shape.HeadWidth);
            yield return Ones($"{prefix}self_attn.k_norm.weight", shape.HeadWidth);
            yield return Ones($"{prefix}post_attention_layernorm.weight", shape.Width);
            yield return Linear($"{prefix}mlp.gate_proj.weight", shape.MlpWidth, shape.Width);
            yield return Linear($"{prefix}mlp.up_proj.weight", shape.MlpWidth, shape.Width);
            yield return Linear($"{prefix}mlp.down_proj.weight", shape.Width, shape.MlpWidth, 2 * write);
        }
        // Random signs: with a tied unembedding the model would otherwise only predict the token that it reads.
        yield return new Weight("model.norm.weight", [shape.Width], stream => WriteVector(stream, SignedScale()));
    }

    private Weight Linear(string name, int outputs, int inputs, double scale = 1) => Matrix(name, outputs, inputs, scale / Math.Sqrt(inputs));

    private Weight Matrix(string name, int rows, int columns, double deviation) =>
        new(name, [rows, columns], stream => new RandomRows(seed, name, rows, columns, deviation).Write(stream, type));

    private Weight Ones(string name, int length) => new(name, [length], stream => WriteVector(stream, Enumerable.Repeat(1f, length).ToArray()));

    private float[] SignedScale()
    {
        float[] scale = new float[shape.Width];
        new RandomRows(seed, "signs", 1, shape.Width, 1).Fill(0, scale);
        return Array.ConvertAll(scale, value => MathF.CopySign((float)(LogitDeviation / Math.Sqrt(shape.Width)), value));
    }

    private void WriteVector(Stream stream, float[] values) => SyntheticFiles.Write(stream, values, type);
}
