using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>Attention from the answer to the injected positions for every head, with and without injection, and with each answer already there.</summary>
internal static class HeadAttention
{
    private const int Shown = 10;

    /// <returns>The heads, those first whose attention to the injection changes most under concepts.</returns>
    public static IReadOnlyList<(int Layer, int Head)> Describe(ExperimentContext context, ExperimentOutcome outcome, YesNoQuestion ask, InjectedVector?[] trials, Func<InjectedVector?, Steering?> change)
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
            double[,] attention = ToInjection(context, tokens, ask.Positions, change(trials[run % trials.Length]));
            return [.. ordinals.Select(ordinal => new CellResult([attention[ordinal % each / heads, ordinal % heads]]))];
        }, context.Progress("attention"), context.Cancellation);
        SweepStore.WriteJsonLines(Path.Combine(context.Folder, "attention.jsonl"), table, rows);

        ILookup<(string, string, int, int), double> values = rows.ToLookup(row => (row.Text("prefill"), row.Text("kind"), row.Integer("layer"), row.Integer("head")), row => row["attention"]);
        double[] Changes(string prefill, string kind, int layer, int head)
        {
            double without = values[(prefill, InjectedVector.NoKind, layer, head)].Single();
            return SeparationReport.Finite(values[(prefill, kind, layer, head)].Select(value => value - without));
        }
        outcome.Section("Attention from the answer to the injected positions");
        outcome.Paragraph("For every head: the attention from the answer's position to the positions where vectors are added, under vectors less without injection; and the same with each answer already there, from that answer's position.");
        Axis columns = new("head") { Categories = [.. Enumerable.Range(0, heads).Select(head => $"{head}")] };
        void Map(string name, string title, string prefill, string kind, string vectors)
        {
            double[,] map = new double[layers, heads];
            for (int layer = 0; layer < layers; layer++)
                for (int head = 0; head < heads; head++) map[layer, head] = Descriptive.Mean(Changes(prefill, kind, layer, head));
            outcome.Figure(name, new HeatMap(title, $"Attention to the injected positions, under {vectors} less without injection, a mean over {vectors}.", columns, new Axis("layer"), map, "attention") { Scale = ColorScale.Diverging, Height = Math.Clamp(140 + 24 * layers, 240, 900) });
        }
        Map("attention", "Attention to the injection", "none", InjectedVector.ConceptKind, "concepts");
        if (context.Settings.Placebos > 0) Map("attention-random", "Attention to the injection of random vectors", "none", InjectedVector.PlaceboKind, "random vectors");
        foreach ((string name, int? _) in prefills.Skip(1)) Map($"attention-{name}", $"Attention to the injection, answered {name}", name, InjectedVector.ConceptKind, "concepts");

        (int Layer, int Head)[] ranked = [.. Enumerable.Range(0, each).Select(k => (Layer: k / heads, Head: k % heads)).Where(at => Array.Exists(Changes("none", InjectedVector.ConceptKind, at.Layer, at.Head), change => change != 0))
            .OrderByDescending(at => Math.Abs(Descriptive.Mean(Changes("none", InjectedVector.ConceptKind, at.Layer, at.Head))))];
        (int seed, int resamples) = (context.Settings.Seed, context.Settings.Resamples);
        outcome.Table(["head", ">change under concepts", ">under random vectors", ">concepts less random"], ranked.Take(Shown).Select(at =>
        {
            double[] concepts = Changes("none", InjectedVector.ConceptKind, at.Layer, at.Head), placebos = Changes("none", InjectedVector.PlaceboKind, at.Layer, at.Head);
            return new[] { $"{at.Layer}.{at.Head}", TextNumber.Of(Bootstrap.Mean(concepts, seed, resamples)), placebos.Length == 0 ? "" : TextNumber.Of(Bootstrap.Mean(placebos, seed, resamples)), placebos.Length == 0 ? "" : TextNumber.Of(Bootstrap.Difference(concepts, placebos, seed, resamples)) };
        }), $"The heads whose attention to the injection changes most, of {each:N0}");
        return ranked;
    }

    /// <summary>The attention of the last position to some positions, by layer and head.</summary>
    private static double[,] ToInjection(ExperimentContext context, int[] tokens, PositionRange positions, Steering? change)
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
}
