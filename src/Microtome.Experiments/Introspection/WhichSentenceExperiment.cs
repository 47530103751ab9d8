using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>Which of several sentences was steered (Godet 2025): by concepts, by random vectors of the same length, and by states swapped in from another sentence.</summary>
internal static class WhichSentenceExperiment
{
    private const string Swapped = "swapped";
    private const int LeastDraws = 3;

    public static ExperimentOutcome Run(ExperimentContext context)
    {
        ExperimentSettings settings = context.Settings;
        IReadOnlyList<string> pool = settings.Texts("sentences");
        int count = (int)settings.Number("sentences-in-a-trial"), draws = (int)settings.Number("draws");
        if (pool.Count < count + 1) throw new ArgumentException($"There are {pool.Count} sentences; trials of {count} with another to swap in need at least {count + 1}.");

        string[] options = [.. Enumerable.Range(1, count).Select(i => $"sentence_{i}")];
        TrialSweep sweep = new(context, "cells", ["draw", "steered", "vector", "kind", "layer", "strength"], options);
        int group = 0;
        for (int draw = 0; draw < draws; draw++)
        {
            string[] sentences = [.. pool];
            new Random(unchecked(settings.Seed * 7919 + draw)).Shuffle(sentences);
            TrialPrompt prompt = Prompt(context, draw, sentences.AsSpan(0, count));
            PositionRange[] places = [.. options.Select(prompt.Positions)];
            sweep.Add(prompt, null, group++, draw, -1, "", InjectedVector.NoKind, -1, 0.0);
            Tensor[] own = Streams(context, prompt.Tokens), other = Streams(context, Prompt(context, draw, Shifted(sentences, count)).Tokens);
            foreach (int layer in context.Layers)
            {
                for (int place = 0; place < count; place++)
                {
                    foreach (InjectedVector vector in context.Vectors)
                        foreach (double strength in settings.Strengths)
                            sweep.Add(prompt, vector.At(layer, strength, places[place], settings.Unit), group, draw, place, vector.Name, vector.Kind, layer, strength);
                    sweep.Add(prompt, Swap(own[layer], other[layer], layer, places[place]), group, draw, place, "", Swapped, layer, 1.0);
                }
                group++;
            }
        }
        return Describe(context, sweep.Run(), options);
    }

    /// <summary>Every place gets the sentence of the next, the last one a sentence that is not shown.</summary>
    private static string[] Shifted(string[] sentences, int count) => sentences[1..(count + 1)];

    private static TrialPrompt Prompt(ExperimentContext context, int draw, ReadOnlySpan<string> sentences)
    {
        ExperimentSettings settings = context.Settings;
        List<(string Name, string Text)> numbered = [];
        for (int i = 0; i < sentences.Length; i++) numbered.Add(($"sentence_{i + 1}", sentences[i]));
        string list = context.Model.Prompts.HasTokenizer ? string.Join('\n', numbered.Select((one, i) => $"{i + 1}. {one.Text}")) : string.Join(' ', numbered.Select(one => one.Text));
        ComposedPrompt composed = PromptTexts.Compose(context, settings.Text("template"), "Sentence", ("context", settings.Text("context")), ("sentences", list), ("question", settings.Text("ask")));
        IReadOnlyList<(string, string)> all = [.. composed.Parts.SelectMany(part => part.Name == "sentences" ? numbered : [part])];
        return TrialPrompt.Create(context.Model.Prompts, $"draw {draw}", composed.Text, all, [.. numbered.Select((one, i) => new AnswerOption(one.Name, [$" {i + 1}", $"{i + 1}"]))], composed.IsRendered);
    }

    /// <summary>The stream after each layer, without injection.</summary>
    private static Tensor[] Streams(ExperimentContext context, int[] tokens)
    {
        Tensor[] streams = new Tensor[context.Model.Specification.Layers.Count];
        ForwardHooks reading = new();
        for (int layer = 0; layer < streams.Length; layer++) reading.Add(HookPoint.ResidPost, layer, (stream, at) => streams[at.Layer] = stream.Clone());
        context.Model.Transformer.Forward(tokens, reading, logits: LogitRows.None, cancellation: context.Cancellation);
        return streams;
    }

    /// <summary>Replaces the states of a place by those of another text at the same positions, or the last there are.</summary>
    private static Steering Swap(Tensor own, Tensor other, int layer, PositionRange place)
    {
        List<SteeringEdit> edits = [];
        for (int position = place.First; position <= place.Last; position++)
        {
            Span<float> present = own.Row(position), wanted = other.Row(Math.Min(position, other.Rows - 1));
            float[] difference = new float[present.Length];
            for (int i = 0; i < difference.Length; i++) difference[i] = wanted[i] - present[i];
            edits.Add(new Addition(layer, difference, 1, new PositionRange(position, position)));
        }
        return new Steering(edits);
    }

    /// <summary>
    /// The share of right answers, every place counted alike: a liking for one place is then right as often as chance, however many trials of which place the model breaks in.
    /// </summary>
    /// <param name="trials">[draws, places]: 1 where right, 0 where wrong, NaN where there is no answer.</param>
    /// <param name="draws">Which draws count, each as often as it is named.</param>
    /// <returns>NaN where a place has no answer.</returns>
    internal static double ShareRight(double[,] trials, ReadOnlySpan<int> draws)
    {
        double sum = 0;
        int places = trials.GetLength(1);
        for (int place = 0; place < places; place++)
        {
            double right = 0;
            int answered = 0;
            foreach (int draw in draws)
            {
                if (!double.IsFinite(trials[draw, place])) continue;
                right += trials[draw, place];
                answered++;
            }
            sum += right / answered;
        }
        return sum / places;
    }

    /// <summary>A mean over vectors, whose interval is over vectors and over draws of sentences: vectors that act alike in the same sentences are no new evidence.</summary>
    private static Interval Over(IReadOnlyList<double[,]> vectors, IReadOnlyList<double[,]> less, int draws, ExperimentSettings settings)
    {
        static double Mean(IReadOnlyList<double[,]> all, ReadOnlySpan<int> slots, ReadOnlySpan<int> draws)
        {
            double sum = 0;
            int count = 0;
            foreach (int slot in slots)
            {
                double value = ShareRight(all[slot % all.Count], draws);
                if (!double.IsFinite(value)) continue;
                sum += value;
                count++;
            }
            return sum / count;
        }
        // A slot holds a vector of each kind, in an order that means nothing.
        return vectors.Count == 0 ? Interval.Unknown
            : Bootstrap.Groups(Math.Max(vectors.Count, less.Count), draws, (slots, drawn) => Mean(vectors, slots, drawn) - (less.Count == 0 ? 0 : Mean(less, slots, drawn)), settings.Seed, settings.Resamples);
    }

    /// <summary>It finds the sentence only where concepts are above chance and above random vectors, in several draws of sentences: of one, the liking for a place may decide.</summary>
    internal static string VerdictOf(Interval accuracy, Interval lessRandom, double chance, bool hasRandom, int answered) =>
        double.IsNaN(accuracy.Estimate) ? "Unknown"
        : !accuracy.IsAbove(chance) ? "It is not shown to find the sentence"
        : !hasRandom || !lessRandom.IsAbove(0) ? "Above chance, but not shown to be above random vectors"
        : answered < LeastDraws ? "Above chance, but on too few draws of sentences" : "It finds the sentence";

    private static ExperimentOutcome Describe(ExperimentContext context, IReadOnlyList<SweepRow> rows, string[] options)
    {
        ExperimentSettings settings = context.Settings;
        double chance = 1.0 / options.Length;
        Dictionary<int, SweepRow> baseline = rows.Where(row => row.Text("kind") == InjectedVector.NoKind).ToDictionary(row => row.Integer("draw"));
        // The answer is the option that rises most over the same sentences without injection, so that a liking for a number does not count.
        double Right(SweepRow row)
        {
            SweepRow without = baseline[row.Integer("draw")];
            if (!row.IsFine || !without.IsFine) return double.NaN;
            double[] rises = [.. options.Select(option => row[option] - without[option])];
            return Array.IndexOf(rises, rises.Max()) == row.Integer("steered") ? 1 : 0;
        }
        SweepRow[] injected = [.. rows.Where(row => row.Text("kind") != InjectedVector.NoKind)];
        InjectionCondition At(SweepRow row) => new(row.Integer("layer"), row.Number("strength"));
        int draws = baseline.Count;
        int[] every = [.. Enumerable.Range(0, draws)];
        Dictionary<(string, InjectionCondition), double[,]> right = injected.Where(row => row.Text("kind") != Swapped).GroupBy(row => (row.Text("vector"), At(row))).ToDictionary(group => group.Key, group =>
        {
            double[,] trials = new double[draws, options.Length];
            foreach (SweepRow row in group) trials[row.Integer("draw"), row.Integer("steered")] = Right(row);
            return trials;
        });
        InjectionCondition[] conditions = [.. right.Keys.Select(key => key.Item2).Distinct().OrderBy(at => at.Layer).ThenBy(at => at.Strength)];
        string[] Names(string kind) => [.. injected.Where(row => row.Text("kind") == kind).Select(row => row.Text("vector")).Distinct()];
        string[] concepts = Names(InjectedVector.ConceptKind), placebos = Names(InjectedVector.PlaceboKind);
        // Of the trials that have an answer: an order of the sentences under which the model gives none would otherwise hide all others.
        double Accuracy(string vector, InjectionCondition at) => ShareRight(right[(vector, at)], every);

        CrossFitted fitted = CrossFit.Measure(concepts, conditions, Accuracy, settings.Seed), random = CrossFit.Measure(placebos, conditions, Accuracy, settings.Seed);
        double[][,] Trials(CrossFitted of) => [.. of.Values.Select(value => right[(value.Vector, value.At)])];
        Interval accuracy = Over(Trials(fitted), [], draws, settings), placeboAccuracy = Over(Trials(random), [], draws, settings);
        Dictionary<int, Interval> swapped = injected.Where(row => row.Text("kind") == Swapped).GroupBy(row => row.Integer("layer"))
            .ToDictionary(group => group.Key, group => Proportion.Wilson((int)SeparationReport.Finite(group.Select(Right)).Sum(), SeparationReport.Finite(group.Select(Right)).Length));

        int answered = baseline.Values.Count(row => row.IsFine);
        Interval difference = placebos.Length == 0 ? Interval.Unknown : Over(Trials(fitted), Trials(random), draws, settings);
        ExperimentOutcome outcome = new() { Unit = "vectors and draws of sentences", IsCrossFitted = true, Verdict = VerdictOf(accuracy, difference, chance, placebos.Length > 0, answered) };
        outcome.Summary = double.IsNaN(accuracy.Estimate) ? "There are too few injections under which the model still answers."
            : $"The sentence steered with a concept is the answer that rises most in {TextNumber.Percent(accuracy.Estimate)} of the trials [{TextNumber.Percent(accuracy.Low)}, {TextNumber.Percent(accuracy.High)}], the one steered with a random vector in {TextNumber.Percent(placeboAccuracy.Estimate)} [{TextNumber.Percent(placeboAccuracy.Low)}, {TextNumber.Percent(placeboAccuracy.High)}]; chance is {TextNumber.Percent(chance)}. To find it takes more than chance and more than random vectors do, in {LeastDraws} draws of sentences or more; the model answers without injection in {answered} of {baseline.Count}.";
        outcome.Add(new Finding("accuracy", $"Accuracy under concepts, every place counted alike ({fitted.ChosenText}); chance is {TextNumber.Of(chance)}", accuracy));
        outcome.Add(new Finding("placebo_accuracy", $"Accuracy under random vectors of the same length ({random.ChosenText})", placeboAccuracy));
        outcome.Add(new Finding("concept_less_placebo", "Concepts less random vectors", difference, PermutationTest.Difference(fitted.Numbers, random.Numbers, settings.Seed).Probability));
        foreach ((int layer, Interval share) in swapped) outcome.Add(new Finding($"swapped_layer_{layer}", $"Accuracy where the sentence's states after layer {layer} are another sentence's (Wilson)", share));
        int broken = injected.Count(row => !row.IsFine);
        if (broken > 0) outcome.Caution($"{TextNumber.Percent((double)broken / injected.Length)} of the cells with an injection are broken and left out.");
        if (answered < baseline.Count) outcome.Caution($"The model answers without injection in {answered} of {baseline.Count} draws of sentences: all numbers come from {(answered == 1 ? "that one, and may not hold for other sentences" : "those")}.");

        outcome.Section("By layer");
        int[] layers = [.. conditions.Select(at => at.Layer).Distinct()];
        double strength = CrossFit.Best(conditions, at => CrossFit.UsableMean(concepts, at, Accuracy))?.Strength ?? settings.Strengths[0];
        Series Line(string label, string[] vectors, SeriesColor color) => new(SeriesKind.Line, label, [.. layers.Select((layer, i) => new DataPoint(i, Over([.. vectors.Select(vector => right[(vector, new(layer, strength))])], [], draws, settings with { Resamples = 500 })))]) { Color = color };
        outcome.Figure("accuracy-by-layer", new XyChart($"Accuracy by layer, strength {TextNumber.Of(strength)}", "How often the steered sentence's number rises most, with 95 % intervals over vectors and draws; the strength is the best one for concepts, so this figure flatters them.",
            new Axis("after layer") { Categories = [.. layers.Select(layer => $"{layer}")] }, new Axis("accuracy") { Minimum = 0, Maximum = 1 },
            [Line("concepts", concepts, SeriesColor.Palette), Line("random vectors", placebos, SeriesColor.Ink), new Series(SeriesKind.Points, "swapped states", [.. swapped.OrderBy(one => one.Key).Select(one => new DataPoint(Array.IndexOf(layers, one.Key), one.Value))])])
        { References = [new Reference("chance", chance)] });
        Maps.Add(outcome, context, "accuracy-map", "Accuracy under concepts", "By layer and strength.", conditions, at => CrossFit.UsableMean(concepts, at, Accuracy), "accuracy", ColorScale.Viridis);
        return outcome;
    }
}
