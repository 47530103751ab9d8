namespace Microtome.Experiments;

/// <summary>
/// Bootstrap intervals (Efron and Tibshirani 1993). What is resampled are units: single observations, or whole clusters of observations that
/// are not independent, such as all cells of one concept. Bounds are bias-corrected and accelerated (BCa, Efron 1987). Equal seeds give equal bits.
/// </summary>
public static class Bootstrap
{
    public const int DefaultResamples = 2000;
    private const int MostJackknifed = 500;

    /// <summary>The interval of the mean of independent observations.</summary>
    public static Interval Mean(IReadOnlyList<double> values, int seed = 0, int resamples = DefaultResamples, double level = 0.95)
    {
        ArgumentNullException.ThrowIfNull(values);
        return Units(values.Count, drawn =>
        {
            double sum = 0;
            foreach (int unit in drawn) sum += values[unit];
            return sum / drawn.Length;
        }, seed, resamples, level);
    }

    /// <summary>The interval of any statistic of independent observations.</summary>
    public static Interval Of(IReadOnlyList<double> values, Func<ReadOnlySpan<double>, double> statistic, int seed = 0, int resamples = DefaultResamples, double level = 0.95)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(statistic);
        double[] sample = new double[values.Count];
        return Units(values.Count, drawn =>
        {
            for (int i = 0; i < drawn.Length; i++) sample[i] = values[drawn[i]];
            return statistic(sample.AsSpan(0, drawn.Length));
        }, seed, resamples, level);
    }

    /// <summary>The interval of the mean over all observations of clusters, which are drawn whole.</summary>
    public static Interval ClusteredMean(IReadOnlyList<IReadOnlyList<double>> clusters, int seed = 0, int resamples = DefaultResamples, double level = 0.95) =>
        Clustered(clusters, values => Descriptive.Mean(values), seed, resamples, level);

    /// <summary>The interval of any statistic of all observations of clusters, which are drawn whole.</summary>
    public static Interval Clustered(IReadOnlyList<IReadOnlyList<double>> clusters, Func<ReadOnlySpan<double>, double> statistic, int seed = 0, int resamples = DefaultResamples, double level = 0.95)
    {
        ArgumentNullException.ThrowIfNull(clusters);
        ArgumentNullException.ThrowIfNull(statistic);
        List<double> sample = [];
        return Units(clusters.Count, drawn =>
        {
            sample.Clear();
            foreach (int unit in drawn) sample.AddRange(clusters[unit]);
            return statistic(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(sample));
        }, seed, resamples, level);
    }

    /// <summary>The interval of the difference of two independent samples' means, first less second.</summary>
    public static Interval Difference(IReadOnlyList<double> first, IReadOnlyList<double> second, int seed = 0, int resamples = DefaultResamples, double level = 0.95)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        double Statistic(ReadOnlySpan<int> a, ReadOnlySpan<int> b)
        {
            double sumA = 0, sumB = 0;
            foreach (int unit in a) sumA += first[unit];
            foreach (int unit in b) sumB += second[unit];
            return sumA / a.Length - sumB / b.Length;
        }
        return Groups(first.Count, second.Count, Statistic, seed, resamples, level);
    }

    /// <summary>The interval of a statistic of units: observations, clusters, or rows of several paired measurements.</summary>
    /// <param name="units">How many there are.</param>
    /// <param name="statistic">Computes it from the drawn units, of which some come more than once. It may return NaN where it has no value.</param>
    /// <exception cref="ArgumentOutOfRangeException">The resamples are not positive, or the level is not between 0 and 1.</exception>
    public static Interval Units(int units, Func<ReadOnlySpan<int>, double> statistic, int seed = 0, int resamples = DefaultResamples, double level = 0.95)
    {
        ArgumentNullException.ThrowIfNull(statistic);
        return Groups(units, 1, (drawn, _) => statistic(drawn), seed, resamples, level);
    }

    /// <summary>The interval of a statistic of two groups of units, each resampled within itself.</summary>
    /// <inheritdoc cref="Units"/>
    public static Interval Groups(int first, int second, Statistic statistic, int seed = 0, int resamples = DefaultResamples, double level = 0.95)
    {
        ArgumentNullException.ThrowIfNull(statistic);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(resamples);
        if (!(level is > 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(level), $"The level must be between 0 and 1, not {level}.");
        if (first <= 0 || second <= 0) return Interval.Unknown with { Level = level };

        int[] allA = [.. Enumerable.Range(0, first)], allB = [.. Enumerable.Range(0, second)];
        double estimate = statistic(allA, allB);
        Random random = new(seed);
        int[] a = new int[first], b = new int[second];
        List<double> replicates = new(resamples);
        for (int i = 0; i < resamples; i++)
        {
            foreach (ref int unit in a.AsSpan()) unit = random.Next(first);
            foreach (ref int unit in b.AsSpan()) unit = random.Next(second);
            double value = statistic(a, b);
            if (!double.IsNaN(value)) replicates.Add(value);
        }
        if (double.IsNaN(estimate) || replicates.Count == 0) return Interval.Unknown with { Level = level };
        double[] sorted = [.. replicates.Order()];
        (double low, double high) = Shares(estimate, sorted, Acceleration(allA, allB, statistic), level);
        return new Interval(estimate, Descriptive.SortedQuantile(sorted, low), Descriptive.SortedQuantile(sorted, high), level);
    }

    /// <summary>A statistic of the units drawn from two groups.</summary>
    public delegate double Statistic(ReadOnlySpan<int> first, ReadOnlySpan<int> second);

    /// <summary>Which quantiles of the replicates are the bounds (Efron 1987, equation 6.8); the plain percentiles where bias or acceleration have no value.</summary>
    private static (double Low, double High) Shares(double estimate, double[] sorted, double acceleration, double level)
    {
        double tail = (1 - level) / 2;
        double below = sorted.Count(value => value < estimate) + 0.5 * sorted.Count(value => value == estimate);
        double bias = NormalDistribution.Quantile(below / sorted.Length);
        double Share(double plain)
        {
            double z = bias + NormalDistribution.Quantile(plain);
            double share = NormalDistribution.Cumulative(bias + z / (1 - acceleration * z));
            return double.IsFinite(share) ? share : plain;
        }
        return double.IsFinite(bias) && double.IsFinite(acceleration) ? (Share(tail), Share(1 - tail)) : (tail, 1 - tail);
    }

    /// <summary>From the jackknife over both groups' units; over blocks of them where there are many.</summary>
    private static double Acceleration(int[] allA, int[] allB, Statistic statistic)
    {
        double cubes = 0, squares = 0;
        foreach ((int[] group, bool isFirst) in new[] { (allA, true), (allB, false) })
        {
            if (group.Length < 2) continue;
            double[] without = new double[Math.Min(group.Length, MostJackknifed)];
            for (int i = 0; i < without.Length; i++)
            {
                int start = (int)((long)group.Length * i / without.Length), end = (int)((long)group.Length * (i + 1) / without.Length);
                int[] rest = [.. group.AsSpan(0, start), .. group.AsSpan(end)];
                without[i] = isFirst ? statistic(rest, allB) : statistic(allA, rest);
            }
            double mean = Descriptive.Mean(without), scale = (double)(without.Length - 1) / group.Length;
            foreach (double value in without)
            {
                double influence = scale * (mean - value);
                cubes += influence * influence * influence;
                squares += influence * influence;
            }
        }
        return squares == 0 ? 0 : cubes / (6 * Math.Pow(squares, 1.5));
    }
}
