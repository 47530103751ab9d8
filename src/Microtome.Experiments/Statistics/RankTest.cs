namespace Microtome.Experiments;

/// <summary>How well scores separate positives from negatives.</summary>
public static class RankTest
{
    /// <summary>The area under the receiver operating characteristic: the chance that a positive scores above a negative, ties counted half (Hanley and McNeil 1982).</summary>
    public static double Area(ReadOnlySpan<double> positives, ReadOnlySpan<double> negatives)
    {
        if (positives.IsEmpty || negatives.IsEmpty) return double.NaN;
        double[] ranks = Descriptive.Ranks([.. positives, .. negatives]);
        double sum = 0;
        for (int i = 0; i < positives.Length; i++) sum += ranks[i];
        double n = positives.Length, m = negatives.Length;
        return (sum - n * (n + 1) / 2) / (n * m);
    }

    /// <summary>The area with its bootstrap interval; positives and negatives are resampled each within themselves.</summary>
    public static Interval AreaInterval(IReadOnlyList<double> positives, IReadOnlyList<double> negatives, int seed = 0, int resamples = Bootstrap.DefaultResamples, double level = 0.95)
    {
        ArgumentNullException.ThrowIfNull(positives);
        ArgumentNullException.ThrowIfNull(negatives);
        return Bootstrap.Groups(positives.Count, negatives.Count, (a, b) =>
        {
            double[] first = new double[a.Length], second = new double[b.Length];
            for (int i = 0; i < a.Length; i++) first[i] = positives[a[i]];
            for (int i = 0; i < b.Length; i++) second[i] = negatives[b[i]];
            return Area(first, second);
        }, seed, resamples, level);
    }
}
