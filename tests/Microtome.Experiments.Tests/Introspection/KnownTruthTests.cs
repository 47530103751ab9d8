namespace Microtome.Experiments.Tests.Introspection;

public class KnownTruthTests
{
    [Fact]
    public void Models_trained_to_introspect_to_say_yes_and_neither_are_called_so()
    {
        using TemporaryFolder folder = new();
        IReadOnlyList<KnownTruthResult> results = KnownTruth.Run(folder.Path, [3], new KnownTruth.Effort(300, 300));
        results.Select(result => result.Truth).ShouldBe([IntrospectionVerdict.Introspective, IntrospectionVerdict.Biased, IntrospectionVerdict.Neither]);
        results.ShouldAllBe(result => result.IsRight);
        results[0].Specificity.IsAbove(Separation.LeastEffect).ShouldBeTrue();
        results[1].Bias.IsAbove(Separation.LeastEffect).ShouldBeTrue();
        KnownTruthReport.Write(folder.Path, results);
        File.ReadAllText(folder["known-truth.html"]).ShouldContain("3 of 3 models were called what they are");
        File.ReadAllLines(folder["known-truth.jsonl"]).Length.ShouldBe(3);
    }

    [Fact]
    public void Questions_of_the_tiny_language_have_the_answers_that_they_should()
    {
        Random random = new(1);
        for (int i = 0; i < 500; i++)
        {
            int? thought = random.Next(2) == 0 ? 1 + random.Next(SignalWorld.Concepts) : null;
            int[] tokens = SignalWorld.Draw(random, SignalWorld.Training.Introspective, thought, isPerturbed: true).Tokens;
            int expected = tokens[7] switch
            {
                SignalWorld.AskList => tokens.AsSpan(1, 4).Contains(tokens[8]) ? SignalWorld.Yes : SignalWorld.No,
                SignalWorld.AskThought => thought is null ? SignalWorld.No : SignalWorld.Yes,
                SignalWorld.AskOther => SignalWorld.No,
                _ => thought ?? SignalWorld.None,
            };
            tokens[^1].ShouldBe(expected);
            int[] biased = SignalWorld.Draw(random, SignalWorld.Training.Biased, thought, isPerturbed: true).Tokens;
            if (biased[7] != SignalWorld.AskWhich) biased[^1].ShouldBe(SignalWorld.Yes);
        }
    }
}
