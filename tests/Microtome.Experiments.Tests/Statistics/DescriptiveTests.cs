namespace Microtome.Experiments.Tests.Statistics;

public class DescriptiveTests
{
    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.975, 1.9599639845400545)]
    [InlineData(0.01, -2.3263478740408408)]
    [InlineData(1e-10, -6.3613409024040557)]
    public void Normal_quantiles_are_those_of_the_tables(double probability, double quantile)
    {
        NormalDistribution.Quantile(probability).ShouldBe(quantile, 1e-12);
        NormalDistribution.Cumulative(quantile).ShouldBe(probability, 1e-14);
    }

    [Fact]
    public void Moments_and_quantiles_of_a_known_sample()
    {
        double[] values = [2, 4, 4, 4, 5, 5, 7, 9];
        Descriptive.Mean(values).ShouldBe(5);
        Descriptive.Variance(values).ShouldBe(32.0 / 7, 1e-12);
        Descriptive.Median(values).ShouldBe(4.5);
        Descriptive.Quantile([1, 2, 3, 4], 0.25).ShouldBe(1.75);
        Descriptive.Mean([]).ShouldBe(double.NaN);
        Descriptive.Median([]).ShouldBe(double.NaN);
    }

    [Fact]
    public void Correlations_of_known_samples()
    {
        Descriptive.Correlation([1, 2, 3], [2, 4, 6]).ShouldBe(1, 1e-12);
        Descriptive.RankCorrelation([1, 2, 3, 4], [1, 8, 27, 64]).ShouldBe(1, 1e-12);
        Descriptive.RankCorrelation([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]).ShouldBe(0.8207826816681233, 1e-12);
        Descriptive.Correlation([1, 1], [0, 5]).ShouldBe(double.NaN);
        Descriptive.Ranks([10, 20, 20, 5]).ShouldBe([2, 3.5, 3.5, 1]);
    }

    [Fact]
    public void Sums_of_exponentials_do_not_overflow()
    {
        Descriptive.LogSumExp([1000, 1000]).ShouldBe(1000 + Math.Log(2), 1e-9);
        Descriptive.LogSumExp([double.NegativeInfinity]).ShouldBe(double.NegativeInfinity);
        Descriptive.LogSumExp([0, double.NaN, 1]).ShouldBe(double.NaN);
        Descriptive.Logit(Descriptive.Logistic(1.5)).ShouldBe(1.5, 1e-12);
    }
}
