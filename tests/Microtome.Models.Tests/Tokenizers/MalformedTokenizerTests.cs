using System.Text;
using Microtome.Models.Tokenizers;

namespace Microtome.Models.Tests.Tokenizers;

public class MalformedTokenizerTests
{
    [Theory]
    [InlineData("""{"normalizer": {"type": "Nmt"}}""", "normalizer", "'Nmt'", "NFKC")]
    [InlineData("""{"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "UnicodeScripts"}]}}""", "pre_tokenizer.pretokenizers[0]", "'UnicodeScripts'", "ByteLevel")]
    [InlineData("""{"post_processor": {"type": "Odd"}}""", "post_processor", "'Odd'", "TemplateProcessing")]
    [InlineData("""{"decoder": {"type": "CTC"}}""", "decoder", "'CTC'", "ByteFallback")]
    [InlineData("""{"model": {"type": "Unigram"}}""", "model.type", "'Unigram'", "BPE")]
    [InlineData("""{"model": {"continuing_subword_prefix": "##"}}""", "model.continuing_subword_prefix", "'##'", "empty")]
    [InlineData("""{"model": {"dropout": 0.1}}""", "model.dropout", "0", "random")]
    [InlineData("""{"model": {"fuse_unk": 1}}""", "model.fuse_unk", "true or false", "a number")]
    [InlineData("""{"model": {"vocab": {"a": -1}}}""", "model.vocab['a']", "0", "id")]
    [InlineData("""{"model": {"vocab": {"a": 2147483647}}}""", "model.vocab['a']", "0", "id")]
    [InlineData("""{"model": {"vocab": {"a": 1.5}}}""", "model.vocab['a']", "0", "id")]
    [InlineData("""{"model": {"vocab": {"a": 1, "b": 1}}}""", "id 1", "'a'", "'b'")]
    [InlineData("""{"model": {"merges": ["x"]}}""", "model.merges[0]", "two pieces", "space")]
    [InlineData("""{"model": {"merges": [["a", "b", "c"]]}}""", "model.merges[0]", "pair", "pieces")]
    [InlineData("""{"model": {"merges": [["日", "本"]]}}""", "model.merges[0]", "'日本'", "lacks")]
    [InlineData("""{"model": {"merges": {}}}""", "model.merges", "array", "byte")]
    [InlineData("""{"model": {"vocab": []}}""", "model.vocab", "object", "byte")]
    [InlineData("""{"added_tokens": [{"id": -5, "content": "<x>"}]}""", "added_tokens[0].id", "0", "-5")]
    [InlineData("""{"added_tokens": [{"id": 5, "content": "<x>"}]}""", "added_tokens[0]", "id 5", "model.vocab")]
    [InlineData("""{"added_tokens": [{"id": 700, "content": "<x>"}, {"id": 700, "content": "<y>"}]}""", "added_tokens[1]", "id 700", "'<x>'")]
    [InlineData("""{"added_tokens": [{"content": "<x>"}]}""", "added_tokens[0]", "lacks", "'id'")]
    [InlineData("""{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"}}""", "pre_tokenizer.pattern.Regex", "'(a'", "not closed")]
    [InlineData("""{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\\p{Klingon}"}, "behavior": "Isolated"}}""", "pre_tokenizer.pattern.Regex", "'Klingon'", "not supported")]
    [InlineData("""{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a*)*"}, "behavior": "Isolated"}}""", "pre_tokenizer.pattern.Regex", "empty", "not supported")]
    [InlineData("""{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "((a{1000}){1000}){1000}"}, "behavior": "Isolated"}}""", "pre_tokenizer.pattern.Regex", "too many", "repeated")]
    [InlineData("""{"pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "Odd"}}""", "pre_tokenizer.behavior", "'Odd'", "MergedWithNext")]
    [InlineData("""{"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "special_tokens": {}}}""", "post_processor.special_tokens", "lacks", "'<s>'")]
    public void Errors_name_the_place_and_the_reason(string changes, params string[] parts)
    {
        string message = Should.Throw<InvalidDataException>(() => SampleTokenizers.Changed("bytes", changes)).Message;
        message.ShouldStartWith("tokenizer.json");
        foreach (string part in parts) message.ShouldContain(part);
    }

    [Theory]
    [InlineData("", "line 1")]
    [InlineData("[]", "object")]
    [InlineData("{}", "lacks a model")]
    [InlineData("""{"model": {"type": "BPE"}}""", "lacks a model")]
    [InlineData("""{"model": {"vocab": {}, "merges": []}} x""", "line 1")]
    [InlineData("""{"model": {"vocab": {"\ud800": 0}, "merges": []}}""", "not valid text")]
    [InlineData("""{"model": {"vocab": {"a": 0, "a": 1}, "merges": []}}""", "'a' twice")]
    [InlineData("{\n\"model\": {\n", "line 3")]
    public void Files_that_are_not_tokenizers_are_refused(string json, string part) =>
        Should.Throw<InvalidDataException>(() => SampleTokenizers.Parse(json, "odd.json")).Message.ShouldContain(part);

    [Fact]
    public void Deep_nesting_is_refused()
    {
        string nested = new string('[', 100_000) + new string(']', 100_000);
        Should.Throw<InvalidDataException>(() => SampleTokenizers.Parse($$"""{"normalizer": {{nested}}}"""));
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_refused() =>
        Should.Throw<InvalidDataException>(() => Tokenizer.Parse(new MemoryStream([(byte)'{', 0xFF, (byte)'}']), "odd.json")).Message.ShouldContain("UTF-8");

    [Fact]
    public void A_pattern_that_takes_for_ever_is_stopped()
    {
        Tokenizer tokenizer = SampleTokenizers.SplittingAt("(?:a|aa|aaa)+b");
        Should.Throw<InvalidDataException>(() => tokenizer.Encode(new string('a', 200))).Message.ShouldContain("steps");
    }

    [Theory]
    [InlineData("bytes")]
    [InlineData("stories260k")]
    public void A_truncated_file_is_refused(string name)
    {
        byte[] whole = Encoding.UTF8.GetBytes(SampleTokenizers.TextOf(name).TrimEnd());
        for (int length = 0; length < whole.Length; length += 1 + length % 37)
            Should.Throw<InvalidDataException>(() => Tokenizer.Parse(new MemoryStream(whole, 0, length), name));
    }

    [Theory]
    [InlineData("bytes")]
    [InlineData("stories260k")]
    public void A_damaged_file_works_or_is_refused(string name)
    {
        byte[] whole = Encoding.UTF8.GetBytes(SampleTokenizers.TextOf(name));
        // Where a change matters most: everything but the vocabulary and the merges.
        string text = SampleTokenizers.TextOf(name);
        int vocabulary = Encoding.UTF8.GetByteCount(text.AsSpan(0, text.IndexOf("\"vocab\"", StringComparison.Ordinal)));
        byte[] alphabet = "{}[]\",:0123456789-.eabtrufnls \\<>"u8.ToArray();
        Random random = new(6);
        for (int i = 0; i < 4000; i++)
        {
            byte[] damaged = [.. whole];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int at = random.Next(random.Next(2) == 0 ? vocabulary : whole.Length);
                damaged[at] = random.Next(4) == 0 ? (byte)random.Next(256) : alphabet[random.Next(alphabet.Length)];
            }
            try
            {
                Tokenizer tokenizer = Tokenizer.Parse(new MemoryStream(damaged), name);
                int[] ids = tokenizer.Encode("Once upon a time, the <s> 12 é😀\n", addSpecialTokens: true);
                tokenizer.Decode(ids);
                foreach (int id in ids) tokenizer.TokenText(id);
            }
            catch (InvalidDataException)
            {
                // The documented refusal.
            }
        }
    }
}
