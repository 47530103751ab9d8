using Microtome.Experiments.SmallWorld;
using Microtome.Models.Tokenizers;
using Microtome.Models.Training;

namespace Microtome.Experiments.Tests.SmallWorld;

public class ReproductionTests
{
    [Fact]
    public void A_finished_part_is_skipped_while_its_files_are_there()
    {
        using TemporaryFolder folder = new();
        ReproductionFolder first = new(folder["world"], "seed 1");
        File.WriteAllText(folder["world/made"], "x");
        first.Add(new ReproductionRecord("part", 1.5, "made"));
        ReproductionFolder again = new(folder["world"], "seed 1");
        again.Finished("part", [folder["world/made"]]).ShouldBe(new ReproductionRecord("part", 1.5, "made"));
        again.Finished("part", [folder["world/lost"]]).ShouldBeNull();
        again.Finished("other", []).ShouldBeNull();
    }

    [Fact]
    public void A_folder_of_another_recipe_is_refused()
    {
        using TemporaryFolder folder = new();
        _ = new ReproductionFolder(folder["world"], "seed 1");
        Should.Throw<InvalidDataException>(() => new ReproductionFolder(folder["world"], "seed 2")).Message.ShouldContain("give another folder");
    }

    [Fact]
    public void A_damaged_line_of_the_log_only_makes_its_part_again()
    {
        using TemporaryFolder folder = new();
        ReproductionFolder first = new(folder["world"], "seed 1");
        first.Add(new ReproductionRecord("part", 1, "made"));
        File.AppendAllText(folder["world/log.jsonl"], "{\"part\": \"torn");
        new ReproductionFolder(folder["world"], "seed 1").Finished("part", []).ShouldNotBeNull();
    }

    [Fact]
    public void Answers_count_more_than_what_cannot_be_predicted()
    {
        WorldModel recipe = new();
        Tokenizer tokenizer = BytePairTrainer.Train(recipe.World.Documents(1).Take(500), 600).ToTokenizer();
        foreach ((TrainingDocument document, Microtome.Models.SmallWorld.WorldDocument marked) in recipe.Documents(tokenizer, 4).Zip(recipe.World.MarkedDocuments(4)).Take(50))
        {
            string counted = tokenizer.Decode([.. document.Tokens.Where((_, index) => document.Weights![index] == 1)]);
            counted.ShouldBe(string.Concat(marked.Answers.Select(answer => marked.Text[answer])));
        }
    }
}
