
namespace Microtome.Models.Tests.Prompts;

public class PromptEncoderTests
{
    private const int Begin = 1;
    private static readonly PromptEncoder Stories = Load(Path.Combine(TestFiles.Repository, "models", "stories260k"));
    private static readonly PromptEncoder Ids = Load(TestFiles.Get("golden/models/gpt2"));

    [Theory]
    [InlineData("Once upon a time")]
    [InlineData("<s>Once upon a time")]
    public void A_prompt_to_trace_begins_with_the_beginning_of_text_exactly_once(string prompt)
    {
        int[] tokens = Stories.EncodeForTracing(prompt);
        tokens.Count(token => token == Begin).ShouldBe(1);
        tokens[0].ShouldBe(Begin);
        tokens.ShouldBe(Stories.EncodeForTracing("Once upon a time"));
    }

    [Fact]
    public void Another_special_token_at_the_beginning_is_left_alone()
    {
        int[] tokens = Stories.EncodeForTracing("</s>Once");
        tokens[0].ShouldBe(2);
        tokens.ShouldNotContain(Begin);
    }

    [Fact]
    public void One_token_is_found_by_its_text()
    {
        int lily = Stories.Token(" Lily");
        Stories.TextOf(lily).ShouldBe(" Lily");
        Stories.EncodeForTracing("She met Lily")[^1].ShouldBe(lily);
    }

    [Theory]
    [InlineData("a")]
    [InlineData(" a")]
    [InlineData("\n")]
    [InlineData(".")]
    public void Tokens_are_found_with_and_without_a_leading_space(string text) => Stories.TextOf(Stories.Token(text)).ShouldBe(text);

    [Theory]
    [InlineData(" Constantinople", "is not one token but")]
    [InlineData("", "has no text")]
    public void Texts_that_are_not_one_token_are_refused(string text, string message) =>
        Should.Throw<ArgumentException>(() => Stories.Token(text)).Message.ShouldContain(message);

    [Fact]
    public void Pieces_of_a_text_join_to_what_is_decoded()
    {
        int[] tokens = Stories.Encode("Once upon a time, there was a café.\n\"Hi!\" 😀");
        TextStream stream = Stories.Stream();
        (string.Concat(tokens.Select(stream.Append)) + stream.Finish()).ShouldBe(Stories.Decode(tokens));
    }

    [Fact]
    public void Prompts_without_text_or_longer_than_the_context_are_refused()
    {
        Should.Throw<ArgumentException>(() => Stories.EncodeForTracing("")).Message.ShouldContain("no text");
        string large = string.Concat(Enumerable.Repeat("One day Tom went to the park. ", 100));
        Should.Throw<ArgumentException>(() => Stories.Encode(large)).Message.ShouldContain("the model's context holds 512");
        Should.Throw<ArgumentException>(() => Stories.EncodeForTracing(large)).Message.ShouldContain("the model's context holds 512");
    }

    [Theory]
    [InlineData("1 81 187")]
    [InlineData("t1 t81 t187")]
    [InlineData(" 1,81\n t187 ")]
    public void A_checkpoint_without_a_tokenizer_takes_ids(string prompt)
    {
        Ids.HasTokenizer.ShouldBeFalse();
        Ids.Encode(prompt).ShouldBe([1, 81, 187]);
        Ids.EncodeForTracing(prompt).ShouldBe([1, 81, 187]);
    }

    [Theory]
    [InlineData("1 211", "'211' is none")]
    [InlineData("-1", "'-1' is none")]
    [InlineData("t", "'t' is none")]
    [InlineData("1 Paris", "'Paris' is none")]
    [InlineData("99999999999999999999", "is none")]
    [InlineData("", "no text")]
    [InlineData(" \n", "no text")]
    public void Ids_outside_the_vocabulary_and_words_are_refused(string prompt, string message)
    {
        Should.Throw<ArgumentException>(() => Ids.Encode(prompt)).Message.ShouldContain(message);
        Should.Throw<ArgumentException>(() => Ids.EncodeForTracing(prompt)).Message.ShouldContain(message);
    }

    [Fact]
    public void Ids_are_read_back_from_their_texts()
    {
        int[] tokens = [0, 17, 210];
        Ids.Encode(Ids.Decode(tokens)).ShouldBe(tokens);
        Ids.Token(Ids.TextOf(17)).ShouldBe(17);
        Should.Throw<ArgumentException>(() => Ids.Token("1 2")).Message.ShouldContain("not one token id");
        TextStream stream = Ids.Stream();
        (string.Concat(tokens.Select(stream.Append)) + stream.Finish()).ShouldBe("t0 t17 t210");
    }

    private static PromptEncoder Load(string folder)
    {
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        return PromptEncoder.Load(folder, checkpoint.Specification);
    }
}
