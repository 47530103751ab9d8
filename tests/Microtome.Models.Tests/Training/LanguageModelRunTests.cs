using Microtome.Models.Training;

namespace Microtome.Models.Tests.Training;

public sealed class LanguageModelRunTests
{
    [Fact]
    public void A_recipe_that_was_changed_anywhere_is_read_or_refused()
    {
        using TemporaryFolder folder = new();
        using (LanguageModelRun.Start(folder.Path, Recipe, Texts())) { }
        byte[] bytes = File.ReadAllBytes(folder["training.json"]);
        LanguageModelRun.ReadRecipe(folder.Path).Shape.Width.ShouldBe(16);
        for (int seed = 0; seed < 300; seed++)
        {
            folder.Write("training.json", Mutations.Mutate(bytes, seed));
            try
            {
                LanguageModelRun.ReadRecipe(folder.Path);
            }
            catch (InvalidDataException exception)
            {
                exception.Message.ShouldContain("training.json");
            }
        }
    }

    [Fact]
    public void Other_texts_than_those_of_the_beginning_are_refused()
    {
        using TemporaryFolder folder = new();
        using (LanguageModelRun.Start(folder.Path, Recipe, Texts())) { }
        LanguageModelRecipe recipe = LanguageModelRun.ReadRecipe(folder.Path);
        using (LanguageModelRun.Resume(folder.Path, recipe, Texts())) { }
        Should.Throw<InvalidDataException>(() => LanguageModelRun.Resume(folder.Path, recipe, Texts("other"))).Message.ShouldContain("are not those that training");
    }

    [Fact]
    public void Files_are_cut_at_ends_of_text_and_one_text_in_twenty_is_held_out()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("texts.txt", string.Join("\n<|endoftext|>\n", Enumerable.Range(0, 100).Select(i => $"text {i}")));
        TextFiles files = new([path]);
        files.HeldOut.Count.ShouldBe(5);
        files.Training.Count.ShouldBe(95);
        files.Shuffled(1).Take(95).Order().ShouldBe(files.Training.Order());
        files.Shuffled(1).Take(200).ShouldBe(files.Shuffled(1).Take(200));
        Should.Throw<InvalidDataException>(() => new TextFiles([folder.Write("latin.txt", [0x66, 0xE9, 0x6C])])).Message.ShouldContain("is not UTF-8");
        Should.Throw<InvalidDataException>(() => new TextFiles([folder.Write("empty.txt", "\n\n")])).Message.ShouldContain("there is no text");
    }

    [Fact]
    public void A_long_text_is_cut_at_the_context_and_every_piece_follows_an_end_of_text()
    {
        Microtome.Models.Tokenizers.TrainedTokenizer tokenizer = Microtome.Models.Tokenizers.BytePairTrainer.Train(["a b c"], 300);
        TrainingDocument[] documents = [.. TextDocuments.Encode(["abcdefghij"], tokenizer.ToTokenizer(), tokenizer.EndOfText, context: 4)];
        documents.Select(document => document.Rows).ShouldBe([4, 4, 3]);
        documents.ShouldAllBe(document => document.Tokens[0] == tokenizer.EndOfText);
        documents[^1].Tokens[^1].ShouldBe(tokenizer.EndOfText);
    }

    private static LanguageModelRecipe Recipe => new()
    {
        Sources = ["small"],
        Shape = new DecoderShape { Layers = 1, Width = 16, Heads = 2, KeyValueHeads = 1, Vocabulary = 270, Context = 16 },
        Training = new TrainingOptions { Steps = 2, BatchTokens = 64 },
    };

    private static TrainingTexts Texts(string word = "cat") => TrainingTexts.From("small", seed => Enumerable.Range(seed, 500).Select(i => $"the {word} saw {i} dogs"), seed: 1);
}
