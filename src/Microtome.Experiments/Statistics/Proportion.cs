namespace Microtome.Experiments;

/// <summary>Shares of successes.</summary>
public static class Proportion
{
    /// <summary>Wilson's score interval (1927), which keeps within 0 and 1 and holds for few trials and for shares near the ends.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than no successes, or more than trials.</exception>
    public static Interval Wilson(int successes, int trials, double level = 0.95)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        if (trials == 0) return Interval.Unknown with { Level = level };
        double z = NormalDistribution.Quantile((1 + level) / 2), n = trials, share = successes / n;
        double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
        double half = z / (1 + z * z / n) * Math.Sqrt(share * (1 - share) / n + z * z / (4 * n * n));
        return new Interval(share, successes == 0 ? 0 : Math.Max(0, middle - half), successes == trials ? 1 : Math.Min(1, middle + half), level);
    }
}
