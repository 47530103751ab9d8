using System.Text;
using System.Text.Json;

namespace Microtome.Models.Training;

/// <summary>The shape of a decoder to train: Qwen 3's kind, with grouped-query attention, query-key norms and gated MLPs.</summary>
public sealed record DecoderShape
{
    public int Layers { get; init; } = 4;

    /// <summary>The width of the residual stream.</summary>
    public int Width { get; init; } = 128;

    public int Heads { get; init; } = 8;

    /// <summary>How many pairs of keys and values the heads share.</summary>
    public int KeyValueHeads { get; init; } = 4;

    /// <summary>The width of a head; that of the stream over the heads when null.</summary>
    public int? HeadWidth { get; init; }

    /// <summary>The width of the MLP; three times the stream's when null.</summary>
    public int? MlpWidth { get; init; }

    public required int Vocabulary { get; init; }

    /// <summary>The longest sequence of tokens.</summary>
    public int Context { get; init; } = 128;

    /// <summary>The unembedding is the embedding, transposed.</summary>
    public bool TiedUnembedding { get; init; } = true;

    public double RotaryTheta { get; init; } = 10_000;

    /// <summary>The token that begins and ends a text.</summary>
    public int? EndOfText { get; init; }

    /// <summary>What a checkpoint of this shape computes, as it will be read back.</summary>
    /// <exception cref="ArgumentException">A number is not positive, or heads cannot be shared evenly; the message says which.</exception>
    public ModelSpecification Specification()
    {
        foreach ((string name, int value) in new[] { ("layers", Layers), ("width", Width), ("heads", Heads), ("key-value heads", KeyValueHeads), ("vocabulary", Vocabulary), ("context", Context), ("head width", HeadWidth ?? 1), ("MLP width", MlpWidth ?? 1) })
            if (value < 1) throw new ArgumentException($"The number of {name} is {value}; it must be 1 or more.");
        if (HeadWidth is null && Width % Heads != 0) throw new ArgumentException($"A width of {Width} cannot be shared by {Heads} heads; give a head width, or a width that can.");
        if (Heads % KeyValueHeads != 0) throw new ArgumentException($"{Heads} heads cannot share {KeyValueHeads} key-value heads evenly.");
        try
        {
            return ModelConfiguration.Parse(Encoding.UTF8.GetString(Configuration("float32")), "the shape");
        }
        catch (InvalidDataException exception)
        {
            throw new ArgumentException(exception.Message, exception);
        }
    }

    /// <summary>The contents of <c>config.json</c>.</summary>
    /// <param name="type">How weights are stored: float32 or bfloat16.</param>
    public byte[] Configuration(string type)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("architectures");
            json.WriteStringValue("Qwen3ForCausalLM");
            json.WriteEndArray();
            json.WriteBoolean("attention_bias", false);
            json.WriteNumber("attention_dropout", 0.0);
            WriteToken("bos_token_id");
            json.WriteString("dtype", type);
            WriteToken("eos_token_id");
            json.WriteNumber("head_dim", HeadWidth ?? Width / Heads);
            json.WriteString("hidden_act", "silu");
            json.WriteNumber("hidden_size", Width);
            json.WriteNumber("initializer_range", 0.02);
            json.WriteNumber("intermediate_size", MlpWidth ?? 3 * Width);
            json.WriteNumber("max_position_embeddings", Context);
            json.WriteNumber("max_window_layers", Layers);
            json.WriteString("model_type", "qwen3");
            json.WriteNumber("num_attention_heads", Heads);
            json.WriteNumber("num_hidden_layers", Layers);
            json.WriteNumber("num_key_value_heads", KeyValueHeads);
            json.WriteNull("pad_token_id");
            json.WriteNumber("rms_norm_eps", 1e-6);
            json.WriteNull("rope_scaling");
            json.WriteNumber("rope_theta", RotaryTheta);
            json.WriteNull("sliding_window");
            json.WriteBoolean("tie_word_embeddings", TiedUnembedding);
            json.WriteString("torch_dtype", type);
            json.WriteBoolean("use_cache", true);
            json.WriteBoolean("use_sliding_window", false);
            json.WriteNumber("vocab_size", Vocabulary);
            json.WriteEndObject();

            void WriteToken(string name)
            {
                if (EndOfText is { } token) json.WriteNumber(name, token);
                else json.WriteNull(name);
            }
        }
        return buffer.ToArray();
    }
}
