using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>
/// Where the answer comes from: yes − no through the layers (logit lens), attention from the answer to the injected positions, latents that respond, what changes when heads or the
/// direction of "no" are taken out, and the attribution graph of yes − no under injection. All at one layer and strength: the middle ones of the settings.
/// </summary>
internal static class WhereItHappensExperiment
{
    public static ExperimentOutcome Run(ExperimentContext context)
    {
        ExperimentSettings settings = context.Settings;
        IReadOnlyList<YesNoQuestion> questions = QuestionSet.Build(context);
        YesNoQuestion ask = questions.First(question => question.Role == QuestionRole.Introspective);
        int layer = context.Layers[context.Layers.Count / 2];
        double strength = settings.Strengths[settings.Strengths.Count / 2];
        ExperimentOutcome outcome = new() { Verdict = "A map", Unit = "vectors" };

        InjectedVector?[] trials = [null, .. context.Vectors];
        Steering? Change(InjectedVector? vector) => vector?.At(layer, strength, ask.Positions, settings.Unit);
        int turn = Lens(context, outcome, ask, trials, Change);
        IReadOnlyList<(int Layer, int Head)> heads = HeadAttention.Describe(context, outcome, ask, trials, Change);
        (Interval shift, Interval placeboShift) = Ablations.Describe(context, outcome, questions, ask, heads, Change);
        if (context.Dictionary is { } dictionary)
        {
            RespondingLatents.Describe(context, outcome, dictionary, ask, layer, strength);
            InjectionGraph.Describe(context, outcome, dictionary, ask, Change);
        }
        else outcome.Caution("There is no dictionary, so that latents and the attribution graph were not looked at; give one with --dictionary.");
        outcome.Summary = $"With vectors added after layer {layer} at strength {TextNumber.Of(strength)}, the log-odds of yes to \"{ask.Prompt.Name}\" shift by {TextNumber.Of(shift)} under concepts and by {TextNumber.Of(placeboShift)} under random vectors of the same length; " +
            (turn < 0 ? "in the logit lens, the intervals of concepts and of random vectors overlap after every layer." : $"in the logit lens, the intervals of concepts and of random vectors first lie apart after layer {turn}.") +
            (shift.IsAbove(0) ? "" : " Injection does not move the answer towards yes, so that what follows shows what moves the answer, not where a report comes from.");
        return outcome;
    }

    /// <returns>The first layer after which the intervals of concepts and random vectors lie apart; -1 where none.</returns>
    private static int Lens(ExperimentContext context, ExperimentOutcome outcome, YesNoQuestion ask, InjectedVector?[] trials, Func<InjectedVector?, Steering?> change)
    {
        int layers = context.Model.Specification.Layers.Count;
        SweepTable table = new("lens", ["vector", "kind", "layer"], ["logit_difference"]);
        SweepCell[] cells = [.. trials.SelectMany((vector, i) => Enumerable.Range(0, layers).Select(layer => table.Cell(i, vector?.Name ?? "", vector?.Kind ?? InjectedVector.NoKind, layer)))];
        IReadOnlyList<SweepRow> rows = Sweep.Run(context.Store, table, cells, layers, (ordinals, cancellation) =>
        {
            double[] differences = LogitLens.YesLessNo(context, ask.Prompt, change(trials[ordinals[0] / layers]));
            return [.. ordinals.Select(ordinal => new CellResult([differences[ordinal % layers]]))];
        }, context.Progress("logit lens"), context.Cancellation);
        SweepStore.WriteJsonLines(Path.Combine(context.Folder, "lens.jsonl"), table, rows);

        Interval At(string kind, int layer) => Bootstrap.Mean(SeparationReport.Finite(rows.Where(row => row.Text("kind") == kind && row.Integer("layer") == layer).Select(row => row["logit_difference"])), context.Settings.Seed, 500);
        Series Line(string label, string kind, SeriesColor color, bool dashed = false) => new(SeriesKind.Line, label, [.. Enumerable.Range(0, layers).Select(layer => kind == InjectedVector.NoKind ? new DataPoint(layer, At(kind, layer).Estimate) : new DataPoint(layer, At(kind, layer)))]) { Color = color, IsDashed = dashed };
        outcome.Section("Through the layers");
        outcome.Figure("lens", new XyChart("Yes − no through the layers", "The logit lens: what the answer position's stream would say after each layer, with 95 % intervals over vectors.", new Axis("after layer"), new Axis("logit of yes less no"),
            [Line("concepts", InjectedVector.ConceptKind, SeriesColor.Palette), Line("random vectors", InjectedVector.PlaceboKind, SeriesColor.Ink), Line("no injection", InjectedVector.NoKind, SeriesColor.Ink, dashed: true)])
        { References = [new Reference("as likely as no", 0)] });
        int turn = -1;
        for (int layer = 0; layer < layers && turn < 0; layer++)
            if (At(InjectedVector.ConceptKind, layer) is var concept && At(InjectedVector.PlaceboKind, layer) is var placebo && (concept.Low > placebo.High || concept.High < placebo.Low)) turn = layer;
        outcome.Add(new Finding("lens_last", "Logit of yes less no at the end, under concepts", At(InjectedVector.ConceptKind, layers - 1)));
        outcome.Add(new Finding("lens_last_placebo", "The same under random vectors", At(InjectedVector.PlaceboKind, layers - 1)));
        return turn;
    }
}
