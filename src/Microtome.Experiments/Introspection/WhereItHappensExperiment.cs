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
        ExperimentOutcome outcome = new() { Verdict = "A map" };

        InjectedVector?[] trials = [null, .. context.Vectors];
        Steering? Change(InjectedVector? vector) => vector?.At(layer, strength, ask.Positions, settings.Unit);
        int turn = Lens(context, outcome, ask, trials, Change);
        List<(int Layer, int Head, double Change)> heads = Attention(context, outcome, ask, trials, Change);
        double shift = Ablations(context, outcome, questions, ask, heads, Change);
        if (context.Dictionary is { } dictionary)
        {
            RespondingLatents.Describe(context, outcome, dictionary, ask, layer, strength);
            Graph(context, outcome, dictionary, ask, Change(context.Vectors[0])!);
        }
        else outcome.Caution("There is no dictionary, so that latents and the attribution graph were not looked at; give one with --dictionary.");
        outcome.Summary = $"With vectors added after layer {layer} at strength {TextNumber.Of(strength)}, the log-odds of yes to \"{ask.Prompt.Name}\" shift by {TextNumber.Of(shift)} on average under concepts; " +
            (turn < 0 ? "through the layers, concepts do not differ from random vectors." : $"in the logit lens concepts first differ from random vectors after layer {turn}.");
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

    private static List<(int Layer, int Head, double Change)> Attention(ExperimentContext context, ExperimentOutcome outcome, YesNoQuestion ask, InjectedVector?[] trials, Func<InjectedVector?, Steering?> change)
    {
        ModelSpecification model = context.Model.Specification;
        int layers = model.Layers.Count, heads = model.Attention.Heads, each = layers * heads;
        (string Name, int? Token)[] prefills = [("none", null), ("yes", ask.Prompt.Options.FirstTokensOf(0)[0]), ("no", ask.Prompt.Options.FirstTokensOf(1)[0])];
        SweepTable table = new("attention", ["prefill", "vector", "kind", "layer", "head"], ["attention"]);
        SweepCell[] cells = [.. prefills.SelectMany((prefill, p) => trials.SelectMany((vector, i) => Enumerable.Range(0, each).Select(k =>
            table.Cell(p * trials.Length + i, prefill.Name, vector?.Name ?? "", vector?.Kind ?? InjectedVector.NoKind, k / heads, k % heads))))];
        IReadOnlyList<SweepRow> rows = Sweep.Run(context.Store, table, cells, each, (ordinals, cancellation) =>
        {
            int run = ordinals[0] / each;
            int[] tokens = prefills[run / trials.Length].Token is { } token ? [.. ask.Prompt.Tokens, token] : ask.Prompt.Tokens;
            double[,] attention = AttentionToInjection(context, tokens, ask.Positions, change(trials[run % trials.Length]));
            return [.. ordinals.Select(ordinal => new CellResult([attention[ordinal % each / heads, ordinal % heads]]))];
        }, context.Progress("attention"), context.Cancellation);
        SweepStore.WriteJsonLines(Path.Combine(context.Folder, "attention.jsonl"), table, rows);

        outcome.Section("Attention from the answer to the injected positions");
        outcome.Paragraph("For every head: the attention from the answer's position to the positions where vectors are added, under concepts less without injection; and the same with each answer already there, from that answer's position.");
        List<(int, int, double)> found = [];
        foreach ((string name, int? _) in prefills)
        {
            ILookup<(string, int, int), double> values = rows.Where(row => row.Text("prefill") == name).ToLookup(row => (row.Text("kind"), row.Integer("layer"), row.Integer("head")), row => row["attention"]);
            double[,] map = new double[layers, heads];
            for (int layer = 0; layer < layers; layer++)
                for (int head = 0; head < heads; head++)
                {
                    map[layer, head] = values[(InjectedVector.ConceptKind, layer, head)].Average() - values[(InjectedVector.NoKind, layer, head)].Average();
                    if (name == "none") found.Add((layer, head, map[layer, head]));
                }
            outcome.Figure(name == "none" ? "attention" : $"attention-{name}", new HeatMap(name == "none" ? "Attention to the injection" : $"Attention to the injection, answered {name}", "Attention to the injected positions, under concepts less without injection, a mean over concepts.",
                new Axis("head") { Categories = [.. Enumerable.Range(0, heads).Select(head => $"{head}")] }, new Axis("layer"), map, "attention")
            { Scale = ColorScale.Diverging, Height = Math.Clamp(140 + 24 * layers, 240, 900) });
        }
        return [.. found.Where(one => double.IsFinite(one.Item3)).OrderByDescending(one => Math.Abs(one.Item3))];
    }

    /// <summary>The attention of the last position to some positions, by layer and head.</summary>
    private static double[,] AttentionToInjection(ExperimentContext context, int[] tokens, PositionRange positions, Steering? change)
    {
        ModelSpecification model = context.Model.Specification;
        double[,] attention = new double[model.Layers.Count, model.Attention.Heads];
        ForwardHooks hooks = change?.Hooks(model) ?? new ForwardHooks();
        for (int layer = 0; layer < model.Layers.Count; layer++)
            hooks.Add(HookPoint.AttentionPattern, layer, (patterns, at) =>
            {
                for (int head = 0; head < model.Attention.Heads; head++)
                {
                    ReadOnlySpan<float> last = patterns.Slice(head).Row(patterns.Slice(head).Rows - 1);
                    for (int key = 0; key < last.Length; key++)
                        if (positions.Contains(key)) attention[at.Layer, head] += last[key];
                }
            });
        context.Model.Transformer.Forward(tokens, hooks, logits: LogitRows.None, cancellation: context.Cancellation);
        return attention;
    }

    /// <returns>The mean shift of the introspective question under concepts, with nothing taken out.</returns>
    private static double Ablations(ExperimentContext context, ExperimentOutcome outcome, IReadOnlyList<YesNoQuestion> questions, YesNoQuestion ask, List<(int Layer, int Head, double Change)> heads, Func<InjectedVector?, Steering?> change)
    {
        ExperimentSettings settings = context.Settings;
        InjectedVector[] concepts = [.. context.Vectors.Where(vector => !vector.IsPlacebo)];
        List<(string What, ForwardHooks? Hooks, SteeringEdit? Edit)> taken = [("nothing", null, null)];
        foreach ((int layer, int head, double _) in heads.Take((int)settings.Number("top")))
        {
            int width = context.Model.Specification.Attention.HeadWidth;
            taken.Add(($"head {layer}.{head}", new ForwardHooks().Add(HookPoint.HeadOutput, layer, (output, _) =>
            {
                for (int row = 0; row < output.Rows; row++) output.Row(row).Slice(head * width, width).Clear();
            }), null));
        }
        if (NoDirection(context, questions) is { } no)
        {
            int[] all = [.. Enumerable.Range(0, context.Model.Specification.Layers.Count)];
            taken.Add(("the direction of \"no\"", null, new Ablation(all, true, no, PositionRange.All)));
            taken.Add(("a random direction", null, new Ablation(all, true, RandomVectors.Make(no.Length, [KeyValuePair.Create(0, 1f)], settings.Seed + 77)[0], PositionRange.All)));
        }
        TrialSweep sweep = new(context, "ablations", ["taken_out", ShiftTable.VectorFactor], QuestionSet.Options);
        for (int i = 0; i < taken.Count; i++)
        {
            (string what, ForwardHooks? hooks, SteeringEdit? edit) = taken[i];
            Steering? With(Steering? steering) => edit is null ? steering : new Steering([.. steering?.Edits ?? [], edit]);
            sweep.Add(ask.Prompt, With(null), hooks, i, what, "");
            foreach (InjectedVector concept in concepts) sweep.Add(ask.Prompt, With(change(concept)), hooks, i, what, concept.Name);
        }
        ILookup<string, double> answers = sweep.Run().ToLookup(row => row.Text("taken_out"), row => row.IsFine ? row["yes"] - row["no"] : double.NaN);
        double[] Shifts(string what) => [.. answers[what].Skip(1).Select(logOdds => logOdds - answers[what].First())];
        double[] whole = Shifts("nothing");
        List<(string What, Interval Effect)> effects = [.. taken.Skip(1).Select(one => (one.What, Bootstrap.Mean(SeparationReport.Finite(Shifts(one.What).Zip(whole, (with, without) => with - without)), settings.Seed, settings.Resamples)))];
        outcome.Section("Taken out");
        outcome.Paragraph("How much the shift of the introspective question under concepts changes when a head's output is set to zero, for the heads whose attention to the injection changes most, or when a direction is taken out of everything that is written to the stream: the difference of false and true control questions' states at the answer, and a random one.");
        outcome.Figure("ablations", new XyChart("Change of the shift when something is taken out", "Below zero: what was taken out carried the report. 95 % intervals over concepts.", new Axis("taken out") { Categories = [.. effects.Select(effect => effect.What)] }, new Axis("log-odds of yes"),
            [new Series(SeriesKind.Bars, null, [.. effects.Select((effect, i) => new DataPoint(i, effect.Effect, effect.What))])]));
        Interval shift = Bootstrap.Mean(SeparationReport.Finite(whole), settings.Seed, settings.Resamples);
        outcome.Add(new Finding("shift", "Shift of the introspective question's log-odds of yes under concepts", shift));
        foreach ((string what, Interval effect) in effects) outcome.Add(new Finding("without_" + what.Replace(' ', '_').Replace("\"", "", StringComparison.Ordinal), $"Change of that shift without {what}", effect));
        return shift.Estimate;
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

    private static void Graph(ExperimentContext context, ExperimentOutcome outcome, TranscoderSet dictionary, YesNoQuestion ask, Steering change)
    {
        context.Report("attribution graph", null);
        int yes = ask.Prompt.Options.FirstTokensOf(0)[0], no = ask.Prompt.Options.FirstTokensOf(1)[0];
        AttributionOptions options = new() { Targets = [new TargetRequest(yes, no, "yes − no")], MaximumFeatures = 2000, Steering = change.Hooks(context.Model.Specification) };
        AttributionGraph graph = Attributor.Attribute(new ReplacementModel(context.Model.Transformer, dictionary), ask.Prompt.Tokens, options, context.Model.Prompts.TextOf, cancellation: context.Cancellation)
            with
        { Origin = new GraphOrigin(context.Model.Name, dictionary.Name, ask.Prompt.Text) };
        PrunedGraph pruned = PrunedGraph.Prune(graph, cancellation: context.Cancellation);
        AtomicFile.Write(Path.Combine(context.Folder, "graph.json"), stream => GraphJson.Write(pruned, "yes-no", stream));

        string Name(int node) => graph.IsInjection(node) ? $"injection after layer {graph.LayerOf(node)} at {graph.PositionOf(node)}"
            : node < graph.FirstError ? $"latent {graph.Feature(node).Layer}:{graph.Feature(node).Feature} at {graph.PositionOf(node)} \"{graph.TokenTexts[graph.PositionOf(node)]}\""
            : node < graph.FirstToken ? $"error of layer {graph.LayerOf(node)} at {graph.PositionOf(node)}" : $"token \"{graph.TokenTexts[graph.PositionOf(node)]}\"";
        ReadOnlySpan<float> direct = graph.Edges.Row(graph.FeatureCount);
        double total = 0, injected = 0;
        for (int source = 0; source < direct.Length; source++)
        {
            total += Math.Abs(direct[source]);
            if (graph.IsInjection(source)) injected += Math.Abs(direct[source]);
        }
        float[] effects = direct.ToArray();
        outcome.Section("The attribution graph of yes − no under injection");
        outcome.Paragraph($"Under \"{context.Vectors[0].Name}\": what the logit of yes less no is made of, linearly, in the prompt's local replacement model. The pruned graph is graph.json, for viewers of attribution graphs.");
        outcome.Table(["source", ">direct effect on yes − no", ">influence"], Enumerable.Range(0, effects.Length).OrderByDescending(source => Math.Abs(effects[source])).Take(15).Select(source => new[] { Name(source), TextNumber.Of(effects[source]), TextNumber.Of(pruned.Influence[source]) }));
        outcome.Add(new Finding("graph_injection_share", "Share of the direct effects on yes − no that comes straight from the injected vector", new Interval(total == 0 ? double.NaN : injected / total, double.NaN, double.NaN)));
    }
}
