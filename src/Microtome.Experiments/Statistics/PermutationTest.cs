namespace Microtome.Experiments;

/// <summary>Which results count as at least as extreme as the observed one.</summary>
public enum Alternative
{
    /// <summary>Those as far from zero, on either side.</summary>
    TwoSided,

    /// <summary>Those as large.</summary>
    Greater,

    /// <summary>Those as small.</summary>
    Less,
}

/// <param name="Observed">The statistic.</param>
/// <param name="Probability">The share of permutations at least as extreme (p). Sampled permutations count the observed one among them, so it is never 0.</param>
/// <param name="Permutations">How many were looked at.</param>
/// <param name="IsExact">Whether these were all there are.</param>
public sealed record PermutationResult(double Observed, double Probability, int Permutations, bool IsExact);

/// <summary>Permutation tests: exact where all permutations are few, else sampled (Phipson and Smyth 2010). Equal seeds give equal bits.</summary>
public static class PermutationTest
{
    public const int DefaultPermutations = 10_000;
    private const double Tolerance = 1e-12; // sums in another order differ by rounding

    /// <summary>Whether two samples' means differ, first less second, if it does not matter which observation is in which.</summary>
    public static PermutationResult Difference(IReadOnlyList<double> first, IReadOnlyList<double> second, int seed = 0, Alternative alternative = Alternative.TwoSided, int permutations = DefaultPermutations)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(permutations);
        if (first.Count == 0 || second.Count == 0) return new PermutationResult(double.NaN, double.NaN, 0, false);
        double[] all = [.. first, .. second];
        double total = all.Sum(), observed = first.Average() - second.Average();
        double Statistic(double sum) => sum / first.Count - (total - sum) / second.Count;

        Tally tally = new(observed, alternative);
        if (Combinations(all.Length, first.Count) <= permutations)
        {
            int[] chosen = [.. Enumerable.Range(0, first.Count)];
            do
            {
                double sum = 0;
                foreach (int i in chosen) sum += all[i];
                tally.Add(Statistic(sum));
            }
            while (Next(chosen, all.Length));
            return tally.Result(exact: true);
        }
        Random random = new(seed);
        for (int i = 0; i < permutations; i++)
        {
            // The first places of a partial shuffle are a random choice.
            double sum = 0;
            for (int place = 0; place < first.Count; place++)
            {
                int other = random.Next(place, all.Length);
                (all[place], all[other]) = (all[other], all[place]);
                sum += all[place];
            }
            tally.Add(Statistic(sum));
        }
        return tally.Result(exact: false);
    }

    /// <summary>Whether the mean of paired differences is other than zero, if each could as well have the other sign.</summary>
    public static PermutationResult Paired(IReadOnlyList<double> differences, int seed = 0, Alternative alternative = Alternative.TwoSided, int permutations = DefaultPermutations)
    {
        ArgumentNullException.ThrowIfNull(differences);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(permutations);
        int count = differences.Count;
        if (count == 0) return new PermutationResult(double.NaN, double.NaN, 0, false);
        Tally tally = new(differences.Average(), alternative);
        if (count < 31 && 1L << count <= permutations)
        {
            for (int signs = 0; signs < 1 << count; signs++)
            {
                double sum = 0;
                for (int i = 0; i < count; i++) sum += (signs >> i & 1) == 0 ? differences[i] : -differences[i];
                tally.Add(sum / count);
            }
            return tally.Result(exact: true);
        }
        Random random = new(seed);
        for (int i = 0; i < permutations; i++)
        {
            double sum = 0;
            foreach (double difference in differences) sum += random.Next(2) == 0 ? difference : -difference;
            tally.Add(sum / count);
        }
        return tally.Result(exact: false);
    }

    private static double Combinations(int n, int k)
    {
        double result = 1;
        for (int i = 1; i <= k; i++) result = result * (n - k + i) / i;
        return result;
    }

    /// <summary>The next choice in lexicographic order; false after the last.</summary>
    private static bool Next(int[] chosen, int count)
    {
        int place = chosen.Length - 1;
        while (place >= 0 && chosen[place] == count - chosen.Length + place) place--;
        if (place < 0) return false;
        chosen[place]++;
        for (int i = place + 1; i < chosen.Length; i++) chosen[i] = chosen[i - 1] + 1;
        return true;
    }

    private sealed class Tally(double observed, Alternative alternative)
    {
        private int _extreme, _count;

        public void Add(double value)
        {
            double slack = Tolerance * Math.Max(1, Math.Abs(observed));
            bool extreme = alternative switch
            {
                Alternative.Greater => value >= observed - slack,
                Alternative.Less => value <= observed + slack,
                _ => Math.Abs(value) >= Math.Abs(observed) - slack,
            };
            if (extreme) _extreme++;
            _count++;
        }

        public PermutationResult Result(bool exact) =>
            new(observed, double.IsNaN(observed) ? double.NaN : exact ? (double)_extreme / _count : (_extreme + 1.0) / (_count + 1.0), _count, exact);
    }
}
