namespace Microtome.Experiments;

/// <summary>
/// Whether a vector that was in the stream during a first turn, and is gone before the question, is reported: it can be seen only in the keys and values
/// that it left (Pearson-Vogel et al. 2026). Each framing of the question is measured by itself, too.
/// </summary>
internal static class ThroughTheCacheExperiment
{
    public static ExperimentOutcome Run(ExperimentContext context)
    {
        ExperimentSettings settings = context.Settings;
        IReadOnlyList<YesNoQuestion> questions = QuestionSet.Build(context, "framings", "turn", question =>
            PromptTexts.Compose(context, settings.Text("template"), "", ("context", settings.Text("context")), ("turn", settings.Text("first-turn")), ("question", question)));
        foreach (YesNoQuestion question in questions)
            if (question.Positions.Last is not { } end || end >= question.Prompt.Positions("question").First)
                throw new ArgumentException($"The question '{question.Prompt.Name}' would be read with the vector in the stream (positions {question.Positions}); this experiment injects before the question only, at the positions \"turn\".");

        // After the last layer nothing is left for later tokens: its stream has no keys and values.
        int last = context.Model.Specification.Layers.Count - 1;
        int[] layers = [.. context.Layers.Where(layer => layer < last)];
        if (layers.Length == 0) throw new ArgumentException($"A vector that is added after layer {last}, the last, leaves no keys and values; name an earlier one with \"layers:\".");
        IReadOnlyList<SweepRow> rows = InjectedThoughtExperiment.Sweep(context, "cells", questions, context.Vectors, layers).Run();
        ShiftTable shifts = ShiftTable.From(rows);
        Separation all = Separation.Measure(shifts, settings.Seed, settings.Resamples);
        ExperimentOutcome outcome = new();
        SeparationReport.Describe(context, outcome, shifts, all);

        outcome.Section("By framing");
        (string Framing, Separation Separation)[] framings = [.. settings.Texts("framings").Select(framing =>
            (framing, Separation.Measure(ShiftTable.From([.. rows.Where(row => row.Text(ShiftTable.RoleFactor) != QuestionRole.Introspective.Name() || row.Text(ShiftTable.QuestionFactor) == framing)]), settings.Seed, settings.Resamples)))];
        for (int i = 0; i < framings.Length; i++)
            outcome.Add(new Finding($"framing_{i + 1}", $"Separation, concepts less random vectors, when asked \"{framings[i].Framing}\"", framings[i].Separation.Specificity, framings[i].Separation.Test.Probability));
        outcome.Figure("framings", new XyChart("Separation by framing", "How far each framing of the question separates from false control questions under concepts and under random vectors, with 95 % intervals.",
            new Axis("framing") { Categories = [.. framings.Select((_, i) => $"{i + 1}")] }, new Axis("separation, log-odds"),
            [
                new Series(SeriesKind.Bars, "concepts", [.. framings.Select((one, i) => new DataPoint(i, one.Separation.Concepts, one.Framing))]),
                new Series(SeriesKind.Bars, "random vectors", [.. framings.Select((one, i) => new DataPoint(i, one.Separation.Placebos, one.Framing))]) { Color = SeriesColor.Ink },
            ]));
        outcome.Table([">", "framing", ">concepts", ">random vectors", ">p, Holm"], framings.Zip(MultipleComparisons.Holm([.. framings.Select(one => one.Separation.Test.Probability)])).Select((one, i) => new[]
        {
            $"{i + 1}", one.First.Framing, TextNumber.Of(one.First.Separation.Concepts), TextNumber.Of(one.First.Separation.Placebos), double.IsNaN(one.Second) ? "" : TextNumber.Probability(one.Second),
        }));
        return outcome;
    }
}
