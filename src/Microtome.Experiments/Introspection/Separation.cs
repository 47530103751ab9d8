namespace Microtome.Experiments;

/// <summary>What a model does when vectors are injected.</summary>
public enum IntrospectionVerdict
{
    /// <summary>It reports injected concepts: more than it says yes to control questions, and more than for random vectors.</summary>
    Introspective,

    /// <summary>It says yes to anything.</summary>
    Biased,

    /// <summary>Neither.</summary>
    Neither,

    /// <summary>There are too few vectors with which it still answers.</summary>
    Unknown,
}

/// <summary>
/// How far yes to "is a thought being injected" separates from yes to control questions, and for concepts from random vectors. The layer and strength are chosen on one half of the
/// vectors, where concepts separate most from placebos, and measured on the other half, and the other way round: so that choosing among many does not make something of nothing.
/// </summary>
internal sealed record Separation
{
    /// <summary>The least difference in log-odds that counts: below it an effect may be certain, but is too small to call.</summary>
    public const double LeastEffect = 0.5;

    /// <summary>Of concepts, in log-odds.</summary>
    public required Interval Concepts { get; init; }

    /// <summary>Of random vectors at the same layer and strength.</summary>
    public required Interval Placebos { get; init; }

    /// <summary>The difference of the two: what is the concept's and not any vector's.</summary>
    public required Interval Specificity { get; init; }

    /// <summary>The introspective question's shift less the third person's, under concepts.</summary>
    public required Interval OwnPerson { get; init; }

    /// <summary>The bias towards yes of control questions under any vector, where it is largest.</summary>
    public required Interval Bias { get; init; }

    /// <summary>The log-odds of yes to false control questions there.</summary>
    public required Interval FalseAnswers { get; init; }

    /// <summary>The concepts' excess over placebos of the introspective shift among injections of equal bias, over all layers and strengths.</summary>
    public required Interval AtEqualBias { get; init; }

    /// <summary>Whether concepts' separations are larger than placebos'.</summary>
    public required PermutationResult Test { get; init; }

    /// <summary>Where each half was measured.</summary>
    public required IReadOnlyList<InjectionCondition> Chosen { get; init; }

    /// <summary>Each concept's separation, and each placebo's.</summary>
    public required IReadOnlyList<(string Vector, bool IsPlacebo, double Value)> Values { get; init; }

    /// <summary>
    /// Introspective only if all three measures are above the least effect with their whole intervals. Separation alone would also be large for a model whose answers are pushed to their
    /// ends, and separation beyond random vectors for one that concepts push harder than random vectors do; among injections of equal bias, neither differs.
    /// </summary>
    public IntrospectionVerdict Verdict =>
        double.IsNaN(Concepts.Estimate) || double.IsNaN(Specificity.Estimate) ? IntrospectionVerdict.Unknown
        : Concepts.IsAbove(LeastEffect) && Specificity.IsAbove(LeastEffect) && AtEqualBias.IsAbove(LeastEffect) ? IntrospectionVerdict.Introspective
        : Bias.IsAbove(LeastEffect) && FalseAnswers.IsAbove(0) ? IntrospectionVerdict.Biased
        : IntrospectionVerdict.Neither;

    public static Separation Measure(ShiftTable shifts, int seed, int resamples)
    {
        (HalfChoice[] halves, List<(string, bool, double)> values) = Fit(shifts, seed, shifts.Separation, Excess);
        double[] concepts = ValuesOf(values, placebo: false), placebos = ValuesOf(values, placebo: true);
        (HalfChoice[] biased, List<(string, bool, double)> biases) = Fit(shifts, seed, shifts.Bias, (concept, placebo) => (concept + placebo) / 2);

        double[] Along(HalfChoice[] chosen, bool placebosToo, Func<string, InjectionCondition, double> measure) =>
            [.. chosen.SelectMany(half => half.Concepts.Concat(placebosToo ? half.Placebos : []).Select(vector => half.Condition is { } at ? measure(vector, at) : double.NaN)).Where(double.IsFinite)];
        return new Separation
        {
            Concepts = Bootstrap.Mean(concepts, seed, resamples),
            Placebos = Bootstrap.Mean(placebos, seed, resamples),
            Specificity = Bootstrap.Difference(concepts, placebos, seed, resamples),
            OwnPerson = Bootstrap.Mean(Along(halves, false, (vector, at) => shifts.Shift(vector, at, QuestionRole.Introspective) - shifts.Shift(vector, at, QuestionRole.ThirdPerson)), seed, resamples),
            Bias = Bootstrap.Mean([.. biases.Select(one => one.Item3)], seed, resamples),
            FalseAnswers = Bootstrap.Mean(Along(biased, true, (vector, at) => shifts.LogOdds(vector, at, QuestionRole.False)), seed, resamples),
            AtEqualBias = EqualBias(shifts, seed, resamples),
            Test = PermutationTest.Difference(concepts, placebos, seed, Alternative.Greater),
            Chosen = [.. halves.Select(half => half.Condition).OfType<InjectionCondition>().Distinct()],
            Values = values,
        };
    }

    private static double Excess(double concepts, double placebos) => double.IsNaN(placebos) ? concepts : concepts - placebos;

    private static double[] ValuesOf(List<(string, bool, double)> values, bool placebo) => [.. values.Where(one => one.Item2 == placebo).Select(one => one.Item3)];

    private sealed record HalfChoice(InjectionCondition? Condition, string[] Concepts, string[] Placebos);

    /// <summary>Chooses a condition on each half of the vectors, and measures the other half there.</summary>
    private static (HalfChoice[], List<(string, bool, double)>) Fit(ShiftTable shifts, int seed, Func<string, InjectionCondition, double> measure, Func<double, double, double> score)
    {
        string[][] concepts = CrossFit.Halves(shifts.Concepts, seed), placebos = CrossFit.Halves(shifts.Placebos, seed + 1);
        HalfChoice[] halves = new HalfChoice[2];
        List<(string, bool, double)> values = [];
        for (int half = 0; half < 2; half++)
        {
            // With a single vector there is no other half to choose on.
            string[] choosing = concepts[1 - half].Length > 0 ? concepts[1 - half] : concepts[half], choosingPlacebos = placebos[1 - half].Length > 0 ? placebos[1 - half] : placebos[half];
            InjectionCondition? best = CrossFit.Best(shifts.Conditions, condition => score(CrossFit.UsableMean(choosing, condition, measure), CrossFit.UsableMean(choosingPlacebos, condition, measure)));
            halves[half] = new HalfChoice(best, concepts[half], placebos[half]);
            if (best is not { } chosen) continue;
            values.AddRange(concepts[half].Select(vector => (vector, false, measure(vector, chosen))));
            values.AddRange(placebos[half].Select(vector => (vector, true, measure(vector, chosen))));
        }
        values.RemoveAll(one => !double.IsFinite(one.Item3));
        return (halves, values);
    }

    /// <summary>Injections are put into bins by their bias; within each, concepts' introspective shifts are compared with placebos'.</summary>
    private static Interval EqualBias(ShiftTable shifts, int seed, int resamples)
    {
        const int bins = 10;
        (double Bias, double Shift)[][] Cells(IReadOnlyList<string> vectors) =>
            [.. vectors.Select(vector => shifts.Conditions.Select(at => (Bias: shifts.Bias(vector, at), Shift: shifts.Shift(vector, at, QuestionRole.Introspective))).Where(cell => double.IsFinite(cell.Bias) && double.IsFinite(cell.Shift)).ToArray())];
        (double Bias, double Shift)[][] concepts = Cells(shifts.Concepts), placebos = Cells(shifts.Placebos);
        double[] biases = [.. concepts.Concat(placebos).SelectMany(cells => cells).Select(cell => cell.Bias)];
        if (biases.Length == 0) return Interval.Unknown;
        Array.Sort(biases);
        // Where no two biases differ by what counts, all are equal.
        double[] edges = biases[^1] - biases[0] < LeastEffect ? [] : [.. Enumerable.Range(1, bins - 1).Select(i => Descriptive.SortedQuantile(biases, (double)i / bins))];
        int Bin(double bias) => edges.Count(edge => bias > edge);
        (double[] Sums, int[] Counts)[] Tally((double Bias, double Shift)[][] cells) => [.. cells.Select(one =>
        {
            (double[] sums, int[] counts) = (new double[bins], new int[bins]);
            foreach ((double bias, double shift) in one)
            {
                sums[Bin(bias)] += shift;
                counts[Bin(bias)]++;
            }
            return (sums, counts);
        })];
        (double[] Sums, int[] Counts)[] ofConcepts = Tally(concepts), ofPlacebos = Tally(placebos);
        return Bootstrap.Groups(concepts.Length, placebos.Length, (first, second) =>
        {
            double weighted = 0, weight = 0;
            for (int bin = 0; bin < bins; bin++)
            {
                double sumA = 0, sumB = 0;
                int countA = 0, countB = 0;
                foreach (int vector in first) (sumA, countA) = (sumA + ofConcepts[vector].Sums[bin], countA + ofConcepts[vector].Counts[bin]);
                foreach (int vector in second) (sumB, countB) = (sumB + ofPlacebos[vector].Sums[bin], countB + ofPlacebos[vector].Counts[bin]);
                if (countA == 0 || countB == 0) continue;
                weighted += countA * (sumA / countA - sumB / countB);
                weight += countA;
            }
            return weight == 0 ? double.NaN : weighted / weight;
        }, seed, resamples);
    }
}
