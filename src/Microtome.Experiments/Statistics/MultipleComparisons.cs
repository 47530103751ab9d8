namespace Microtome.Experiments;

/// <summary>Probabilities of many tests at once, raised so that they can be compared with one level. NaN stays NaN and does not count as a test.</summary>
public static class MultipleComparisons
{
    /// <summary>Holm's step-down correction (1979): keeps the chance of any false finding.</summary>
    public static double[] Holm(IReadOnlyList<double> probabilities)
    {
        int[] order = Ascending(probabilities);
        double[] adjusted = [.. probabilities];
        double largest = 0;
        for (int rank = 0; rank < order.Length; rank++)
        {
            largest = Math.Max(largest, Math.Min(1, probabilities[order[rank]] * (order.Length - rank)));
            adjusted[order[rank]] = largest;
        }
        return adjusted;
    }

    /// <summary>The step-up correction of Benjamini and Hochberg (1995): keeps the share of false findings.</summary>
    public static double[] BenjaminiHochberg(IReadOnlyList<double> probabilities)
    {
        int[] order = Ascending(probabilities);
        double[] adjusted = [.. probabilities];
        double smallest = 1;
        for (int rank = order.Length - 1; rank >= 0; rank--)
        {
            smallest = Math.Min(smallest, probabilities[order[rank]] * order.Length / (rank + 1));
            adjusted[order[rank]] = smallest;
        }
        return adjusted;
    }

    private static int[] Ascending(IReadOnlyList<double> probabilities)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        return [.. Enumerable.Range(0, probabilities.Count).Where(i => !double.IsNaN(probabilities[i])).OrderBy(i => probabilities[i])];
    }
}
