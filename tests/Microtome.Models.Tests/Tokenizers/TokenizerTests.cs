using System.Text;
using Microtome.Models.Tokenizers;

namespace Microtome.Models.Tests.Tokenizers;

public class TokenizerTests
{
    [Fact]
    public void Special_tokens_of_stories260k_are_known()
    {
        Tokenizer tokenizer = SampleTokenizers.Stories;
        tokenizer.VocabularySize.ShouldBe(512);
        tokenizer.SpecialIds.ShouldBe([0, 1, 2]);
        (tokenizer.BeginningOfText, tokenizer.EndOfText, tokenizer.Padding).ShouldBe((1, 2, null));
    }

    [Fact]
    public void A_tokenizer_without_configuration_has_no_beginning_of_text() => SampleTokenizers.Bytes.BeginningOfText.ShouldBeNull();

    [Theory]
    [InlineData("""{"bos_token": "<|endoftext|>", "eos_token": {"content": "the", "lstrip": false}, "pad_token": null}""", 616, false)]
    [InlineData("""{"bos_token": {"content": "<|endoftext|>"}, "add_bos_token": true, "eos_token": "the", "pad_token": null}""", 616, true)]
    public void Configured_tokens_are_strings_or_objects(string configuration, int beginning, bool prepended)
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer").FullName;
        try
        {
            File.Copy(SampleTokenizers.BytesFile, Path.Combine(folder, "tokenizer.json"));
            File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), configuration);
            Tokenizer tokenizer = Tokenizer.Load(folder);
            (tokenizer.BeginningOfText, tokenizer.EndOfText, tokenizer.Padding).ShouldBe((beginning, tokenizer.Find("the"), null));
            (tokenizer.Encode("a", addSpecialTokens: true)[0] == beginning).ShouldBe(prepended);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_folder_without_a_tokenizer_is_named()
    {
        string folder = Path.Combine(Path.GetTempPath(), "no such model");
        Should.Throw<FileNotFoundException>(() => Tokenizer.Load(folder)).Message.ShouldContain(folder);
    }

    [Theory]
    [InlineData("▁Once", " Once")]
    [InlineData("<0x0A>", "\n")]
    [InlineData("<0xE2>", "\uFFFD")]
    [InlineData("▁", " ")]
    [InlineData("<s>", "<s>")]
    public void Token_text_is_what_a_token_is_in_the_middle_of_a_text(string piece, string text) =>
        SampleTokenizers.Stories.TokenText(SampleTokenizers.Stories.Find(piece).ShouldNotBeNull()).ShouldBe(text);

    [Theory]
    [InlineData("Ġthe", " the")]
    [InlineData("Ċ", "\n")]
    [InlineData("Ã", "\uFFFD")]
    [InlineData("<|endoftext|>", "<|endoftext|>")]
    public void Token_text_of_byte_level_pieces_is_decoded(string piece, string text) =>
        SampleTokenizers.Bytes.TokenText(SampleTokenizers.Bytes.Find(piece).ShouldNotBeNull()).ShouldBe(text);

    [Fact]
    public void Pieces_that_are_not_there_are_not_found() => SampleTokenizers.Bytes.Find("no such piece").ShouldBeNull();

    [Fact]
    public void Ids_that_no_token_has_stand_for_no_text()
    {
        SampleTokenizers.Bytes.Decode([99, -1, 616 + 1, int.MaxValue]).ShouldBe(SampleTokenizers.Bytes.Decode([99]));
        SampleTokenizers.Bytes.TokenText(1_000_000).ShouldBe("");
    }

    [Fact]
    public void The_empty_text_has_no_tokens()
    {
        SampleTokenizers.Bytes.Encode("").ShouldBeEmpty();
        SampleTokenizers.Stories.Encode("").ShouldBeEmpty();
        SampleTokenizers.Bytes.Decode([]).ShouldBe("");
    }

    [Fact]
    public void Byte_level_tokenizers_give_back_any_text()
    {
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            string text = RandomText.Next(random, withLoneSurrogates: false);
            SampleTokenizers.Bytes.Decode(SampleTokenizers.Bytes.Encode(text)).ShouldBe(text);
        }
    }

    [Fact]
    public void Byte_fallback_gives_back_any_text()
    {
        Random random = new(2);
        for (int i = 0; i < 2000; i++)
        {
            // Spaces are written as the stand-in, so a stand-in in the text becomes a space; a space is put after each special token too.
            string text = RandomText.Next(random, withLoneSurrogates: false).Replace('▁', '_').Replace("<s>", "", StringComparison.Ordinal);
            SampleTokenizers.Stories.Decode(SampleTokenizers.Stories.Encode(text)).ShouldBe(text);
        }
    }

    [Fact]
    public void Half_a_surrogate_pair_counts_as_the_replacement_character()
    {
        int[] ids = SampleTokenizers.Bytes.Encode("a\uD83Db");
        ids.ShouldBe(SampleTokenizers.Bytes.Encode("a\uFFFDb"));
        SampleTokenizers.Stories.Encode("a\uDE00").ShouldBe(SampleTokenizers.Stories.Encode("a\uFFFD"));
    }

    [Theory]
    [InlineData("bytes")]
    [InlineData("stories260k")]
    public void Offsets_ascend_and_cover_the_text(string name)
    {
        // Without the post-processor that leaves spaces out.
        Tokenizer tokenizer = SampleTokenizers.Changed(name, """{"post_processor": null}""");
        Random random = new(3);
        for (int i = 0; i < 2000; i++)
        {
            string text = RandomText.Next(random, withLoneSurrogates: true);
            int end = 0;
            foreach (Token token in tokenizer.EncodeWithOffsets(text))
            {
                token.Start.ShouldBeLessThanOrEqualTo(end);
                token.End.ShouldBeGreaterThan(token.Start);
                end = token.End;
            }
            end.ShouldBe(text.Length);
        }
    }

    [Fact]
    public void Encoding_with_offsets_gives_the_same_ids()
    {
        Random random = new(4);
        for (int i = 0; i < 500; i++)
        {
            string text = RandomText.Next(random, withLoneSurrogates: true);
            SampleTokenizers.Stories.EncodeWithOffsets(text, addSpecialTokens: true).Select(token => token.Id).ShouldBe(SampleTokenizers.Stories.Encode(text, addSpecialTokens: true));
        }
    }

    [Fact]
    public void Code_point_offsets_count_a_surrogate_pair_once()
    {
        IReadOnlyList<Token> tokens = SampleTokenizers.Stories.EncodeWithOffsets("😀a");
        tokens[^1].ShouldBe(new Token(tokens[^1].Id, 2, 3));
        Tokenizer.CodePointOffsets("😀a", tokens)[^1].ShouldBe(new Token(tokens[^1].Id, 1, 2));
    }

    [Fact]
    public void Code_point_offsets_refuse_tokens_of_another_text() =>
        Should.Throw<ArgumentException>(() => Tokenizer.CodePointOffsets("a", [new Token(0, 0, 2)]));

    [Fact]
    public void A_long_word_is_merged_as_its_parts_would_be()
    {
        // Far beyond the length up to which words are merged by repeated search.
        string word = string.Concat(Enumerable.Repeat("theforward", 3000));
        Tokenizer tokenizer = SampleTokenizers.SplittingAt(".+");
        int[] once = tokenizer.Encode("theforward");
        tokenizer.Encode(word).ShouldBe([.. Enumerable.Repeat(once, 3000).SelectMany(ids => ids)]);
    }

    [Fact]
    public void Texts_encode_alike_from_many_threads()
    {
        Tokenizer tokenizer = SampleTokenizers.Changed("bytes", "{}");
        string text = string.Join(' ', Enumerable.Range(0, 2000).Select(i => $"word{i % 300}"));
        int[] expected = SampleTokenizers.Bytes.Encode(text);
        Parallel.For(0, 8, _ => tokenizer.Encode(text).ShouldBe(expected));
    }

    [Fact]
    public void Merges_may_come_before_the_vocabulary()
    {
        string json = File.ReadAllText(SampleTokenizers.BytesFile);
        int vocabulary = json.IndexOf("\"vocab\"", StringComparison.Ordinal), merges = json.IndexOf("\"merges\"", StringComparison.Ordinal);
        int end = json.LastIndexOf(']');
        string swapped = json[..vocabulary] + json[merges..(end + 1)] + ", " + json[vocabulary..merges].TrimEnd(' ', ',') + json[(end + 1)..];
        SampleTokenizers.Parse(swapped).Encode("the forward").ShouldBe(SampleTokenizers.Bytes.Encode("the forward"));
    }

    [Fact]
    public void A_byte_order_mark_before_the_file_is_skipped() =>
        SampleTokenizers.Parse("\uFEFF" + File.ReadAllText(SampleTokenizers.BytesFile)).VocabularySize.ShouldBe(SampleTokenizers.Bytes.VocabularySize);
}
