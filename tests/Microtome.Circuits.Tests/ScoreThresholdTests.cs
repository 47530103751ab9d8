namespace Microtome.Circuits.Tests;

public class ScoreThresholdTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    [InlineData(1000)]
    public void The_threshold_is_that_of_sorted_scores(int count)
    {
        for (int seed = 0; seed < 50; seed++)
        {
            Random random = new(seed);
            // From all equal to many magnitudes, with zeros among them.
            double[] scores = [.. Enumerable.Range(0, count).Select(_ => random.Next(5) == 0 ? 0 : Math.Pow(10, -random.NextDouble() * (seed % 5) * 4))];
            foreach (double fraction in new[] { 0, 0.1, 0.5, 0.8, 0.98, 1 })
            {
                ScoreThreshold threshold = new();
                threshold.Add(scores);
                double least = threshold.Of(fraction, again => again.Add(scores));
                int kept = scores.Count(score => score >= least), expected = scores.Count(score => score >= Sorted(scores, fraction));
                // Sums of all scores are rounded differently where the fraction is all of them.
                if (fraction < 1) kept.ShouldBe(expected);
                else (scores.Where(score => score >= least).Sum() / Math.Max(scores.Sum(), double.Epsilon)).ShouldBe(count == 0 || scores.Sum() == 0 ? 0 : 1, 1e-12);
            }
        }
    }

    private static double Sorted(double[] scores, double fraction)
    {
        double[] sorted = [.. scores.Where(score => score > 0).Order()];
        if (sorted.Length == 0) return double.Epsilon;
        double total = sorted.Reverse().Sum(), sum = 0;
        for (int i = sorted.Length - 1; i > 0; i--)
            if ((sum += sorted[i]) >= fraction * total) return sorted[i];
        return sorted[0];
    }
}
