using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>What changes in the answer to the introspective question when heads or the direction of "no" are taken out, under concepts and under random vectors.</summary>
internal static class Ablations
{
    private const string Nothing = "nothing", NoName = "the direction of \"no\"", RandomName = "random directions";
    private const int RandomDirections = 5;

    private sealed record Taken(string Name, int Draw, ForwardHooks? Hooks, SteeringEdit? Edit);

    /// <returns>The shift of the introspective question under concepts and under random vectors, with nothing taken out.</returns>
    public static (Interval Concepts, Interval Placebos) Describe(ExperimentContext context, ExperimentOutcome outcome, IReadOnlyList<YesNoQuestion> questions, YesNoQuestion ask, IReadOnlyList<(int Layer, int Head)> heads, Func<InjectedVector?, Steering?> change)
    {
        ExperimentSettings settings = context.Settings;
        List<Taken> taken = [new(Nothing, 0, null, null), .. heads.Take((int)settings.Number("top")).Select(at => new Taken($"head {at.Layer}.{at.Head}", 0, WithoutHead(context.Model.Specification, at.Layer, at.Head), null))];
        if (NoDirection(context, questions) is { } no)
        {
            int[] all = [.. Enumerable.Range(0, context.Model.Specification.Layers.Count)];
            taken.Add(new Taken(NoName, 0, null, new Ablation(all, true, no, PositionRange.All)));
            for (int draw = 0; draw < RandomDirections; draw++)
                taken.Add(new Taken(RandomName, draw, null, new Ablation(all, true, RandomVectors.Make(no.Length, [KeyValuePair.Create(0, 1f)], unchecked(settings.Seed + 77 + draw))[0], PositionRange.All)));
        }

        TrialSweep sweep = new(context, "ablations", ["taken_out", "draw", ShiftTable.VectorFactor, ShiftTable.KindFactor], QuestionSet.Options);
        for (int i = 0; i < taken.Count; i++)
        {
            Taken one = taken[i];
            Steering? With(Steering? steering) => one.Edit is null ? steering : new Steering([.. steering?.Edits ?? [], one.Edit]);
            sweep.Add(ask.Prompt, With(null), one.Hooks, i, one.Name, one.Draw, "", InjectedVector.NoKind);
            foreach (InjectedVector vector in context.Vectors) sweep.Add(ask.Prompt, With(change(vector)), one.Hooks, i, one.Name, one.Draw, vector.Name, vector.Kind);
        }
        ILookup<(string, int, string), double> answers = sweep.Run().ToLookup(row => (row.Text("taken_out"), row.Integer("draw"), row.Text(ShiftTable.KindFactor)), row => row.IsFine ? row["yes"] - row["no"] : double.NaN);

        // Of each vector: the shift that it causes, less without anything taken out, a mean over draws.
        double[] Shifts(string name, int draw, string kind) => [.. answers[(name, draw, kind)].Select(logOdds => logOdds - answers[(name, draw, InjectedVector.NoKind)].Single())];
        double[] Changes(string name, string kind)
        {
            double[] whole = Shifts(Nothing, 0, kind);
            double[][] draws = [.. taken.Where(one => one.Name == name).Select(one => Shifts(name, one.Draw, kind))];
            return SeparationReport.Finite(whole.Select((shift, i) => draws.Average(draw => draw[i]) - shift));
        }
        Interval Mean(IEnumerable<double> values) => Bootstrap.Mean(SeparationReport.Finite(values), settings.Seed, settings.Resamples);
        Interval shift = Mean(Shifts(Nothing, 0, InjectedVector.ConceptKind)), placeboShift = Mean(Shifts(Nothing, 0, InjectedVector.PlaceboKind));
        outcome.Add(new Finding("shift", "Shift of the introspective question's log-odds of yes under concepts", shift));
        outcome.Add(new Finding("shift_placebo", "The same under random vectors", placeboShift));
        (string Name, double[] Concepts, double[] Placebos)[] effects = [.. taken.Skip(1).Select(one => one.Name).Distinct().Select(name => (name, Changes(name, InjectedVector.ConceptKind), Changes(name, InjectedVector.PlaceboKind)))];
        foreach ((string name, double[] concepts, double[] _) in effects)
            outcome.Add(new Finding("without_" + name.Replace(' ', '_').Replace("\"", "", StringComparison.Ordinal), $"Change of the shift under concepts without {name}{(name == RandomName ? $" (mean of {RandomDirections})" : "")}", Mean(concepts)));

        outcome.Section("Taken out");
        outcome.Paragraph($"How much the shift of the introspective question changes when a head's output is set to zero, for the heads whose attention to the injection changes most, or when a direction is taken out of everything that is written to the stream: the difference of false and true control questions' states at the answer, and random ones. With nothing taken out the shift is {TextNumber.Of(shift)} under concepts and {TextNumber.Of(placeboShift)} under random vectors; what was taken out carried part of it where the change has the other sign. What changes it alike under random vectors has nothing to do with concepts. Of {effects.Length} intervals of 95 % one in twenty misses by chance.");
        string Short(string name) => name == NoName ? "\"no\"" : name == RandomName ? "random" : name["head ".Length..];
        Series Bars(string label, SeriesColor color, Func<(string Name, double[] Concepts, double[] Placebos), double[]> values) => new(SeriesKind.Bars, label, [.. effects.Select((effect, i) => new DataPoint(i, Mean(values(effect)), effect.Name))]) { Color = color };
        outcome.Figure("ablations", new XyChart("Change of the shift when something is taken out", "The change of the introspective question's shift, with 95 % intervals over vectors.", new Axis("head that is taken out, or direction") { Categories = [.. effects.Select(effect => Short(effect.Name))] }, new Axis("change, log-odds of yes"),
            [Bars("concepts", SeriesColor.Palette, effect => effect.Concepts), .. settings.Placebos > 0 ? [Bars("random vectors", SeriesColor.Ink, effect => effect.Placebos)] : Array.Empty<Series>()])
        { Width = Math.Clamp(160 + 52 * effects.Length, 640, 1200) });
        outcome.Table(["taken out", ">under concepts", ">under random vectors", ">concepts less random"], effects.Select(effect => new[]
        {
            effect.Name, TextNumber.Of(Mean(effect.Concepts)), effect.Placebos.Length == 0 ? "" : TextNumber.Of(Mean(effect.Placebos)), effect.Placebos.Length == 0 ? "" : TextNumber.Of(Bootstrap.Difference(effect.Concepts, effect.Placebos, settings.Seed, settings.Resamples)),
        }));
        return (shift, placeboShift);
    }

    private static ForwardHooks WithoutHead(ModelSpecification model, int layer, int head)
    {
        int width = model.Attention.HeadWidth;
        return new ForwardHooks().Add(HookPoint.HeadOutput, layer, (output, _) =>
        {
            for (int row = 0; row < output.Rows; row++) output.Row(row).Slice(head * width, width).Clear();
        });
    }

    /// <summary>The mean state at the answer of false control questions less that of true ones, after the middle layer; null where there are no controls.</summary>
    private static float[]? NoDirection(ExperimentContext context, IReadOnlyList<YesNoQuestion> questions)
    {
        int layer = context.Layers[context.Layers.Count / 2];
        int[][] Prompts(QuestionRole role) => [.. questions.Where(question => question.Role == role).Select(question => question.Prompt.Tokens)];
        int[][] no = Prompts(QuestionRole.False), yes = Prompts(QuestionRole.True);
        if (no.Length == 0 || yes.Length == 0) return null;
        Tensor states = StreamStates.Collect(context.Model.Transformer, [.. no, .. yes], cancellation: context.Cancellation).After(layer);
        float[] direction = new float[states.Columns];
        for (int row = 0; row < states.Rows; row++)
            for (int i = 0; i < direction.Length; i++) direction[i] += row < no.Length ? states.Row(row)[i] / no.Length : -states.Row(row)[i] / yes.Length;
        return SteeringVector.Norm(direction) > 0 ? direction : null;
    }
}
