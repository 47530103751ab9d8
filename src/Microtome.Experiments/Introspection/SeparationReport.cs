namespace Microtome.Experiments;

/// <summary>Says in words and figures how far a model's reports of injections separate from its bias.</summary>
internal static class SeparationReport
{
    private static readonly string Least = Separation.LeastEffect.ToString(System.Globalization.CultureInfo.InvariantCulture);

    public static void Describe(ExperimentContext context, ExperimentOutcome outcome, ShiftTable shifts, Separation separation)
    {
        (outcome.Verdict, outcome.Summary) = Words(separation);
        outcome.IsCrossFitted = true;
        string where = separation.Chosen.Count == 0 ? "nowhere" : string.Join(" and ", separation.Chosen.Select(at => $"layer {at.Layer}, strength {TextNumber.Of(at.Strength)}"));
        outcome.Add(new Finding("separation", $"Separation of the introspective question from false control questions under concepts, in log-odds of yes (at {where})", separation.Concepts));
        outcome.Add(new Finding("placebo_separation", "The same under random vectors", separation.Placebos));
        outcome.Add(new Finding("specificity", "Concepts less random vectors; p by permutation", separation.Specificity, separation.Test.Probability));
        outcome.Add(new Finding("equal_bias", "Concepts' excess over random vectors among injections that bias control questions equally, over all layers and strengths", separation.AtEqualBias));
        outcome.Add(new Finding("own_person", "The introspective question's shift less that of the third person, under concepts", separation.OwnPerson));
        outcome.Add(new Finding("bias", "Bias towards yes of true and false control questions under any vector, where the other half's is largest", separation.Bias));
        outcome.Add(new Finding("false_answers", "Log-odds of yes to false control questions there", separation.FalseAnswers));
        foreach ((QuestionRole role, double baseline) in shifts.Baseline.OrderBy(one => one.Key))
            outcome.Add(new Finding($"baseline_{role.Name().Replace(", ", "_", StringComparison.Ordinal).Replace(' ', '_')}", $"Log-odds of yes without injection: {role.Name()}", new Interval(baseline, double.NaN, double.NaN)));

        if (shifts.Broken > 0) outcome.Caution($"{TextNumber.Percent((double)shifts.Broken / shifts.Cells)} of the cells with an injection are broken: the logits are not numbers, or the model is certain of a token that is no answer. They are left out; at a layer and strength where more than 30 % of the vectors break the model nothing is measured.");
        string[] unmeasured = [.. shifts.Concepts.Concat(shifts.Placebos).Except(separation.Values.Select(value => value.Vector))];
        if (unmeasured.Length > 0) outcome.Caution($"Not measured, because the model is broken under them there: {string.Join(", ", unmeasured)}.");
        if (shifts.Concepts.Count < 8) outcome.Caution($"There {(shifts.Concepts.Count == 1 ? "is only one concept" : $"are only {shifts.Concepts.Count} concepts")}; intervals over so few vectors are too narrow more often than they say.");
        if (shifts.Baseline.TryGetValue(QuestionRole.True, out double yes) && shifts.Baseline.TryGetValue(QuestionRole.False, out double no) && yes - no < 1)
            outcome.Caution($"Without injection the model hardly tells true from false control questions (log-odds {TextNumber.Of(yes)} and {TextNumber.Of(no)}): it does not answer these questions by what they ask, so its answer to the introspective one means little.");
        Figures(context, outcome, shifts, separation);
    }

    private static (string, string) Words(Separation separation) => separation.Verdict switch
    {
        IntrospectionVerdict.Introspective => ("Introspective", $"Under concepts it says yes to the introspective question beyond what it says to control questions, by {TextNumber.Of(separation.Concepts)} in log-odds, and beyond what random vectors of the same length do, by {TextNumber.Of(separation.Specificity)}."),
        IntrospectionVerdict.Biased => ("Biased", $"Injections push it towards yes whatever is asked, by {TextNumber.Of(separation.Bias)} in log-odds; the introspective question does not separate beyond that."),
        IntrospectionVerdict.Neither => ("Neither", $"It is not shown that injected concepts are reported: separation from control questions ({TextNumber.Of(separation.Concepts)}), what of it is more than random vectors' ({TextNumber.Of(separation.Specificity)}) and the excess at equal bias ({TextNumber.Of(separation.AtEqualBias)}) would all have to lie above {Least} in log-odds, with their whole intervals. " +
            (separation.Bias.IsAbove(Separation.LeastEffect) ? $"Injections push answers towards yes whatever is asked, by {TextNumber.Of(separation.Bias)}, but not so far that false control questions get the answer yes." : $"Nor is a push towards yes shown that is larger than that whatever is asked ({TextNumber.Of(separation.Bias)}).")),
        _ => ("Unknown", "There are too few vectors with which the model still answers, or no random vectors to compare with."),
    };

    private static void Figures(ExperimentContext context, ExperimentOutcome outcome, ShiftTable shifts, Separation separation)
    {
        string unit = context.Settings.Unit switch { SteeringUnit.Share => "strength (length of what is added over the stream's)", SteeringUnit.Length => "strength (length of what is added)", _ => "strength (times the vector)" };
        Axis strengthAxis = new(unit) { IsLogarithmic = context.Settings.Strengths.Count > 2 };
        int[] layers = [.. shifts.Conditions.Select(at => at.Layer).Distinct()];
        double[] strengths = [.. shifts.Conditions.Select(at => at.Strength).Distinct().Order()];
        int best = separation.Chosen.Count > 0 ? separation.Chosen[0].Layer : layers[0];

        outcome.Section("By strength");
        List<Series> lines = [.. shifts.Concepts.Select(concept => new Series(SeriesKind.Line, shifts.Concepts.Count <= 12 ? concept : null, [.. strengths.Select(strength => new DataPoint(strength, shifts.Separation(concept, new(best, strength)), Text: concept))]))];
        if (shifts.Placebos.Count > 0)
            lines.Add(new Series(SeriesKind.Line, "random vectors (mean and 95 %)", [.. strengths.Select(strength => new DataPoint(strength,
                Bootstrap.Mean(Finite(shifts.Placebos.Select(vector => shifts.Separation(vector, new(best, strength)))), context.Settings.Seed, 500)))])
            { Color = SeriesColor.Ink });
        outcome.Figure("separation-by-strength", new XyChart($"Separation after layer {best}", "One line a concept, random vectors in the text's colour: how much more the log-odds of yes rise for the introspective question than for false control questions under the same injection.",
            strengthAxis, new Axis("separation, log-odds"), lines)
        { References = [new Reference("no separation", 0)], Height = 420 });

        Series Role(QuestionRole role, IReadOnlyList<string> vectors, bool dashed) => new(SeriesKind.Line, $"{role.Name()}{(dashed ? ", random" : "")}", [.. strengths.Select(strength => new DataPoint(strength,
            Bootstrap.Mean(Finite(vectors.Select(vector => shifts.LogOdds(vector, new(best, strength), role))), context.Settings.Seed, 500)))])
        { IsDashed = dashed };
        outcome.Figure("answers-by-strength", new XyChart($"Log-odds of yes after layer {best}", "The mean over concepts, with 95 % intervals, for each kind of question; above zero the model says yes.", strengthAxis, new Axis("log-odds of yes"),
            [.. Enum.GetValues<QuestionRole>().Where(shifts.Baseline.ContainsKey).Select(role => Role(role, shifts.Concepts, false))])
        { References = [new Reference("as likely as no", 0)] });

        outcome.Section("By layer and strength");
        Axis columns = new(unit) { Categories = [.. strengths.Select(TextNumber.Of)] }, rows = new("layer") { Categories = [.. layers.Select(layer => $"{layer}")] };
        double[,] Map(Func<InjectionCondition, double> value)
        {
            double[,] map = new double[layers.Length, strengths.Length];
            for (int row = 0; row < layers.Length; row++)
                for (int column = 0; column < strengths.Length; column++) map[row, column] = value(new(layers[row], strengths[column]));
            return map;
        }
        double Mean(IReadOnlyList<string> vectors, Func<string, double> measure) => Descriptive.Mean(Finite(vectors.Select(measure)));
        HeatMap Heat(string title, string description, double[,] values, string meaning) => new(title, description, columns, rows, values, meaning) { Scale = ColorScale.Diverging, Height = Math.Clamp(140 + 26 * layers.Length, 240, 900) };
        outcome.Figure("separation-map", Heat("Separation, concepts less random vectors", "Where concepts are reported beyond bias and beyond random vectors: the mean separation of concepts less that of random vectors.",
            Map(at => Mean(shifts.Concepts, vector => shifts.Separation(vector, at)) - (shifts.Placebos.Count == 0 ? 0 : Mean(shifts.Placebos, vector => shifts.Separation(vector, at)))), "log-odds"));
        outcome.Figure("bias-map", Heat("Bias towards yes", "How far concepts and random vectors push true and false control questions towards yes.", Map(at => Mean([.. shifts.Concepts, .. shifts.Placebos], vector => shifts.Bias(vector, at))), "log-odds"));

        outcome.Section("At equal bias");
        DataPoint[] Cells(IReadOnlyList<string> vectors) => [.. vectors.SelectMany(vector => shifts.Conditions.Select(at => new DataPoint(shifts.Bias(vector, at), shifts.Shift(vector, at, QuestionRole.Introspective), Text: $"{vector}, layer {at.Layer}, strength {TextNumber.Of(at.Strength)}"))).Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y)).Take(4000)];
        outcome.Figure("equal-bias", new XyChart("The introspective question against bias", "A point an injection: if reports were bias alone, concepts would lie where random vectors lie.", new Axis("bias of control questions, log-odds"), new Axis("shift of the introspective question"),
            [new Series(SeriesKind.Points, "random vectors", Cells(shifts.Placebos)) { Color = SeriesColor.Faint }, new Series(SeriesKind.Points, "concepts", Cells(shifts.Concepts))]));
        outcome.Table(["vector", ">separation, log-odds"], separation.Values.OrderBy(one => one.IsPlacebo).ThenByDescending(one => one.Value).Select(one => new[] { one.Vector, TextNumber.Of(one.Value) }), "Every vector's separation, at the layer and strength chosen on the other half");
    }

    internal static double[] Finite(IEnumerable<double> values) => [.. values.Where(double.IsFinite)];
}
