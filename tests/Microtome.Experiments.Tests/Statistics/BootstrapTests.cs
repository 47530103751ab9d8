namespace Microtome.Experiments.Tests.Statistics;

public class BootstrapTests
{
    /// <summary>Test scores of 26 children (Efron and Tibshirani 1993, table 14.1).</summary>
    private static readonly double[] SpatialTest = [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41];

    [Fact]
    public void The_interval_of_a_variance_is_that_of_the_textbook()
    {
        // Table 14.2: the estimate 171.5 has the 90 % interval from 115.8 to 259.6 (BCa).
        Interval interval = Bootstrap.Of(SpatialTest, values => Descriptive.Variance(values) * (values.Length - 1) / values.Length, seed: 1, resamples: 20_000, level: 0.9);
        interval.Estimate.ShouldBe(171.5, 0.05);
        interval.Low.ShouldBe(115.8, 3);
        interval.High.ShouldBe(259.6, 5);
    }

    [Fact]
    public void Intervals_of_means_hold_the_truth_about_as_often_as_they_claim()
    {
        Random random = new(7);
        int held = 0;
        for (int trial = 0; trial < 300; trial++)
        {
            double[] values = [.. Enumerable.Range(0, 25).Select(_ => NormalDistribution.Quantile(random.NextDouble()) + 3)];
            if (Bootstrap.Mean(values, trial, 400).Contains(3)) held++;
        }
        held.ShouldBeInRange(265, 297);
    }

    [Fact]
    public void Clusters_whose_members_agree_count_as_one_observation_each()
    {
        double[] means = [1, 2, 3, 4, 5, 6, 7, 8];
        Interval whole = Bootstrap.ClusteredMean([.. means.Select(mean => (IReadOnlyList<double>)[mean, mean, mean, mean])], seed: 3);
        Interval single = Bootstrap.Mean(means, seed: 3);
        whole.Low.ShouldBe(single.Low, 1e-9);
        whole.High.ShouldBe(single.High, 1e-9);
        Interval naive = Bootstrap.Mean([.. means.SelectMany(mean => Enumerable.Repeat(mean, 4))], seed: 3);
        (naive.High - naive.Low).ShouldBeLessThan(0.6 * (whole.High - whole.Low));
    }

    [Fact]
    public void The_difference_of_separated_samples_is_above_zero()
    {
        Interval interval = Bootstrap.Difference([5, 6, 7, 8], [1, 2, 3], seed: 1);
        interval.Estimate.ShouldBe(4.5);
        interval.IsAbove(0).ShouldBeTrue();
        interval.Low.ShouldBeGreaterThanOrEqualTo(2);
        interval.High.ShouldBeLessThanOrEqualTo(7);
    }

    [Fact]
    public void Equal_seeds_give_equal_bits() => Bootstrap.Mean(SpatialTest, seed: 5).ShouldBe(Bootstrap.Mean(SpatialTest, seed: 5));

    [Fact]
    public void Nothing_observed_is_nothing_known()
    {
        Interval interval = Bootstrap.Mean([]);
        interval.Estimate.ShouldBe(double.NaN);
        interval.IsAbove(-1).ShouldBeFalse();
        interval.IsBelow(1).ShouldBeFalse();
        interval.ToString().ShouldBe("unknown");
        Bootstrap.Mean([double.NaN, 1]).Estimate.ShouldBe(double.NaN);
    }

    [Fact]
    public void A_constant_sample_has_a_point_as_its_interval() => Bootstrap.Mean([2, 2, 2, 2]).ShouldBe(new Interval(2, 2, 2));

    [Theory]
    [InlineData(0, 0.95)]
    [InlineData(10, 1.0)]
    [InlineData(10, double.NaN)]
    public void Impossible_requests_are_refused(int resamples, double level) =>
        Should.Throw<ArgumentOutOfRangeException>(() => Bootstrap.Mean([1, 2], resamples: resamples, level: level));
}
