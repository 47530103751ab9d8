using System.Numerics.Tensors;
using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>
/// Whether the model knows what it knows: a probe and a latent for "this name exists", found on some names and tested on others, and whether steering with them turns the answer for known
/// names to unknown and for unknown ones to known (compare Ferrando et al. 2025, "Do I Know This Entity?", arXiv 2411.14257).
/// </summary>
internal static class KnownNamesExperiment
{
    private const string Probe = "probe", LatentVector = "latent", RandomName = "random";
    private const int LeastPlacebos = 5;

    /// <param name="Last">The position of its last token.</param>
    /// <param name="Tokens">How many it has.</param>
    private sealed record Name(string Text, bool IsKnown, TrialPrompt Prompt, int Last, int Tokens);

    public static ExperimentOutcome Run(ExperimentContext context)
    {
        ExperimentSettings settings = context.Settings;
        Name[] names = [.. settings.Texts("known").Select(text => Ask(context, text, true)), .. settings.Texts("unknown").Select(text => Ask(context, text, false))];
        if (names.Count(name => name.IsKnown) < 4 || names.Count(name => !name.IsKnown) < 4) throw new ArgumentException("A probe needs at least four known names and four unknown ones; give more under \"prompts:\".");
        if (names.GroupBy(name => name.Text).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new ArgumentException($"The name '{twice.Key}' is there twice; a name is known or unknown, and given once.");
        (Name[] fitting, Name[] testing) = Split(names, settings.Number("held-out"), settings.Seed);

        // The stream after each layer at each name's last token.
        Dictionary<Name, float[][]> states = names.ToDictionary(name => name, name => States(context, name));
        ExperimentOutcome outcome = new() { Unit = "names" };
        int layers = context.Model.Specification.Layers.Count;
        double[] Scores(Name[] of, bool known, int layer, float[] direction) => [.. of.Where(name => name.IsKnown == known).Select(name => (double)TensorPrimitives.Dot<float>(states[name][layer], direction))];
        Interval[] areas = new Interval[layers];
        float[][] probes = new float[layers][];
        double[] within = new double[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            float[] Fit(IEnumerable<Name> of) => LogisticProbe.Fit([.. of.Select(name => states[name][layer])], [.. of.Select(name => name.IsKnown)]);
            probes[layer] = Fit(fitting);
            areas[layer] = RankTest.AreaInterval(Scores(testing, true, layer, probes[layer]), Scores(testing, false, layer, probes[layer]), settings.Seed, settings.Resamples);
            // The layer is chosen by halves of the names that it is fitted to.
            Name[] even = [.. fitting.Where((_, i) => i % 2 == 0)], odd = [.. fitting.Where((_, i) => i % 2 == 1)];
            foreach ((Name[] train, Name[] test) in new[] { (even, odd), (odd, even) })
                if (train.Any(name => name.IsKnown) && train.Any(name => !name.IsKnown))
                    within[layer] += RankTest.Area(Scores(test, true, layer, Fit(train)), Scores(test, false, layer, Fit(train))) is var area && double.IsFinite(area) ? area / 2 : 0.25;
        }
        int best = context.Layers.MaxBy(layer => within[layer]);
        outcome.Add(new Finding("probe_area", $"Area under the ROC of the probe on held-out names, after layer {best} (chosen on the others); chance is 0.5", areas[best]));
        // Names that nobody has are often split into more tokens, which a probe could tell alone.
        double[] Lengths(bool known) => [.. testing.Where(name => name.IsKnown == known).Select(name => -(double)name.Tokens)];
        Interval lengths = RankTest.AreaInterval(Lengths(true), Lengths(false), settings.Seed, settings.Resamples);
        outcome.Add(new Finding("tokens_area", "The same of the number of tokens alone, fewer for known names", lengths));
        bool tokensTell = lengths.Estimate >= areas[best].Estimate || lengths.Contains(areas[best].Estimate);
        if (tokensTell)
            outcome.Caution($"How many tokens a name is split into tells known from unknown names about as well as the probe does ({TextNumber.Of(lengths)}): the probe may read that and not whether the name is known. Give unknown names with as many tokens.");
        outcome.Section("The probe");
        outcome.Figure("probe-by-layer", new XyChart("The probe on held-out names", "How well a probe of each layer's stream at the name's last token tells known names from unknown ones that it was not fitted to, with 95 % intervals.", new Axis("after layer"), new Axis("area under the ROC") { Minimum = 0, Maximum = 1 },
            [new Series(SeriesKind.Line, null, [.. areas.Select((area, layer) => new DataPoint(layer, area))])])
        { References = [new Reference("chance", 0.5)] });

        List<(string Name, SteeringVector Vector)> vectors = [(Probe, At(best, probes[best]))];
        if (context.Dictionary is { } dictionary && BestLatent(context, dictionary, outcome, fitting, testing) is { } latent) vectors.Add((LatentVector, latent));
        for (int i = 0; i < Math.Max(LeastPlacebos, settings.Placebos); i++) vectors.Add(($"{RandomName} {i}", RandomVectors.Like(vectors[0].Vector, unchecked(settings.Seed * 1_000_003 + i))));
        Steer(context, outcome, names, vectors, areas[best], tokensTell);
        return outcome;
    }

    internal static string VerdictOf(bool tells, bool tokensTell, bool steers) =>
        (tells ? tokensTell ? "Names are told apart, but perhaps by their number of tokens" : "It knows" : "It is not shown to know") + (steers ? ", and says what it is steered to" : ", and steering is not shown to turn its answer");

    private static SteeringVector At(int layer, float[] direction) => new([KeyValuePair.Create(layer, direction)]);

    private static Name Ask(ExperimentContext context, string name, bool isKnown)
    {
        ExperimentSettings settings = context.Settings;
        string question = settings.Text("ask").Replace("{name}", name, StringComparison.Ordinal);
        if (!question.Contains(name, StringComparison.Ordinal)) throw new ArgumentException("The question of known-names has no {name} in it.");
        ComposedPrompt composed = PromptTexts.Compose(context, settings.Text("template"), "", ("context", settings.Text("context")), ("question", question));
        // The name is looked for within the question.
        List<(string, string)> marked = [.. composed.Parts.TakeWhile(part => part.Name != "question")];
        int at = question.IndexOf(name, StringComparison.Ordinal);
        if (at > 0) marked.Add(("before", question[..at]));
        marked.Add(("name", name));
        TrialPrompt prompt = TrialPrompt.Create(context.Model.Prompts, name, composed.Text, marked, [new AnswerOption("yes", settings.Yes), new AnswerOption("no", settings.No)], composed.IsRendered);
        PositionRange place = prompt.Positions("name");
        int last = place.Last ?? prompt.AnswerPosition;
        return new Name(name, isKnown, prompt, last, last - place.First + 1);
    }

    private static (Name[] Fitting, Name[] Testing) Split(Name[] names, double heldOut, int seed)
    {
        List<Name> fitting = [], testing = [];
        foreach (bool known in new[] { true, false })
        {
            Name[] own = [.. names.Where(name => name.IsKnown == known)];
            new Random(seed).Shuffle(own);
            int test = Math.Clamp((int)Math.Round(own.Length * heldOut), 1, own.Length - 2);
            testing.AddRange(own[..test]);
            fitting.AddRange(own[test..]);
        }
        return ([.. fitting], [.. testing]);
    }

    private static float[][] States(ExperimentContext context, Name name)
    {
        float[][] states = new float[context.Model.Specification.Layers.Count][];
        ForwardHooks reading = new();
        for (int layer = 0; layer < states.Length; layer++) reading.Add(HookPoint.ResidPost, layer, (stream, at) => states[at.Layer] = stream.Row(name.Last).ToArray());
        context.Model.Transformer.Forward(name.Prompt.Tokens[..(name.Last + 1)], reading, logits: LogitRows.None, cancellation: context.Cancellation);
        return states;
    }

    /// <summary>The latent that tells the fitting names apart best, and how it does on the others.</summary>
    private static SteeringVector? BestLatent(ExperimentContext context, TranscoderSet dictionary, ExperimentOutcome outcome, Name[] fitting, Name[] testing)
    {
        Dictionary<Name, IReadOnlyDictionary<LatentId, double>> active = fitting.Concat(testing).ToDictionary(name => name,
            name => LatentReadings.Read(context, dictionary, name.Prompt.Tokens[..(name.Last + 1)], null, 0, new PositionRange(name.Last, name.Last), context.Cancellation).AtAnswer);
        double Area(Name[] names, LatentId id)
        {
            double[] Of(bool known) => [.. names.Where(name => name.IsKnown == known).Select(name => active[name].GetValueOrDefault(id))];
            return RankTest.Area(Of(true), Of(false));
        }
        LatentId[] all = [.. fitting.SelectMany(name => active[name].Keys).Distinct().OrderBy(id => id.Layer).ThenBy(id => id.Feature)];
        if (all.Length == 0) return null;
        LatentId best = all.MaxBy(id => Math.Abs(Area(fitting, id) - 0.5));
        bool known = Area(fitting, best) >= 0.5;
        double[] Values(bool isKnown) => [.. testing.Where(name => name.IsKnown == isKnown).Select(name => active[name].GetValueOrDefault(best))];
        outcome.Add(new Finding("latent_area", $"Area under the ROC of latent {best}, the best of {all.Length} on the other names, on held-out names; it fires on {(known ? "known" : "unknown")} ones",
            known ? RankTest.AreaInterval(Values(true), Values(false), context.Settings.Seed) : RankTest.AreaInterval(Values(false), Values(true), context.Settings.Seed)));
        SteeringVector vector = LatentVectors.Make(dictionary, [(best.Layer, best.Feature, known ? 1 : -1)]);
        return vector.At([best.Layer]);
    }

    private static void Steer(ExperimentContext context, ExperimentOutcome outcome, Name[] names, List<(string Name, SteeringVector Vector)> vectors, Interval area, bool tokensTell)
    {
        ExperimentSettings settings = context.Settings;
        TrialSweep sweep = new(context, "cells", ["name", "known", "vector", "sign", "strength"], QuestionSet.Options);
        for (int i = 0; i < names.Length; i++)
        {
            sweep.Add(names[i].Prompt, null, 2 * i, names[i].Text, names[i].IsKnown ? 1 : 0, "", 0, 0.0);
            foreach ((string vectorName, SteeringVector vector) in vectors)
                foreach (int sign in new[] { -1, 1 })
                    foreach (double each in settings.Strengths)
                        sweep.Add(names[i].Prompt, new Steering([.. vector.Directions.Select(one => new Addition(one.Key, one.Value, (float)(sign * each), new PositionRange(names[i].Last, null), settings.Unit))]),
                            2 * i + 1, names[i].Text, names[i].IsKnown ? 1 : 0, vectorName, sign, each);
        }
        IReadOnlyList<SweepRow> rows = sweep.Run();
        double LogOdds(SweepRow row) => row.IsFine ? row["yes"] - row["no"] : double.NaN;
        Dictionary<string, double> without = rows.Where(row => row.Integer("sign") == 0).ToDictionary(row => row.Text("name"), LogOdds);
        double strength = settings.Strengths.Order().ElementAt(settings.Strengths.Count / 2);
        double[] Of(bool known) => SeparationReport.Finite(names.Where(name => name.IsKnown == known).Select(name => without[name.Text]));
        Interval answers = RankTest.AreaInterval(Of(true), Of(false), settings.Seed, settings.Resamples);
        outcome.Add(new Finding("answer_area", "Area under the ROC of the model's own answer (yes less no) for known against unknown names, without steering", answers));

        // Known names are pushed towards no, unknown ones towards yes.
        IEnumerable<SweepRow> Pushed(string vector, bool known, double at) => rows.Where(row => row.Text("vector") == vector && row.Integer("known") == (known ? 1 : 0) && row.Integer("sign") == (known ? -1 : 1) && row.Number("strength") == at);
        double[] Moves(string vector, double at) => SeparationReport.Finite(new[] { true, false }.SelectMany(known => Pushed(vector, known, at).Select(row => (known ? -1 : 1) * (LogOdds(row) - without[row.Text("name")]))));
        string[] placebos = [.. vectors.Select(vector => vector.Name).Where(name => name.StartsWith(RandomName, StringComparison.Ordinal))], own = [.. vectors.Select(vector => vector.Name).Except(placebos)];
        // A random vector points nowhere: how far it moves answers, whichever way.
        double[] Sizes(double at) => [.. placebos.Select(name => Math.Abs(Descriptive.Mean(Moves(name, at))))];
        double[] sham = SeparationReport.Finite(Sizes(strength));
        Interval Flips(IEnumerable<string> names, bool known)
        {
            SweepRow[] able = [.. names.SelectMany(name => Pushed(name, known, strength)).Where(row => row.IsFine && (without[row.Text("name")] > 0) == known)];
            return Proportion.Wilson(able.Count(row => LogOdds(row) > 0 != known), able.Length);
        }
        Interval move = Interval.Unknown;
        foreach (string vector in own)
        {
            Interval moved = Bootstrap.Mean(Moves(vector, strength), settings.Seed, settings.Resamples);
            if (vector == Probe) move = moved;
            outcome.Add(new Finding($"move_{vector}", $"How far steering with the {vector} vector at strength {TextNumber.Of(strength)} moves answers the way it points, in log-odds", moved));
        }
        outcome.Add(new Finding("move_random", $"The same of {placebos.Length} random vectors, whichever way each moves them (mean; interval over vectors; the largest is {TextNumber.Of(sham.DefaultIfEmpty(double.NaN).Max())})", Bootstrap.Mean(sham, settings.Seed, settings.Resamples)));
        foreach (bool known in new[] { true, false })
        {
            string what = known ? "known names, answered yes, that turn to no" : "unknown names, answered no, that turn to yes", kind = known ? "known" : "unknown";
            if (!names.Any(name => name.IsKnown == known && (without[name.Text] > 0) == known))
            {
                outcome.Caution($"Without steering the model answers {(known ? "no known name with yes" : "no unknown name with no")}, so that it cannot be seen whether steering turns {(known ? "yes to no" : "no to yes")}.");
                continue;
            }
            foreach (string vector in own) outcome.Add(new Finding($"flips_{vector}_{kind}", $"Share of {what} ({vector})", Flips([vector], known)));
            outcome.Add(new Finding($"flips_random_{kind}", $"Share of {what} (all random vectors, either way)", Flips(placebos, known)));
        }
        bool steers = !double.IsNaN(move.Low) && move.Low > sham.DefaultIfEmpty(0).Max() && move.Low > 0;
        outcome.Verdict = VerdictOf(area.IsAbove(0.5), tokensTell, steers);
        outcome.Summary = $"A probe tells held-out names apart with an area of {TextNumber.Of(area)} (chance 0.5){(tokensTell ? ", but so does the number of tokens alone" : "")}; steering with it moves answers by {TextNumber.Of(move)} in log-odds, and {placebos.Length} random vectors of the same length by up to {TextNumber.Of(sham.DefaultIfEmpty(double.NaN).Max())}. To know takes an interval above 0.5 and more than the number of tokens tells, to be steered one above every random vector.";
        if (answers.Contains(0.5)) outcome.Caution("Without steering the model's own answers do not tell known from unknown names: it may not understand the question.");

        outcome.Section("Steering");
        double[] strengths = [.. settings.Strengths.Order()];
        outcome.Figure("moves", new XyChart("How far answers move the way that the vector points", "Known names steered towards unknown and unknown ones towards known, with 95 % intervals over names; random vectors one line each.", Maps.StrengthAxis(settings), new Axis("log-odds"),
            [
                .. own.Select(vector => new Series(SeriesKind.Line, vector, [.. strengths.Select(at => new DataPoint(at, Bootstrap.Mean(Moves(vector, at), settings.Seed, 500)))])),
                .. placebos.Select((vector, i) => new Series(SeriesKind.Line, i == 0 ? "random vectors" : null, [.. strengths.Select(at => new DataPoint(at, Descriptive.Mean(Moves(vector, at))))]) { Color = SeriesColor.Faint }),
            ])
        { References = [new Reference("no move", 0)] });
    }
}
