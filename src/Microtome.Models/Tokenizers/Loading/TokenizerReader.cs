using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Microtome.Models.Tokenizers;

/// <summary>
/// Reads tokenizer.json. The vocabulary and the merges, which are nearly all of it, go straight into their tables; the small rest is
/// read as a document.
/// </summary>
internal sealed class TokenizerReader
{
    // Ids beyond both this and the file's length in bytes cannot be those of a real vocabulary.
    private const int AlwaysAllowedId = 1 << 20;

    private readonly string _file;
    private readonly int _largestAllowedId;
    private readonly Vocabulary _vocabulary = new();
    private readonly MergeTable _merges = new();
    private bool _hasVocabulary;
    private bool _hasMerges;
    private byte[] _scratch = new byte[256];

    private TokenizerReader(string file, int length)
    {
        _file = file;
        _largestAllowedId = Math.Max(AlwaysAllowedId, length);
    }

    /// <exception cref="InvalidDataException">The file is malformed or uses what is not supported.</exception>
    public static TokenizerParts Read(ReadOnlySpan<byte> json, string file)
    {
        if (json.StartsWith("\uFEFF"u8)) json = json[3..];
        TokenizerReader reader = new(file, json.Length);
        if (!Utf8.IsValid(json)) throw new InvalidDataException($"{file} is not UTF-8 text.");
        try
        {
            return reader.Read(json);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{file}: line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}: {error.Message.Split(" LineNumber")[0]}", error);
        }
        catch (InvalidOperationException error)
        {
            // The reader's word for an escape that is half a surrogate pair.
            throw new InvalidDataException($"{file} has a string that is not valid text: {error.Message}", error);
        }
    }

    private TokenizerParts Read(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json);
        Dictionary<string, JsonPlace> components = [];
        Dictionary<string, JsonPlace>? model = null;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw Error(in reader, "should be an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            switch (name)
            {
                case "model":
                    model = ReadModel(ref reader);
                    break;
                case "added_tokens" or "normalizer" or "pre_tokenizer" or "post_processor" or "decoder":
                    components[name] = new JsonPlace(_file, name, JsonElement.ParseValue(ref reader));
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        // Whatever follows the object is an error too.
        while (reader.Read()) { }
        if (model is null || !_hasVocabulary || !_hasMerges) throw new InvalidDataException($"{_file} lacks a model with 'vocab' and 'merges'.");
        return Assemble(components, model);
    }

    private TokenizerParts Assemble(Dictionary<string, JsonPlace> components, Dictionary<string, JsonPlace> model)
    {
        foreach (string affix in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            if (Given(model, affix)?.Text() is { Length: > 0 } text) throw new InvalidDataException($"{_file}: model.{affix} is '{text}', which is not supported; it should be empty.");
        if (Given(model, "dropout") is JsonPlace { IsZero: false } dropout)
            throw dropout.Error("is not 0; random merges are not supported");

        Normalizer? normalizer = Given(components, "normalizer") is JsonPlace place ? ComponentReader.ReadNormalizer(place) : null;
        AddedToken[] added = Given(components, "added_tokens") is JsonPlace tokens ? ReadAddedTokens(tokens, normalizer) : [];
        int? unknown = Given(model, "unk_token")?.Text() is string name && _vocabulary.Find(name) is >= 0 and int id ? id : null;
        BytePairOptions options = new(unknown, Flag(model, "fuse_unk"), Flag(model, "byte_fallback"), Flag(model, "ignore_merges"));
        return new TokenizerParts(
            new BytePairEncoder(_vocabulary, _merges, options),
            added,
            normalizer,
            Given(components, "pre_tokenizer") is JsonPlace preTokenizer ? ComponentReader.ReadPreTokenizer(preTokenizer) : null,
            Given(components, "post_processor") is JsonPlace postProcessor ? ComponentReader.ReadPostProcessor(postProcessor, _largestAllowedId) : null,
            Given(components, "decoder") is JsonPlace decoder ? ComponentReader.ReadDecoder(decoder) : DecoderPlan.JoinWithSpaces);
    }

    private Dictionary<string, JsonPlace> ReadModel(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Error(in reader, "model should be an object");
        Dictionary<string, JsonPlace> rest = [];
        Utf8JsonReader merges = default;
        bool postponed = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (name == "vocab") ReadVocabulary(ref reader);
            else if (name == "merges" && _hasVocabulary) ReadMerges(ref reader);
            else if (name == "merges")
            {
                merges = reader;
                postponed = true;
                reader.Skip();
            }
            else rest[name] = new JsonPlace(_file, $"model.{name}", JsonElement.ParseValue(ref reader));
            // Models of other types have vocabularies of other shapes, so this error should come first.
            if (name == "type" && Given(rest, "type")?.Text() is string type and not "BPE") throw rest["type"].Error($"is '{type}'; supported is BPE");
        }
        if (postponed && _hasVocabulary) ReadMerges(ref merges);
        return rest;
    }

    private void ReadVocabulary(ref Utf8JsonReader reader)
    {
        if (_hasVocabulary) throw Error(in reader, "model.vocab is there twice");
        if (reader.TokenType != JsonTokenType.StartObject) throw Error(in reader, "model.vocab should be an object of pieces and ids");
        _hasVocabulary = true;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ReadOnlySpan<byte> piece = Unescaped(in reader, 0);
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int id) || id < 0 || id > _largestAllowedId)
                throw Error(in reader, $"model.vocab['{Encoding.UTF8.GetString(piece)}'] should be an id from 0 to {_largestAllowedId}");
            if (piece.Length == 0) continue;
            if (!_vocabulary.TryAdd(piece, id)) throw Error(in reader, $"model.vocab has the id {id} for both '{_vocabulary.Text(id)}' and '{Encoding.UTF8.GetString(piece)}'");
        }
        _vocabulary.Complete(_file);
    }

    private void ReadMerges(ref Utf8JsonReader reader)
    {
        if (_hasMerges) throw Error(in reader, "model.merges is there twice");
        if (reader.TokenType != JsonTokenType.StartArray) throw Error(in reader, "model.merges should be an array");
        _hasMerges = true;
        int merged = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            ReadOnlySpan<byte> both;
            int split;
            if (reader.TokenType == JsonTokenType.String)
            {
                both = Unescaped(in reader, 0);
                split = both.IndexOf((byte)' ');
                if (split < 0 || both[(split + 1)..].Contains((byte)' ')) throw Error(in reader, $"model.merges[{_merges.Count}] should be two pieces with a space between them");
                // The pieces without the space between them are the piece that they merge into.
                both[..split].CopyTo(Scratch(both.Length));
                both[(split + 1)..].CopyTo(_scratch.AsSpan(split));
                both = _scratch.AsSpan(0, both.Length - 1);
            }
            else
            {
                if (reader.TokenType != JsonTokenType.StartArray || !reader.Read() || reader.TokenType != JsonTokenType.String)
                    throw Error(in reader, $"model.merges[{_merges.Count}] should be a pair of pieces");
                split = CopyUnescaped(in reader, 0);
                if (!reader.Read() || reader.TokenType != JsonTokenType.String) throw Error(in reader, $"model.merges[{_merges.Count}] should be a pair of pieces");
                int length = split + CopyUnescaped(in reader, split);
                if (!reader.Read() || reader.TokenType != JsonTokenType.EndArray) throw Error(in reader, $"model.merges[{_merges.Count}] should be a pair of pieces");
                both = _scratch.AsSpan(0, length);
            }
            // Merges are mostly in the order of what they make.
            merged = Known(in reader, both, _vocabulary.Find(both, merged));
            ReadOnlySpan<byte> left = both[..split], right = both[split..];
            _merges.Add(Known(in reader, left, _vocabulary.Find(left)), Known(in reader, right, _vocabulary.Find(right)), merged);
        }
        _merges.Complete();
    }

    /// <summary>The id, if the piece of a merge has one.</summary>
    private int Known(scoped ref readonly Utf8JsonReader reader, ReadOnlySpan<byte> piece, int id) =>
        id >= 0 ? id : throw Error(in reader, $"model.merges[{_merges.Count}] needs the piece '{Encoding.UTF8.GetString(piece)}', which model.vocab lacks");

    /// <summary>The reader's string or name, in place where it has no escapes, else in the scratch space from <paramref name="at"/>.</summary>
    private ReadOnlySpan<byte> Unescaped(scoped ref readonly Utf8JsonReader reader, int at) =>
        reader.ValueIsEscaped ? _scratch.AsSpan(at, CopyUnescaped(in reader, at)) : reader.ValueSpan;

    private int CopyUnescaped(scoped ref readonly Utf8JsonReader reader, int at)
    {
        Span<byte> target = Scratch(at + reader.ValueSpan.Length).AsSpan(at);
        if (reader.ValueIsEscaped) return reader.CopyString(target);
        reader.ValueSpan.CopyTo(target);
        return reader.ValueSpan.Length;
    }

    private byte[] Scratch(int length)
    {
        if (_scratch.Length < length) Array.Resize(ref _scratch, Math.Max(length, _scratch.Length * 2));
        return _scratch;
    }

    private AddedToken[] ReadAddedTokens(JsonPlace place, Normalizer? normalizer)
    {
        Dictionary<int, string> contents = [];
        List<AddedToken> tokens = [];
        foreach (JsonPlace item in place.Items())
        {
            string content = item.Required("content").Text();
            int id = item.Required("id").Integer(_largestAllowedId);
            // A piece of the vocabulary keeps its id there.
            if (_vocabulary.Find(content) is >= 0 and int known) id = known;
            else if (_vocabulary.Contains(id)) throw item.Error($"has the id {id}, which is also that of '{_vocabulary.Text(id)}' in model.vocab");
            if (!contents.TryAdd(id, content) && contents[id] != content) throw item.Error($"has the id {id}, which is also that of '{contents[id]}'");
            bool special = ItemFlag(item, "special", false), normalized = ItemFlag(item, "normalized", !special);
            tokens.Add(new AddedToken(id, content, special, normalized, ItemFlag(item, "lstrip", false), ItemFlag(item, "rstrip", false), ItemFlag(item, "single_word", false))
            {
                InText = normalized && normalizer is not null ? normalizer.Apply(new AlignedText(content, 0)).Units.ToString() : content,
            });
        }
        return [.. tokens];
    }

    private static bool ItemFlag(JsonPlace item, string name, bool otherwise) => item.Optional(name)?.Flag() ?? otherwise;

    private static JsonPlace? Given(Dictionary<string, JsonPlace> places, string name) =>
        places.TryGetValue(name, out JsonPlace? place) && !place.IsNull ? place : null;

    private static bool Flag(Dictionary<string, JsonPlace> places, string name) => Given(places, name)?.Flag() ?? false;

    private InvalidDataException Error(scoped ref readonly Utf8JsonReader reader, string what) => new($"{_file}: at byte {reader.TokenStartIndex}: {what}.");
}
