using Microtome.Models.Tokenizers;

namespace Microtome.Models.Tests.Tokenizers;

public sealed class BytePairTrainerTests
{
    private static readonly string[] Texts = ["low low low low low", "lower lower newest newest newest newest newest newest", "widest widest widest ça ça été", "12 + 34 = 46"];

    [Fact]
    public void The_most_frequent_pair_is_merged_first_and_of_equals_the_one_with_the_first_bytes()
    {
        string json = System.Text.Encoding.UTF8.GetString(BytePairTrainer.Train(["ab ab ab cd cd cd"], 260).ToJson());
        json = json.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);
        json.ShouldContain("\"merges\":[[\"Ġ\",\"c\"],[\"Ġc\",\"d\"],[\"a\",\"b\"]]");
    }

    [Fact]
    public void A_trained_tokenizer_reads_back_and_gives_every_text_back()
    {
        TrainedTokenizer trained = BytePairTrainer.Train(Texts, 300);
        using TemporaryFolder folder = new();
        trained.Save(folder.Path, context: 64);
        Tokenizer tokenizer = Tokenizer.Load(folder.Path);
        tokenizer.VocabularySize.ShouldBe(trained.VocabularySize);
        tokenizer.EndOfText.ShouldBe(trained.EndOfText);
        tokenizer.BeginningOfText.ShouldBe(trained.EndOfText);
        foreach (string text in Texts.Concat(["", "naïve \U0001F600\n\n\tx", "lowest"])) tokenizer.Decode(tokenizer.Encode(text)).ShouldBe(text);
        tokenizer.Encode("low newest").Length.ShouldBeLessThan(5);
        tokenizer.Encode("low", addSpecialTokens: true)[0].ShouldBe(trained.EndOfText);
        tokenizer.Encode("low<|endoftext|>")[^1].ShouldBe(trained.EndOfText);
    }

    [Fact]
    public void The_same_texts_give_the_same_file() =>
        BytePairTrainer.Train(Texts.Reverse(), 290).ToJson().ShouldBe(BytePairTrainer.Train(Texts, 290).ToJson());

    [Fact]
    public void Training_stops_when_no_pair_occurs_twice() => BytePairTrainer.Train(["abc abc"], 5000).VocabularySize.ShouldBeLessThan(262);

    [Fact]
    public void A_vocabulary_below_the_bytes_is_refused() => Should.Throw<ArgumentException>(() => BytePairTrainer.Train(Texts, 256)).Message.ShouldContain("257");
}
