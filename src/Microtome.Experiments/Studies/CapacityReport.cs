using System.Globalization;
using Microtome.Models.SmallWorld;

namespace Microtome.Experiments;

/// <summary>What a task came to for one kind of decoder.</summary>
/// <param name="Exact">The share of held-out lists answered exactly at the end, over the seeds.</param>
/// <param name="LearnedAt">The step at which it was learned, over the seeds that learned it.</param>
/// <param name="Learned">How many of the seeds learned it.</param>
public sealed record CapacitySummary(string Mixture, int Heads, ListOperation Task, double Share, Interval Exact, Interval LearnedAt, int Learned, int Seeds, IReadOnlyList<Interval> ExactByLength);

/// <summary>Summaries, charts and a page of a study's results.</summary>
public sealed class CapacityReport
{
    private readonly CapacityOptions _options;
    private readonly IReadOnlyList<CapacityResult> _results;

    public CapacityReport(CapacityOptions options, IReadOnlyList<CapacityResult> results)
    {
        _options = options;
        _results = results;
        Summaries =
        [
            .. from mixture in options.Mixtures from heads in options.Heads from task in ListTasks.Operations select Summarize(mixture, heads, task),
        ];
    }

    /// <summary>What a task is called.</summary>
    public static string TaskName(ListOperation task) => ListTasks.Name(task);

    /// <summary>One for each mixture, number of heads and task.</summary>
    public IReadOnlyList<CapacitySummary> Summaries { get; }

    /// <summary>Every chart by the name of its file.</summary>
    public IEnumerable<(string Name, Chart Chart)> Charts()
    {
        foreach (TaskMixture mixture in _options.Mixtures)
        {
            yield return ($"exact-{FileName(mixture)}", ByHeads(mixture, "Held-out lists answered exactly", summary => summary.Exact, $"At the end of training, {mixture.Name} mixture"));
            yield return ($"learned-{FileName(mixture)}", ByHeads(mixture, "Step at which it was learned", summary => summary.LearnedAt, $"When tasks are learned, {mixture.Name} mixture"));
            yield return ($"length-{FileName(mixture)}", ByLength(mixture));
            foreach (int heads in new[] { _options.Heads.Min(), _options.Heads.Max() }.Distinct()) yield return ($"curve-{FileName(mixture)}-{heads}", Curve(mixture, heads));
        }
    }

    /// <summary>A page with every chart and table.</summary>
    public Report Page()
    {
        Report report = new("Which tasks a small decoder learns");
        report.Paragraph(string.Create(CultureInfo.InvariantCulture, $"Decoders of two layers, with heads of width 8 in a stream of width 32, were trained for {_options.Steps} steps of 2,048 tokens on lists of three to six letters. " +
            $"Each number is over {_options.Seeds} seeds, with a bootstrap interval of 95 %; a task counts as learned from the step on at which at least {_options.Learned:0%} of held-out lists were answered exactly."));
        (string Name, Chart Chart)[] charts = [.. Charts()];
        foreach (TaskMixture mixture in _options.Mixtures)
        {
            report.Section($"Mixture: {mixture.Name}");
            report.Table(["heads", "task", "share of training", "learned", "at step", "exact at the end"], Summaries.Where(summary => summary.Mixture == mixture.Name).Select(summary => new[]
            {
                summary.Heads.ToString(CultureInfo.InvariantCulture), ListTasks.Name(summary.Task), summary.Share.ToString("0%", CultureInfo.InvariantCulture), $"{summary.Learned} of {summary.Seeds}",
                summary.Learned == 0 ? "not" : summary.LearnedAt.ToString("0"), summary.Exact.ToString("0.000"),
            }));
            foreach ((_, Chart chart) in charts.Where(chart => chart.Name.Contains($"-{FileName(mixture)}", StringComparison.Ordinal))) report.Figure(chart);
        }
        return report;
    }

    private CapacitySummary Summarize(TaskMixture mixture, int heads, ListOperation task)
    {
        CapacityResult[] own = [.. _results.Where(result => result.Mixture == mixture.Name && result.Heads == heads)];
        double[] steps = [.. own.Select(result => result.LearnedAt(task, _options.Learned)).OfType<long>().Select(step => (double)step)];
        int lengths = ListTasks.Longest - ListTasks.Shortest + 1;
        return new CapacitySummary(mixture.Name, heads, task, mixture.Shares[task], Mean(own.Select(result => result.Last(task).Exact)), Mean(steps), steps.Length, own.Length,
            [.. Enumerable.Range(0, lengths).Select(length => Mean(own.Select(result => result.Last(task).ExactByLength[length])))]);
    }

    private static Interval Mean(IEnumerable<double> values) => Bootstrap.Mean([.. values]);

    private XyChart ByHeads(TaskMixture mixture, string measure, Func<CapacitySummary, Interval> value, string title) => new(
        title, $"{measure}, by the number of heads, a line for each task.", new Axis("Heads in a layer") { Categories = [.. _options.Heads.Select(heads => heads.ToString(CultureInfo.InvariantCulture))] }, new Axis(measure) { Minimum = 0 },
        [
            .. ListTasks.Operations.Select(task => new Series(SeriesKind.Line, ListTasks.Name(task),
                [.. _options.Heads.Select((heads, place) => new DataPoint(place, value(Summaries.First(summary => summary.Mixture == mixture.Name && summary.Heads == heads && summary.Task == task))))])),
        ]);

    private XyChart ByLength(TaskMixture mixture)
    {
        int[] lengths = [.. Enumerable.Range(ListTasks.Shortest, ListTasks.Longest - ListTasks.Shortest + 1)];
        int fewest = _options.Heads.Min();
        return new XyChart($"By the list's length, {fewest} head{(fewest == 1 ? "" : "s")}, {mixture.Name} mixture", "The share answered exactly at the end, by the list's length, a line for each task.",
            new Axis("Letters in the list") { Categories = [.. lengths.Select(length => length.ToString(CultureInfo.InvariantCulture))] }, new Axis("Held-out lists answered exactly") { Minimum = 0, Maximum = 1 },
            [
                .. ListTasks.Operations.Select(task => new Series(SeriesKind.Line, ListTasks.Name(task),
                    [.. lengths.Select((_, place) => new DataPoint(place, Summaries.First(summary => summary.Mixture == mixture.Name && summary.Heads == fewest && summary.Task == task).ExactByLength[place]))])),
            ]);
    }

    private XyChart Curve(TaskMixture mixture, int heads)
    {
        CapacityResult[] own = [.. _results.Where(result => result.Mixture == mixture.Name && result.Heads == heads)];
        return new XyChart($"During training, {heads} head{(heads == 1 ? "" : "s")}, {mixture.Name} mixture", "The share answered exactly over the steps, a line for each task.", new Axis("Step"), new Axis("Held-out lists answered exactly") { Minimum = 0, Maximum = 1 },
            [
                .. ListTasks.Operations.Select(task => new Series(SeriesKind.Line, ListTasks.Name(task),
                [
                    .. own.SelectMany(result => result.Measurements).Where(measurement => measurement.Task == task).GroupBy(measurement => measurement.Step).OrderBy(step => step.Key)
                        .Select(step => new DataPoint(step.Key, Mean(step.Select(measurement => measurement.Exact)))),
                ])),
            ]);
    }

    private string FileName(TaskMixture mixture)
    {
        int index = _options.Mixtures.ToList().IndexOf(mixture);
        return mixture.Name.All(character => char.IsAsciiLetterOrDigit(character) || character == '-') ? mixture.Name : $"mixture{index + 1}";
    }
}
