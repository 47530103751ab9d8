namespace Microtome.Experiments;

/// <summary>Which thought was injected, by log-probabilities: the injected concept among others, every rotation of the options, against sham injections of random vectors.</summary>
internal static class WhichThoughtExperiment
{
    private const string Target = "target", Sham = "sham";

    public static ExperimentOutcome Run(ExperimentContext context)
    {
        ExperimentSettings settings = context.Settings;
        InjectedVector[] concepts = [.. context.Vectors.Where(vector => !vector.IsPlacebo)];
        int options = Math.Min((int)settings.Number("options"), concepts.Length), draws = (int)settings.Number("draws");
        if (concepts.Length < 2) throw new ArgumentException("There is only one concept; to choose among concepts takes two or more.");

        TrialSweep sweep = new(context, "cells", ["concept", "draw", "rotation", "injected", "layer", "strength"], [.. Enumerable.Range(0, options).Select(i => i == 0 ? "target" : $"other_{i}")]);
        int group = 0;
        for (int i = 0; i < concepts.Length; i++)
        {
            SteeringVector sham = RandomVectors.Like(concepts[i].Vector, unchecked(settings.Seed * 1_000_003 + 7919 * (i + 1)));
            for (int draw = 0; draw < draws; draw++)
            {
                string[] others = [.. concepts.Where((_, j) => j != i).Select(concept => concept.Name)];
                new Random(HashCode(settings.Seed, i, draw)).Shuffle(others);
                string[] chosen = [concepts[i].Name, .. others.Take(options - 1)];
                string[] shown = [.. chosen];
                new Random(HashCode(settings.Seed, i, draw) + 1).Shuffle(shown);
                for (int rotation = 0; rotation < options; rotation++)
                {
                    TrialPrompt prompt = Prompt(context, concepts[i].Name, chosen, [.. Enumerable.Range(0, options).Select(k => shown[(k + rotation) % options])]);
                    PositionRange positions = prompt.Positions(settings.Positions ?? "question-");
                    sweep.Add(prompt, null, group++, concepts[i].Name, draw, rotation, InjectedVector.NoKind, -1, 0.0);
                    foreach (int layer in context.Layers)
                    {
                        foreach (double strength in settings.Strengths)
                        {
                            sweep.Add(prompt, concepts[i].At(layer, strength, positions, settings.Unit), group, concepts[i].Name, draw, rotation, Target, layer, strength);
                            sweep.Add(prompt, (concepts[i] with { Vector = sham }).At(layer, strength, positions, settings.Unit), group, concepts[i].Name, draw, rotation, Sham, layer, strength);
                        }
                        group++;
                    }
                }
            }
        }
        return Describe(context, sweep.Run(), options);
    }

    private static int HashCode(int seed, int concept, int draw) => unchecked((seed * 31 + concept) * 1009 + draw);

    /// <param name="order">The options as they are shown.</param>
    private static TrialPrompt Prompt(ExperimentContext context, string name, string[] options, string[] order)
    {
        ExperimentSettings settings = context.Settings;
        string question = settings.Text("ask").Replace("{options}", string.Join(", ", order), StringComparison.Ordinal);
        ComposedPrompt composed = PromptTexts.Compose(context, settings.Text("template"), "", ("context", settings.Text("context")), ("question", question));
        bool words = context.Model.Prompts.HasTokenizer;
        return TrialPrompt.Create(context.Model.Prompts, $"{name} among {string.Join(", ", order)}", composed.Text, composed.Parts, [.. options.Select(option => new AnswerOption(option, words ? [$" {option}", option] : [option]))], composed.IsRendered);
    }

    private static ExperimentOutcome Describe(ExperimentContext context, IReadOnlyList<SweepRow> rows, int options)
    {
        ExperimentSettings settings = context.Settings;
        string[] others = [.. Enumerable.Range(1, options - 1).Select(i => $"other_{i}")];
        double LogOdds(SweepRow row) => row.IsFine ? row["target"] - Descriptive.LogSumExp([.. others.Select(name => row[name])]) : double.NaN;
        string[] concepts = [.. rows.Select(row => row.Text("concept")).Distinct()];
        Dictionary<(string, string, InjectionCondition), double> means = rows.GroupBy(row => (row.Text("concept"), row.Text("injected"), new InjectionCondition(row.Integer("layer"), row.Number("strength"))))
            .ToDictionary(group => group.Key, group => Descriptive.Mean([.. group.Select(LogOdds)]));
        InjectionCondition[] conditions = [.. means.Keys.Select(key => key.Item3).Where(at => at.Layer >= 0).Distinct().OrderBy(at => at.Layer).ThenBy(at => at.Strength)];
        double Of(string concept, string injected, InjectionCondition at) => means.TryGetValue((concept, injected, at), out double value) ? value : double.NaN;
        double Gain(string concept, InjectionCondition at) => Of(concept, Target, at) - Of(concept, Sham, at);
        CrossFitted gains = CrossFit.Measure(concepts, conditions, Gain, settings.Seed);

        // Of each concept: whether it is the most probable option, rotations and draws averaged, where its gain was measured.
        bool Names(string concept, string injected, InjectionCondition at)
        {
            SweepRow[] own = [.. rows.Where(row => row.IsFine && row.Text("concept") == concept && row.Text("injected") == injected && (injected == InjectedVector.NoKind || (row.Integer("layer") == at.Layer && row.Number("strength") == at.Strength)))];
            return own.Length > 0 && own.Count(row => others.All(name => row["target"] > row[name])) * 2 > own.Length;
        }
        Interval Share(string injected) => Proportion.Wilson(gains.Values.Count(value => Names(value.Vector, injected, value.At)), gains.Values.Count);
        Interval gain = Bootstrap.Mean(gains.Numbers, settings.Seed, settings.Resamples);
        PermutationResult test = PermutationTest.Paired(gains.Numbers, settings.Seed);

        ExperimentOutcome outcome = new() { Unit = "concepts", IsCrossFitted = true };
        bool raises = gain.IsAbove(0) && test.Probability < 0.05, knows = raises && Share(Target).IsAbove(1.0 / options);
        outcome.Verdict = double.IsNaN(gain.Estimate) ? "Unknown" : knows ? "It knows" : raises ? "It leans towards it" : "It does not know";
        outcome.Summary = double.IsNaN(gain.Estimate) ? "There are too few injections under which the model still answers."
            : $"Injecting a concept {(raises ? "raises" : "does not reliably raise")} its log-odds among {options} options over a random vector of the same length: {TextNumber.Of(gain)} (p {TextNumber.Probability(test.Probability)}, {gains.ChosenText}). Such a rise may come from the word being more probable whatever is asked; what tells is that it becomes the answer.";
        outcome.Add(new Finding("gain", $"Log-odds of the injected concept, injected less sham, all rotations averaged ({gains.ChosenText}); p by permutation of signs", gain, test.Probability));
        outcome.Add(new Finding("named", $"Share of concepts that become the answer in most rotations; chance is {TextNumber.Percent(1.0 / options)}", Share(Target)));
        outcome.Add(new Finding("named_sham", "The same under sham injections", Share(Sham)));
        outcome.Add(new Finding("named_without", "The same without injection", Share(InjectedVector.NoKind)));
        int broken = rows.Count(row => !row.IsFine);
        if (broken > 0) outcome.Caution($"{TextNumber.Percent((double)broken / rows.Count)} of the cells are broken and left out.");
        string[] unmeasured = [.. concepts.Except(gains.Values.Select(value => value.Vector))];
        if (unmeasured.Length > 0) outcome.Caution($"Not measured, because the model is broken under them there: {string.Join(", ", unmeasured)}.");
        if (concepts.Length < 8) outcome.Caution($"There are only {concepts.Length} concepts.");

        outcome.Section("By layer and strength");
        Maps.Add(outcome, context, "gain-map", "Gain of the injected concept", "Mean over concepts of the log-odds of the injected concept, injected less sham.", conditions, at => CrossFit.UsableMean(concepts, at, Gain), "log-odds");
        int best = gains.Chosen.Count > 0 ? gains.Chosen[0].Layer : context.Layers[0];
        double[] strengths = [.. conditions.Select(at => at.Strength).Distinct()];
        outcome.Figure("gain-by-strength", new XyChart($"Gain after layer {best}", "One line a concept: how much more probable the injected concept becomes than under a random vector.", Maps.StrengthAxis(settings), new Axis("log-odds, injected less sham"),
        [
            .. concepts.Select(concept => new Series(SeriesKind.Line, concepts.Length <= 12 ? concept : null, [.. strengths.Select(strength => new DataPoint(strength, Gain(concept, new(best, strength)), Text: concept))])),
        ])
        { References = [new Reference("no gain", 0)], Height = 420 });
        outcome.Table(["concept", ">gain", ">layer", ">strength"], gains.Values.OrderByDescending(value => value.Value).Select(value => new[] { value.Vector, TextNumber.Of(value.Value), $"{value.At.Layer}", TextNumber.Of(value.At.Strength) }), "Every concept, at the layer and strength chosen on the other half");
        return outcome;
    }
}
