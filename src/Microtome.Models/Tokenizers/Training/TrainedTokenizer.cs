using System.Text.Encodings.Web;
using System.Text.Json;

namespace Microtome.Models.Tokenizers;

/// <summary>A byte-level vocabulary that was learned, and how Hugging Face's files say it.</summary>
public sealed class TrainedTokenizer
{
    // Qwen 2's pattern: contractions, words with what stands before them, single digits, punctuation, line breaks, spaces.
    private const string Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly IReadOnlyList<string> _pieces;
    private readonly IReadOnlyList<(string Left, string Right)> _merges;
    private readonly IReadOnlyList<string> _special;

    /// <param name="pieces">In the byte alphabet, by id.</param>
    /// <param name="special">The tokens after them; the first begins and ends a text.</param>
    internal TrainedTokenizer(IReadOnlyList<string> pieces, IReadOnlyList<(string Left, string Right)> merges, IReadOnlyList<string> special)
    {
        _pieces = pieces;
        _merges = merges;
        _special = special;
    }

    /// <summary>How many tokens there are, special ones included.</summary>
    public int VocabularySize => _pieces.Count + _special.Count;

    /// <summary>The id of the token that begins and ends a text.</summary>
    public int EndOfText => _pieces.Count;

    /// <summary>The contents of <c>tokenizer.json</c>: a text's tokens follow <see cref="BytePairTrainer.EndOfText"/> when special tokens are asked for.</summary>
    public byte[] ToJson() => Write(json =>
    {
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        for (int i = 0; i < _special.Count; i++)
        {
            json.WriteStartObject();
            json.WriteNumber("id", _pieces.Count + i);
            json.WriteString("content", _special[i]);
            foreach (string flag in new[] { "single_word", "lstrip", "rstrip", "normalized" }) json.WriteBoolean(flag, false);
            json.WriteBoolean("special", true);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNull("normalizer");
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", Pattern);
        json.WriteEndObject();
        json.WriteString("behavior", "Isolated");
        json.WriteBoolean("invert", false);
        json.WriteEndObject();
        json.WriteStartObject();
        WriteByteLevel(json);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        WritePostProcessor(json);
        json.WriteStartObject("decoder");
        WriteByteLevel(json);
        json.WriteEndObject();
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        foreach (string none in new[] { "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix" }) json.WriteNull(none);
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", false);
        json.WriteStartObject("vocab");
        for (int id = 0; id < _pieces.Count; id++) json.WriteNumber(_pieces[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach ((string left, string right) in _merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>The contents of <c>tokenizer_config.json</c>.</summary>
    /// <param name="context">The longest text in tokens.</param>
    public byte[] ToConfigurationJson(int context) => Write(json =>
    {
        json.WriteBoolean("add_bos_token", true);
        json.WriteBoolean("add_prefix_space", false);
        json.WriteString("bos_token", _special[0]);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        json.WriteString("eos_token", _special[0]);
        json.WriteNumber("model_max_length", context);
        json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
    });

    /// <summary>Writes <c>tokenizer.json</c> and <c>tokenizer_config.json</c>.</summary>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public void Save(string folder, int context)
    {
        AtomicFile.Write(Path.Combine(folder, "tokenizer.json"), stream => stream.Write(ToJson()));
        AtomicFile.Write(Path.Combine(folder, "tokenizer_config.json"), stream => stream.Write(ToConfigurationJson(context)));
    }

    /// <summary>The tokenizer that the saved files give.</summary>
    public Tokenizer ToTokenizer()
    {
        using MemoryStream json = new(ToJson());
        return Tokenizer.Parse(json, "the trained tokenizer");
    }

    private void WritePostProcessor(Utf8JsonWriter json)
    {
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        foreach ((string name, string[] sequences) in new[] { ("single", new[] { "A" }), ("pair", ["A", "B"]) })
        {
            json.WriteStartArray(name);
            WriteItem("SpecialToken", _special[0], 0);
            for (int i = 0; i < sequences.Length; i++) WriteItem("Sequence", sequences[i], i);
            json.WriteEndArray();
        }
        json.WriteStartObject("special_tokens");
        json.WriteStartObject(_special[0]);
        json.WriteString("id", _special[0]);
        json.WriteStartArray("ids");
        json.WriteNumberValue(_pieces.Count);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(_special[0]);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();

        void WriteItem(string kind, string id, int type)
        {
            json.WriteStartObject();
            json.WriteStartObject(kind);
            json.WriteString("id", id);
            json.WriteNumber("type_id", type);
            json.WriteEndObject();
            json.WriteEndObject();
        }
    }

    private static void WriteByteLevel(Utf8JsonWriter json)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", false);
        json.WriteBoolean("use_regex", false);
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, Indented))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }
}
