namespace Microtome.Experiments.Tests.Statistics;

public class TestsOfHypotheses
{
    [Fact]
    public void Darwins_maize_has_the_exact_probability_that_Fisher_counted()
    {
        // Fisher 1935, The Design of Experiments, section 21: 1726 of 32768 sums are as far from zero, 863 as large.
        double[] differences = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
        PermutationResult both = PermutationTest.Paired(differences, permutations: 1 << 15);
        both.IsExact.ShouldBeTrue();
        both.Probability.ShouldBe(1726.0 / 32768);
        PermutationTest.Paired(differences, alternative: Alternative.Greater, permutations: 1 << 15).Probability.ShouldBe(863.0 / 32768);
        PermutationTest.Paired(differences, seed: 2, permutations: 20_000).Probability.ShouldBe(1726.0 / 32768, 0.006);
    }

    [Fact]
    public void Separated_samples_have_the_least_probability_there_is()
    {
        PermutationResult result = PermutationTest.Difference([4, 5, 6], [1, 2, 3]);
        result.ShouldBe(new PermutationResult(3, 0.1, 20, true));
        PermutationTest.Difference([4, 5, 6], [1, 2, 3], alternative: Alternative.Greater).Probability.ShouldBe(0.05);
        PermutationTest.Difference([4, 5, 6], [1, 2, 3], alternative: Alternative.Less).Probability.ShouldBe(1);
    }

    [Fact]
    public void Sampled_permutations_agree_with_all_of_them()
    {
        double[] first = [1.1, 0.4, 2.3, 1.9, 0.7, 1.5, 2.2], second = [0.2, 1.0, 0.3, 1.2, 0.9, 0.1, 0.8];
        double exact = PermutationTest.Difference(first, second).Probability;
        PermutationResult sampled = PermutationTest.Difference(first, second, seed: 4, permutations: 3000);
        sampled.IsExact.ShouldBeFalse();
        sampled.Probability.ShouldBe(exact, 0.01);
        sampled.ShouldBe(PermutationTest.Difference(first, second, seed: 4, permutations: 3000));
    }

    [Fact]
    public void Wilsons_interval_is_that_of_the_formula()
    {
        Interval interval = Proportion.Wilson(8, 10);
        interval.Low.ShouldBe(0.4902, 1e-4);
        interval.High.ShouldBe(0.9433, 1e-4);
        Proportion.Wilson(0, 10).Low.ShouldBe(0);
        Proportion.Wilson(0, 10).High.ShouldBe(0.2775, 1e-4);
        Proportion.Wilson(10, 10).High.ShouldBe(1);
        Proportion.Wilson(0, 0).Estimate.ShouldBe(double.NaN);
        Should.Throw<ArgumentOutOfRangeException>(() => Proportion.Wilson(3, 2));
    }

    [Fact]
    public void The_area_is_the_share_of_pairs_in_order()
    {
        RankTest.Area([3, 4, 5], [0, 1, 2]).ShouldBe(1);
        RankTest.Area([1, 2], [1, 2]).ShouldBe(0.5);
        RankTest.Area([0.8, 0.4, 0.35], [0.1, 0.4]).ShouldBe(4.5 / 6, 1e-12);
        RankTest.Area([], [1]).ShouldBe(double.NaN);
        RankTest.AreaInterval([4, 5, 6, 7, 8], [1, 2, 3, 4, 5], seed: 1).IsAbove(0.5).ShouldBeTrue();
    }

    [Fact]
    public void Many_tests_are_corrected_as_the_papers_say()
    {
        double[] probabilities = [0.01, 0.04, 0.03, 0.005, double.NaN];
        MultipleComparisons.Holm(probabilities)[..4].ShouldBe([0.03, 0.06, 0.06, 0.02], 1e-12);
        MultipleComparisons.BenjaminiHochberg(probabilities)[..4].ShouldBe([0.02, 0.04, 0.04, 0.02], 1e-12);
        MultipleComparisons.Holm(probabilities)[4].ShouldBe(double.NaN);
    }
}
