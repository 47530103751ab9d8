using Microtome.Models.SmallWorld;
using Microtome.Models.Training;

namespace Microtome.Experiments.Tests.Studies;

public sealed class CapacityStudyTests
{
    private static readonly CapacityOptions Tiny = new() { Heads = [1, 2], Mixtures = [TaskMixture.Even], Seeds = 2, Steps = 4, MeasureEvery = 2, Examples = 4 };

    [Fact]
    public void A_study_goes_on_after_the_decoders_that_are_finished_and_ends_the_same()
    {
        using TemporaryFolder whole = new(), parts = new();
        IReadOnlyList<CapacityResult> results = new CapacityStudy(whole.Path, Tiny).Run();
        results.Select(result => (result.Heads, result.Seed)).ShouldBe([(1, 0), (1, 1), (2, 0), (2, 1)]);
        string[] lines = File.ReadAllLines(whole["capacity.jsonl"]);
        parts.Write("capacity.jsonl", $"{lines[0]}\n{lines[1]}\n{lines[2][..40]}");
        List<int> done = [];
        IReadOnlyList<CapacityResult> resumed = new CapacityStudy(parts.Path, Tiny).Run((finished, _) => done.Add(finished));
        done[0].ShouldBe(2);
        Flat(resumed).ShouldBe(Flat(results));
        File.ReadAllLines(parts["capacity.jsonl"]).Order().ShouldBe(lines.Order());

        static List<double> Flat(IReadOnlyList<CapacityResult> all) => [.. all.SelectMany(result => result.Measurements).SelectMany(measurement => measurement.ExactByLength.Append(measurement.Step))];
    }

    [Fact]
    public void A_damaged_line_is_named()
    {
        using TemporaryFolder folder = new();
        folder.Write("capacity.jsonl", "{\"heads\":1}\nnothing\n{}\n");
        Should.Throw<InvalidDataException>(() => new CapacityStudy(folder.Path, Tiny).Run()).Message.ShouldContain("line 1");
    }

    [Fact]
    public void Lists_that_are_asked_for_are_never_trained_on()
    {
        HashSet<string> trained = [.. ListTasks.Training(TaskMixture.Even, 1).Take(20_000).Select(document => string.Join(' ', document.Tokens[2..^1].TakeWhile(token => token != ListTasks.Equal)))];
        foreach (ListOperation operation in ListTasks.Operations)
            foreach (ListExample example in ListTasks.HeldOut(operation, 3, 50, 2))
                trained.ShouldNotContain(string.Join(' ', ListTasks.Document(example).Tokens[2..].TakeWhile(token => token != ListTasks.Equal)));
    }

    [Fact]
    public void Only_the_answer_counts()
    {
        TrainingDocument document = ListTasks.Document(new ListExample(ListOperation.Reverse, "abcd"));
        document.Tokens.Length.ShouldBe(2 + 4 + 1 + 4 + 1);
        document.Weights!.Select((weight, index) => (weight, index)).Where(entry => entry.weight > 0).Select(entry => entry.index).ShouldBe([7, 8, 9, 10, 11]);
        document.Tokens[7].ShouldBe(document.Tokens[5]);
    }

    [Theory]
    [InlineData("even", 0.2)]
    [InlineData("mostly-sort", 0.5)]
    [InlineData("sort=3,last=1", 0.75)]
    public void Mixtures_are_read(string text, double sort)
    {
        TaskMixture mixture = TaskMixture.Parse(text);
        mixture.Shares[ListOperation.Sort].ShouldBe(sort, 1e-12);
        mixture.Shares.Values.Sum().ShouldBe(1, 1e-12);
        Random random = new(1);
        (Enumerable.Range(0, 4000).Count(_ => mixture.Draw(random) == ListOperation.Sort) / 4000.0).ShouldBe(sort, 0.03);
    }

    [Theory]
    [InlineData("often")]
    [InlineData("sort=-1")]
    [InlineData("add=1")]
    [InlineData("sort=0")]
    public void Mixtures_that_are_none_are_refused(string text) => Should.Throw<ArgumentException>(() => TaskMixture.Parse(text));

    [Fact]
    public void A_task_is_learned_where_it_stays_learned()
    {
        CapacityMeasurement At(long step, double exact) => new(step, ListOperation.Last, [exact]);
        CapacityResult result = new("even", 1, 0, 40, [At(10, 0.95), At(20, 0.5), At(30, 0.92), At(40, 1)]);
        result.LearnedAt(ListOperation.Last, 0.9).ShouldBe(30);
        result.LearnedAt(ListOperation.Last, 0.99).ShouldBe(40);
        new CapacityResult("even", 1, 0, 10, [At(10, 0.5)]).LearnedAt(ListOperation.Last, 0.9).ShouldBeNull();
    }

    [Fact]
    public void A_report_has_a_row_and_charts_for_each_mixture()
    {
        using TemporaryFolder folder = new();
        CapacityReport report = new(Tiny, new CapacityStudy(folder.Path, Tiny).Run());
        report.Summaries.Count.ShouldBe(2 * 5);
        report.Summaries.ShouldAllBe(summary => summary.Seeds == 2 && summary.ExactByLength.Count == 4);
        report.Charts().Select(chart => chart.Name).ShouldBe(["exact-even", "learned-even", "length-even", "curve-even-1", "curve-even-2"]);
        report.Page().ToHtml().ShouldContain("every-second");
    }
}
