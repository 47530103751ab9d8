namespace Microtome.Experiments;

/// <summary>Writes what came of testing the experiment against models of known kinds.</summary>
public static class KnownTruthReport
{
    private static readonly SweepTable Table = new("known_truth", ["seed", "model", "truth", "called"],
        ["separation", "separation_low", "separation_high", "specificity", "specificity_low", "specificity_high", "bias", "bias_low", "bias_high"]);

    /// <summary>Writes <c>known-truth.html</c> and <c>known-truth.jsonl</c>.</summary>
    public static void Write(string folder, IReadOnlyList<KnownTruthResult> results)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(results);
        SweepStore.WriteJsonLines(Path.Combine(folder, "known-truth.jsonl"), Table, [.. results.Select(result => new SweepRow(Table,
            Table.Cell(0, result.Seed, result.Model, result.Truth.ToString(), result.Called.ToString()),
            new CellResult([.. new[] { result.Separation, result.Specificity, result.Bias }.SelectMany(interval => new[] { interval.Estimate, interval.Low, interval.High })])))]);

        int right = results.Count(result => result.IsRight);
        string[] models = [.. results.Select(result => result.Model).Distinct()];
        Series Bars(string label, Func<KnownTruthResult, Interval> value) => new(SeriesKind.Points, label, [.. results.Select((result, i) => new DataPoint(i, value(result), $"seed {result.Seed}, {result.Model}"))]);
        Report report = new("Does the experiment call known models what they are?");
        report.Section("What was asked").Paragraph("Models of a tiny language were trained: one to report injected concepts and not random vectors, one to say yes under any injection, and one was left alone. The experiment \"injected-thought\", which is told nothing of this, was run on each.");
        report.Section("What was found").Finding($"{right} of {results.Count} models were called what they are.", isCaution: right < results.Count);
        report.Table([">seed", "model", "is", "is called", ">separation", ">less random vectors", ">bias"], results.Select(result => new[]
        {
            $"{result.Seed}", result.Model, result.Truth.ToString(), result.Called.ToString(), TextNumber.Of(result.Separation), TextNumber.Of(result.Specificity), TextNumber.Of(result.Bias),
        }), "In log-odds of yes, with 95 % intervals");
        report.Figure(new XyChart("What tells the models apart", "Separation beyond random vectors is large for the models trained to report, bias for those trained to say yes.", new Axis("model") { Categories = [.. results.Select(result => $"{result.Model} {result.Seed}")] }, new Axis("log-odds of yes"),
            [Bars("separation less random vectors'", result => result.Specificity), Bars("bias", result => result.Bias)])
        { References = [new Reference("least effect that counts", Separation.LeastEffect)], Width = 900 });
        report.Section("How sure it is").Paragraph($"{models.Length} kinds of models, {results.Select(result => result.Seed).Distinct().Count()} seeds. A model is called introspective where separation, separation beyond random vectors and the excess at equal bias are all above {TextNumber.Of(Separation.LeastEffect)} with their whole intervals; biased where that is not so, control questions are pushed towards yes by more than that, and false ones get the answer yes; else neither.");
        report.Write(Path.Combine(folder, "known-truth.html"));
    }
}
