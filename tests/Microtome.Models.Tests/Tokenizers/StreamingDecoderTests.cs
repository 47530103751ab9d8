using System.Text;
using Microtome.Models.Tokenizers;

namespace Microtome.Models.Tests.Tokenizers;

public class StreamingDecoderTests
{
    public static TheoryData<string, string> Decoders => new()
    {
        { "bytes", "{}" },
        { "bytes", """{"decoder": null}""" },
        { "stories260k", "{}" },
        { "stories260k", """{"decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}}""" },
        { "stories260k", """{"decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": "e", "start": 2, "stop": 3}]}}""" },
        { "stories260k", """{"decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Replace", "pattern": {"Regex": "▁[a-z]"}, "content": " X"}]}}""" },
    };

    [Theory]
    [MemberData(nameof(Decoders))]
    public void Parts_join_to_the_decoded_whole(string name, string changes)
    {
        Tokenizer tokenizer = SampleTokenizers.Changed(name, changes);
        Random random = new(5);
        for (int i = 0; i < 500; i++)
        {
            // Random ids hold bytes that are not whole characters, which texts do not.
            int[] ids = [.. Enumerable.Range(0, random.Next(20)).Select(_ => random.Next(tokenizer.VocabularySize))];
            bool skip = random.Next(2) == 0;
            StreamingDecoder decoder = new(tokenizer, skip);
            string joined = string.Concat(ids.Select(decoder.Append)) + decoder.Finish();
            joined.ShouldBe(tokenizer.Decode(ids, skip));
        }
    }

    [Fact]
    public void A_character_comes_whole_with_its_last_byte()
    {
        int[] bytes = [.. Encoding.UTF8.GetBytes("😀").Select(value => SampleTokenizers.Bytes.Encode("\0")[0] + value)];
        StreamingDecoder decoder = new(SampleTokenizers.Bytes);
        bytes.Select(decoder.Append).ShouldBe(["", "", "", "😀"]);
        decoder.Finish().ShouldBe("");
    }

    [Fact]
    public void Words_come_as_soon_as_their_token_does()
    {
        StreamingDecoder decoder = new(SampleTokenizers.Stories);
        SampleTokenizers.Stories.Encode("Once upon").Select(decoder.Append).ShouldBe(["Once", " upon"]);
    }

    [Fact]
    public void An_unfinished_character_ends_as_the_replacement_character()
    {
        StreamingDecoder decoder = new(SampleTokenizers.Stories);
        decoder.Append(SampleTokenizers.Stories.Find("<0xF0>").ShouldNotBeNull()).ShouldBe("");
        decoder.Finish().ShouldBe("\uFFFD");
    }
}
