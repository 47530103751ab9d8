namespace Microtome.Experiments;

/// <summary>What was measured at layers and strengths that were chosen on other vectors.</summary>
/// <param name="Values">Of each vector that could be measured.</param>
/// <param name="Chosen">The conditions, one for each half.</param>
internal sealed record CrossFitted(IReadOnlyList<(string Vector, InjectionCondition At, double Value)> Values, IReadOnlyList<InjectionCondition> Chosen)
{
    public double[] Numbers => [.. Values.Select(value => value.Value)];

    public string ChosenText => Chosen.Count == 0 ? "nowhere" : string.Join(" and ", Chosen.Distinct().Select(at => $"layer {at.Layer}, strength {TextNumber.Of(at.Strength)}"));
}

/// <summary>Chooses among layers and strengths on one half of the vectors and measures on the other, and the other way round.</summary>
internal static class CrossFit
{
    private const double UsableShare = 0.7;

    /// <param name="measure">Of a vector; NaN where there is none. The largest mean is chosen.</param>
    public static CrossFitted Measure(IReadOnlyList<string> vectors, IReadOnlyList<InjectionCondition> conditions, Func<string, InjectionCondition, double> measure, int seed)
    {
        string[][] halves = Halves(vectors, seed);
        List<(string, InjectionCondition, double)> values = [];
        List<InjectionCondition> chosen = [];
        for (int half = 0; half < 2; half++)
        {
            // With a single vector there is no other half to choose on.
            string[] choosing = halves[1 - half].Length > 0 ? halves[1 - half] : halves[half];
            if (halves[half].Length == 0 || Best(conditions, at => UsableMean(choosing, at, measure)) is not { } best) continue;
            chosen.Add(best);
            values.AddRange(halves[half].Select(vector => (vector, best, measure(vector, best))).Where(one => double.IsFinite(one.Item3)));
        }
        return new CrossFitted(values, chosen);
    }

    /// <summary>The condition with the largest score; null where none has one.</summary>
    public static InjectionCondition? Best(IReadOnlyList<InjectionCondition> conditions, Func<InjectionCondition, double> score)
    {
        InjectionCondition? best = null;
        double most = double.NegativeInfinity;
        foreach (InjectionCondition condition in conditions)
        {
            double value = score(condition);
            if (value > most) (most, best) = (value, condition);
        }
        return best;
    }

    /// <summary>The mean over vectors; NaN where the model is broken for too many of them.</summary>
    public static double UsableMean(IReadOnlyList<string> vectors, InjectionCondition condition, Func<string, InjectionCondition, double> measure)
    {
        double[] values = [.. vectors.Select(vector => measure(vector, condition)).Where(double.IsFinite)];
        return values.Length < UsableShare * vectors.Count ? double.NaN : Descriptive.Mean(values);
    }

    public static string[][] Halves(IReadOnlyList<string> names, int seed)
    {
        string[] shuffled = [.. names];
        new Random(seed).Shuffle(shuffled);
        return [[.. shuffled.Where((_, i) => i % 2 == 0)], [.. shuffled.Where((_, i) => i % 2 == 1)]];
    }
}
