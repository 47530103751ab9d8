using System.Numerics.Tensors;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>
/// Carriers of evidence and gates (Macar et al. 2026, arXiv 2603.21396): latents whose activation grows monotonically with the strength of many unrelated vectors, and latents that
/// these suppress and that promote "no". They are ranked by attribution and confirmed by taking them out, against as many other active latents of the same layers.
/// </summary>
internal static class CarriersAndGatesExperiment
{
    private const double Monotone = 0.9;
    private const int ControlDraws = 5;
    private const string Nothing = "nothing", CarriersName = "carriers", GatesName = "gates";

    /// <param name="Rising">The share of vectors along which it grows with strength.</param>
    /// <param name="Falling">The share along which it falls.</param>
    /// <param name="Weight">What one unit at the answer adds to the logit of yes less no, directly.</param>
    /// <param name="Attribution">The mean change at the answer at the middle strength, times that.</param>
    /// <param name="Size">The mean length of what it writes at that strength, over the injected positions.</param>
    private sealed record Latent(LatentId Id, double Rising, double Falling, double Weight, double Attribution, double Size);

    public static ExperimentOutcome Run(ExperimentContext context)
    {
        ExperimentSettings settings = context.Settings;
        TranscoderSet dictionary = context.Dictionary ?? throw new ArgumentException("Carriers and gates are latents of a dictionary; give one with --dictionary, or \"dictionary:\" in the file.");
        YesNoQuestion ask = QuestionSet.Build(context).First(question => question.Role == QuestionRole.Introspective);
        int layer = context.Layers[context.Layers.Count / 2];
        double[] strengths = [.. settings.Strengths.Order()];
        if (strengths.Length < 3) throw new ArgumentException($"Growth with strength needs at least three strengths, not {strengths.Length}; give more with \"strengths:\".");
        if (layer == context.Model.Specification.Layers.Count - 1) throw new ArgumentException($"After layer {layer}, the last, there are no latents that could respond; name an earlier one with \"layers:\".");

        (LatentReadings without, LatentReadings[][] readings) = LatentSweep.Run(context, dictionary, ask, layer, strengths, layer + 1);
        // The middle strength: at the largest, models are often broken.
        int middle = strengths.Length / 2;
        Latent[] latents = Search(context, dictionary, ask, without, readings, strengths, middle);
        int top = (int)settings.Number("top");
        Latent[] carriers = [.. latents.Where(latent => latent.Rising >= 0.5).OrderByDescending(latent => Math.Abs(latent.Attribution)).ThenByDescending(latent => latent.Rising).Take(top)];
        Latent[] gates = [.. latents.Where(latent => IsGate(latent)).OrderByDescending(latent => latent.Attribution).Take(top)];

        ExperimentOutcome outcome = new();
        outcome.Add(new Finding("carriers", $"Latents that grow with strength along half of {readings.Length} vectors or more, of {latents.Length:N0} that are active at all", new Interval(latents.Count(latent => latent.Rising >= 0.5), double.NaN, double.NaN)));
        outcome.Add(new Finding("gates", "Latents that fall with strength along half of the vectors or more, directly promote no, and whose fall at the answer raises yes", new Interval(latents.Count(IsGate), double.NaN, double.NaN)));
        Confirm(context, outcome, dictionary, ask, layer, strengths[middle], without, carriers, gates, latents);
        Show(context, outcome, "Carriers", CarriersName, carriers, without, readings, strengths);
        Show(context, outcome, "Gates", GatesName, gates, without, readings, strengths);
        return outcome;
    }

    private static bool IsGate(Latent latent) => latent is { Falling: >= 0.5, Weight: < 0, Attribution: > 0 };

    /// <param name="middle">The strength, by index, at which what latents do to the answer is measured.</param>
    private static Latent[] Search(ExperimentContext context, TranscoderSet dictionary, YesNoQuestion ask, LatentReadings without, LatentReadings[][] readings, double[] strengths, int middle)
    {
        LatentId[] all = [.. readings.SelectMany(along => along.SelectMany(reading => reading.Summed.Keys)).Concat(without.Summed.Keys).Distinct().OrderBy(id => id.Layer).ThenBy(id => id.Feature)];
        double[] axis = [0, .. strengths];
        float[] direction = AnswerDirection(context, ask);
        Latent[] latents = new Latent[all.Length];
        WorkerPool.For(all.Length, i =>
        {
            LatentId id = all[i];
            int rising = 0, falling = 0;
            double change = 0;
            foreach (LatentReadings[] along in readings)
            {
                double[] values = [without.Summed.GetValueOrDefault(id), .. along.Select(reading => reading.Summed.GetValueOrDefault(id))];
                double correlation = Descriptive.RankCorrelation(axis, values);
                if (correlation >= Monotone) rising++;
                if (correlation <= -Monotone) falling++;
                change += along[middle].AtAnswer.GetValueOrDefault(id) - without.AtAnswer.GetValueOrDefault(id);
            }
            Transcoder transcoder = dictionary.Layers[id.Layer];
            float[] row = new float[transcoder.Width];
            double weight = 0, squares = 0;
            for (int target = id.Layer; target < id.Layer + transcoder.Targets; target++)
            {
                transcoder.DecoderRow(id.Feature, target, row);
                weight += TensorPrimitives.Dot<float>(row, direction);
                squares += VectorOperations.SumOfSquares(row);
            }
            double size = Math.Sqrt(squares) * readings.Average(along => Math.Abs(along[middle].Summed.GetValueOrDefault(id)));
            latents[i] = new Latent(id, (double)rising / readings.Length, (double)falling / readings.Length, weight, weight * change / readings.Length, size);
        });
        return latents;
    }

    /// <summary>What the stream at the answer has to grow by for the logit of yes less no to grow by one, the final norm's denominator held as it is without injection.</summary>
    private static float[] AnswerDirection(ExperimentContext context, YesNoQuestion ask)
    {
        Transformer model = context.Model.Transformer;
        MatrixView unembedding = model.Weights.Unembedding.Weight.T;
        Tensor gradient = Tensor.Uninitialized(1, unembedding.Columns);
        float[] no = new float[unembedding.Columns];
        unembedding.CopyRow(ask.Prompt.Options.FirstTokensOf(0)[0], gradient.Row(0));
        unembedding.CopyRow(ask.Prompt.Options.FirstTokensOf(1)[0], no);
        TensorPrimitives.Subtract(gradient.Row(0), no, gradient.Row(0));
        float denominator = 1;
        ForwardHooks reading = new ForwardHooks().Add(HookPoint.FinalNormScale, 0, (scale, _) => denominator = scale.Row(scale.Rows - 1)[0]);
        model.Forward(ask.Prompt.Tokens, reading, logits: LogitRows.None, cancellation: context.Cancellation);
        model.Weights.FinalNorm?.Pull(gradient.AsMatrix(), [denominator]);
        return gradient.Span.ToArray();
    }

    private static void Confirm(ExperimentContext context, ExperimentOutcome outcome, TranscoderSet dictionary, YesNoQuestion ask, int layer, double strength, LatentReadings without, Latent[] carriers, Latent[] gates, Latent[] latents)
    {
        ExperimentSettings settings = context.Settings;
        InjectedVector[] concepts = [.. context.Vectors.Where(vector => !vector.IsPlacebo)];
        List<(string Name, int Draw, LatentId[] Latents)> taken = [(Nothing, 0, [])];
        foreach ((string name, Latent[] found) in new[] { (CarriersName, carriers), (GatesName, gates) })
        {
            if (found.Length == 0) continue;
            taken.Add((name, 0, [.. found.Select(latent => latent.Id)]));
            taken.AddRange(OtherLatents(found, latents, settings.Seed).Select((others, draw) => ($"others, {name}", draw, others)));
        }
        TrialSweep sweep = new(context, "cells", ["taken_out", "draw", ShiftTable.VectorFactor, ShiftTable.KindFactor, ShiftTable.StrengthFactor], QuestionSet.Options);
        for (int i = 0; i < taken.Count; i++)
        {
            SteeringEdit[] edits = [.. taken[i].Latents.Select(id => new LatentEdit(dictionary, id.Layer, id.Feature, LatentChange.Clamp(0), ask.Positions))];
            sweep.Add(ask.Prompt, edits.Length == 0 ? null : new Steering(edits), i, taken[i].Name, taken[i].Draw, "", InjectedVector.NoKind, 0.0);
            foreach (InjectedVector concept in concepts)
                sweep.Add(ask.Prompt, new Steering([.. concept.At(layer, strength, ask.Positions, settings.Unit).Edits, .. edits]), i, taken[i].Name, taken[i].Draw, concept.Name, concept.Kind, strength);
        }
        ILookup<(string, int), double> answers = sweep.Run().ToLookup(row => (row.Text("taken_out"), row.Integer("draw")), row => row.IsFine ? row["yes"] - row["no"] : double.NaN);
        double unmoved = answers[(Nothing, 0)].First();
        if (unmoved >= 0) outcome.Caution($"Without injection the model says yes already (log-odds {TextNumber.Of(unmoved)}): there is no default no that gates could hold.");
        double[] Shifts(string name, int draw = 0) => [.. answers[(name, draw)].Skip(1).Select(logOdds => logOdds - answers[(name, draw)].First())];
        double[] whole = Shifts(Nothing);
        Interval Effect(double[] shifts) => Bootstrap.Mean(SeparationReport.Finite(shifts.Zip(whole, (with, all) => with - all)), settings.Seed, settings.Resamples);
        Interval report = Bootstrap.Mean(SeparationReport.Finite(whole), settings.Seed, settings.Resamples);
        outcome.Add(new Finding("shift", $"Shift of the log-odds of yes under concepts after layer {layer} at strength {TextNumber.Of(strength)}", report));
        bool confirmed = false;
        List<string> sentences = [];
        foreach ((string name, Latent[] found) in new[] { (CarriersName, carriers), (GatesName, gates) })
        {
            if (found.Length == 0)
            {
                sentences.Add($"no {name} were found");
                continue;
            }
            double[] own = Shifts(name), control = new double[concepts.Length];
            for (int draw = 0; draw < ControlDraws; draw++)
            {
                double[] shifts = Shifts($"others, {name}", draw);
                for (int i = 0; i < control.Length; i++) control[i] += shifts[i] / ControlDraws;
            }
            Interval effect = Effect(own), controlEffect = Effect(control), difference = Bootstrap.Mean(SeparationReport.Finite(own.Zip(control, (a, b) => a - b)), settings.Seed, settings.Resamples);
            outcome.Add(new Finding($"without_{name}", $"Change of that shift without the {found.Length} {name} that attribution ranks first", effect));
            outcome.Add(new Finding($"without_others_{name}", $"The same without as many other latents of the same layers that write about as much (mean of {ControlDraws} draws)", controlEffect));
            outcome.Add(new Finding($"{name}_less_others", "The difference of the two", difference));
            sentences.Add(difference.Contains(0) ? $"taking the {name} out is not shown to differ from taking out other latents that write about as much ({TextNumber.Of(difference)})" : $"taking the {name} out {(difference.Estimate < 0 ? "lowers" : "raises")} them beyond what other latents that write about as much do ({TextNumber.Of(difference)})");
            confirmed |= Confirms(name, difference);
        }
        outcome.Verdict = VerdictOf(carriers.Length + gates.Length, report, confirmed);
        outcome.Summary = $"{(report.IsAbove(0) ? "" : $"Injection does not move the answer towards yes ({TextNumber.Of(report)}), so there is no report that latents could carry. ")}Log-odds of yes under injection: {string.Join("; ", sentences)}.";
        if (without.Summed.Count == 0) outcome.Caution("No latent is active without injection at these positions: the dictionary may not fit this model.");
    }

    /// <summary>As many other latents of the same layers that write about as much, several draws: of each, one of those nearest to it in what they write.</summary>
    private static IEnumerable<LatentId[]> OtherLatents(Latent[] found, Latent[] latents, int seed)
    {
        Random random = new(seed);
        HashSet<LatentId> own = [.. found.Select(latent => latent.Id)];
        for (int draw = 0; draw < ControlDraws; draw++)
        {
            HashSet<LatentId> others = [];
            foreach (Latent latent in found)
            {
                Latent[] near = [.. latents.Where(other => other.Id.Layer == latent.Id.Layer && !own.Contains(other.Id) && !others.Contains(other.Id)).OrderBy(other => Math.Abs(other.Size - latent.Size)).Take(2 * ControlDraws)];
                if (near.Length > 0) others.Add(near[random.Next(near.Length)].Id);
            }
            yield return [.. others];
        }
    }

    /// <summary>Whether taking latents out does what their name says: a report is smaller without what carries it, and larger without what holds it back.</summary>
    internal static bool Confirms(string name, Interval difference) => name == CarriersName ? difference.IsBelow(0) : difference.IsAbove(0);

    internal static string VerdictOf(int found, Interval report, bool confirmed) =>
        found == 0 ? "None found" : !report.IsAbove(0) ? "There is no report to explain" : confirmed ? "Found and confirmed" : "Found, not confirmed";

    private static void Show(ExperimentContext context, ExperimentOutcome outcome, string title, string name, Latent[] latents, LatentReadings without, LatentReadings[][] readings, double[] strengths)
    {
        outcome.Section(title);
        if (latents.Length == 0)
        {
            outcome.Paragraph("None were found.");
            return;
        }
        outcome.Table(["latent", ">grows along", ">falls along", ">direct effect on yes − no of one unit", ">attribution"], latents.Select(latent => new[] { latent.Id.ToString(), TextNumber.Percent(latent.Rising), TextNumber.Percent(latent.Falling), TextNumber.Of(latent.Weight), TextNumber.Of(latent.Attribution) }));
        outcome.Figure(name, new XyChart($"{title} by strength", "The activation, summed over the injected positions, a mean over vectors with 95 % intervals, of those that attribution ranks first.", new Axis(Maps.UnitText(context.Settings)), new Axis("activation, summed over positions"),
            [.. latents.Take(6).Select(latent => new Series(SeriesKind.Line, latent.Id.ToString(), [new DataPoint(0, without.Summed.GetValueOrDefault(latent.Id)), .. strengths.Select((strength, i) => new DataPoint(strength, Bootstrap.Mean([.. readings.Select(along => along[i].Summed.GetValueOrDefault(latent.Id))], resamples: 500)))]))]));
    }
}
