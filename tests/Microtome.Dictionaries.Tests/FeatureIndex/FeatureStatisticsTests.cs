using Microtome.Models;

namespace Microtome.Dictionaries.Tests;

public class FeatureStatisticsTests
{
    private static readonly ExampleCounts Counts = new(5, 3);

    [Fact]
    public void What_is_collected_does_not_depend_on_the_order_of_contexts()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            (TokenContext Context, Firing[] Firings)[] texts = Texts(seed, 60);
            FeatureStatistics forwards = Collect(texts);
            new Random(seed).Shuffle(texts);
            FeatureStatistics shuffled = Collect(texts);

            Describe(shuffled.Strongest).ShouldBe(Describe(forwards.Strongest));
            Describe(shuffled.Samples).ShouldBe(Describe(forwards.Samples));
            shuffled.Bins.ToHistogram()!.Counts.ShouldBe(forwards.Bins.ToHistogram()!.Counts);
            shuffled.Bins.Exponent.ShouldBe(forwards.Bins.Exponent);
            shuffled.Firings.ShouldBe(forwards.Firings);
        }
    }

    [Fact]
    public void The_strongest_are_those_of_a_plain_sort_without_repetitions()
    {
        (TokenContext Context, Firing[] Firings)[] texts = Texts(3, 80);
        float[] expected =
        [
            .. texts.Select(text => (text.Context, Peak: text.Firings.MaxBy(firing => firing.Value)))
                .GroupBy(peak => ActivatingContext.KeyOf(peak.Context.Tokens, peak.Peak.Position)).Select(same => same.Max(peak => peak.Peak.Value)).OrderDescending().Take(Counts.Strongest),
        ];

        Collect(texts).Strongest.Select(context => context.Value).ShouldBe(expected);
    }

    [Fact]
    public void A_text_that_is_repeated_counts_as_often_but_is_shown_once()
    {
        TokenContext context = new(0, 0, [1, 5, 6, 7]);
        FeatureStatistics statistics = new(Counts);
        for (int i = 0; i < 10; i++) statistics.Add(context with { Id = i }, [new Firing(2, 1.5f)], 4, 4);

        statistics.Firings.ShouldBe(10);
        statistics.Strongest.Select(example => example.Context.Id).ShouldBe([0]);
        statistics.Samples.Select(example => example.Context.Id).ShouldBe([0]);
    }

    [Fact]
    public void Samples_come_from_each_step_of_the_range_that_was_reached()
    {
        Random random = new(5);
        FeatureStatistics statistics = new(Counts);
        for (int i = 0; i < 2000; i++) statistics.Add(new TokenContext(i, i, [1, random.Next(), random.Next()]), [new Firing(2, (float)Math.Pow(2, -6 * random.NextDouble()))], 4, 4);

        foreach (float below in new[] { 1f, 0.7f, 0.5f, 0.35f, 0.25f, 0.18f, 0.125f })
            statistics.Samples.Count(sample => sample.Value <= below && sample.Value > below / 1.5f).ShouldBeGreaterThan(0, $"below {below}");
    }

    [Fact]
    public void A_histogram_counts_every_value_in_bins_of_equal_width()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            Random random = new(seed);
            float[] values = [.. Enumerable.Range(0, 200).Select(_ => (random.NextSingle() - (seed % 2 == 0 ? 0 : 0.3f)) * MathF.Pow(10, random.Next(-3, 3))).Where(value => value != 0)];
            BinCounts bins = new();
            foreach (float value in values) bins.Add(value);
            ActivationHistogram histogram = bins.ToHistogram()!;

            histogram.Counts.Sum().ShouldBe(values.Length);
            for (int bin = 0; bin < histogram.Counts.Count; bin++)
            {
                double from = histogram.From + bin * histogram.BinWidth;
                histogram.Counts[bin].ShouldBe(values.Count(value => value >= from && value < from + histogram.BinWidth), $"seed {seed}, bin {bin}");
            }
            BinCounts read = FeatureEncoding.Histogram(FeatureEncoding.Histogram(bins));
            read.ToHistogram()!.Counts.ShouldBe(histogram.Counts);
        }
    }

    private static FeatureStatistics Collect((TokenContext Context, Firing[] Firings)[] texts)
    {
        FeatureStatistics statistics = new(Counts);
        foreach ((TokenContext context, Firing[] firings) in texts) statistics.Add(context, firings, 3, 2);
        return statistics;
    }

    private static string[] Describe(IEnumerable<ActivatingContext> contexts) => [.. contexts.Select(context => $"{context.Context.Id} {context.Position} {context.Value} {string.Join(' ', context.Firings)}")];

    private static (TokenContext Context, Firing[] Firings)[] Texts(int seed, int count)
    {
        Random random = new(seed);
        return
        [
            .. Enumerable.Range(0, count).Select(id =>
            {
                int[] tokens = [1, .. Enumerable.Range(0, 8).Select(_ => random.Next(0, 3))]; // many read the same
                Firing[] firings = [.. Enumerable.Range(1, 8).Where(_ => random.Next(3) == 0).Select(position => new Firing(position, Value(tokens, position)))];
                return (new TokenContext(id, id, tokens), firings.Length > 0 ? firings : [new Firing(1, Value(tokens, 1))]);
            }),
        ];
    }

    /// <summary>As in a model: what is read so far decides.</summary>
    private static float Value(int[] tokens, int position) => (float)(ActivatingContext.KeyOf(tokens, position) % 1000 + 1) / 1000 * MathF.Pow(2, -(position % 5));
}
