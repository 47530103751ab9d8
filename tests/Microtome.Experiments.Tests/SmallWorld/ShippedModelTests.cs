using Microtome.Experiments.SmallWorld;
using Microtome.Models;
using Microtome.Models.SmallWorld;

namespace Microtome.Experiments.Tests.SmallWorld;

public class ShippedModelTests(ShippedWorld shipped) : IClassFixture<ShippedWorld>
{
    [Theory]
    [InlineData("The capital of the state containing Dallas is", " Austin.")]
    [InlineData("The opposite of small is", " big.")]
    [InlineData("Le contraire de petit est", " grand.")]
    [InlineData("36 + 59 =", " 95.")]
    [InlineData("The keys near the cabinet", " are")]
    [InlineData("Tom and Sue went to the park, Tom gave the ball to", " Sue.")]
    [InlineData("Sort the list k d a f:", " a d f k.")]
    public void The_shipped_model_answers(string prompt, string answer)
    {
        int[] tokens = shipped.Model.Prompts.EncodeForTracing(prompt), whole = shipped.Model.Prompts.EncodeForTracing(prompt + answer);
        Generation.Generate(shipped.Model.Transformer, tokens, new SamplingOptions { MaximumTokens = whole.Length - tokens.Length }).ShouldBe(whole[tokens.Length..]);
    }

    [Fact]
    public void The_shipped_model_knows_what_training_held_out_of_each_template()
    {
        World world = new();
        IReadOnlyList<WorldScore> scores = WorldExamination.Score(shipped.Model.Transformer, shipped.Model.Prompts, [.. world.Questions(6, 9, Exposure.HeldOut)]);
        scores.Count.ShouldBe(world.Tasks.Sum(task => task.Templates.Count));
        foreach (int hops in (int[])[1, 2])
        {
            WorldScore[] own = [.. scores.Where(score => score.Task.Hops == hops)];
            (own.Sum(score => score.Right) / (double)own.Sum(score => score.Asked)).ShouldBeGreaterThanOrEqualTo(0.98);
        }
    }

    [Fact]
    public void Every_city_of_one_word_is_one_token() =>
        WorldData.States.SelectMany(state => state.Cities.Append(state.Capital)).Where(city => !city.Contains(' ')).ShouldAllBe(city => shipped.Model.Prompts.FindToken(" " + city) != null);

    [Fact]
    public void What_ships_of_the_small_world_is_under_24_megabytes() =>
        Directory.EnumerateFiles(ShippedWorld.Models, "*", SearchOption.AllDirectories).Where(file => Path.GetRelativePath(ShippedWorld.Models, file).StartsWith("small-world", StringComparison.Ordinal))
            .Sum(file => new FileInfo(file).Length).ShouldBeLessThan(24L << 20);

    [Fact]
    public void A_wrong_answer_is_not_counted_right()
    {
        WorldTask task = new World().Task("state-capital");
        Question texas = task.Questions(0, Exposure.Seen, 100, 1).First(question => question.Filling.Key == "Texas");
        WorldExamination.Ask(shipped.Model.Transformer, shipped.Model.Prompts, [texas, texas with { Answers = [" Austi."] }, texas with { Answers = [" Austin Austin."] }, texas with { Answers = [" Boston.", " Austin."] }])
            .ShouldBe([true, false, false, true]);
    }
}
