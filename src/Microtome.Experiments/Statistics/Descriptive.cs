namespace Microtome.Experiments;

/// <summary>Descriptions of samples, and the scales on which probabilities are compared. An empty sample's are NaN.</summary>
public static class Descriptive
{
    public static double Mean(ReadOnlySpan<double> values)
    {
        if (values.IsEmpty) return double.NaN;
        double sum = 0;
        foreach (double value in values) sum += value;
        return sum / values.Length;
    }

    /// <summary>The unbiased variance, with a denominator of n − 1.</summary>
    public static double Variance(ReadOnlySpan<double> values)
    {
        if (values.Length < 2) return double.NaN;
        double mean = Mean(values), sum = 0;
        foreach (double value in values) sum += (value - mean) * (value - mean);
        return sum / (values.Length - 1);
    }

    public static double StandardDeviation(ReadOnlySpan<double> values) => Math.Sqrt(Variance(values));

    public static double Median(ReadOnlySpan<double> values) => Quantile(values, 0.5);

    /// <summary>A quantile, interpolated linearly between order statistics (Hyndman and Fan 1996, definition 7).</summary>
    /// <param name="share">From 0 to 1.</param>
    public static double Quantile(ReadOnlySpan<double> values, double share)
    {
        double[] sorted = values.ToArray();
        Array.Sort(sorted);
        return SortedQuantile(sorted, share);
    }

    internal static double SortedQuantile(ReadOnlySpan<double> sorted, double share)
    {
        if (!(share is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(share), $"A quantile's share must be from 0 to 1, not {share}.");
        if (sorted.IsEmpty) return double.NaN;
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        double lower = sorted[below], upper = sorted[Math.Min(below + 1, sorted.Length - 1)];
        return lower == upper ? lower : lower + (upper - lower) * (place - below);
    }

    /// <summary>Pearson's correlation; NaN where a sample does not vary.</summary>
    /// <exception cref="ArgumentException">The samples differ in length.</exception>
    public static double Correlation(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        if (x.Length != y.Length) throw new ArgumentException($"{x.Length} values cannot be correlated with {y.Length}.", nameof(y));
        double meanX = Mean(x), meanY = Mean(y), xy = 0, xx = 0, yy = 0;
        for (int i = 0; i < x.Length; i++)
        {
            xy += (x[i] - meanX) * (y[i] - meanY);
            xx += (x[i] - meanX) * (x[i] - meanX);
            yy += (y[i] - meanY) * (y[i] - meanY);
        }
        return xx == 0 || yy == 0 ? double.NaN : xy / Math.Sqrt(xx * yy);
    }

    /// <summary>Spearman's correlation: Pearson's of the ranks.</summary>
    /// <exception cref="ArgumentException">The samples differ in length.</exception>
    public static double RankCorrelation(ReadOnlySpan<double> x, ReadOnlySpan<double> y) => Correlation(Ranks(x), Ranks(y));

    /// <summary>Ranks from 1; equal values share the mean of theirs.</summary>
    public static double[] Ranks(ReadOnlySpan<double> values)
    {
        double[] sorted = values.ToArray(), ranks = new double[values.Length];
        int[] order = [.. Enumerable.Range(0, values.Length)];
        Array.Sort(sorted, order);
        for (int start = 0; start < sorted.Length;)
        {
            int end = start + 1;
            while (end < sorted.Length && sorted[end] == sorted[start]) end++;
            for (int i = start; i < end; i++) ranks[order[i]] = (start + 1 + end) / 2.0;
            start = end;
        }
        return ranks;
    }

    /// <summary>The log-odds of a probability; infinite for 0 and 1.</summary>
    public static double Logit(double probability) => Math.Log(probability) - Math.Log(1 - probability);

    /// <summary>The probability of log-odds.</summary>
    public static double Logistic(double logOdds) => 1 / (1 + Math.Exp(-logOdds));

    /// <summary>The logarithm of a sum of exponentials, without overflow.</summary>
    public static double LogSumExp(ReadOnlySpan<double> values)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (double value in values) largest = double.IsNaN(value) ? value : Math.Max(largest, value);
        if (!double.IsFinite(largest)) return largest;
        foreach (double value in values) sum += Math.Exp(value - largest);
        return largest + Math.Log(sum);
    }
}
