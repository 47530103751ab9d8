using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>The attribution graph of yes − no under injection, of the first concept and of the first random vector.</summary>
internal static class InjectionGraph
{
    private const int Shown = 15;

    public static void Describe(ExperimentContext context, ExperimentOutcome outcome, TranscoderSet dictionary, YesNoQuestion ask, Func<InjectedVector?, Steering?> change)
    {
        context.Report("attribution graph", null);
        InjectedVector concept = context.Vectors[0];
        InjectedVector? placebo = context.Vectors.FirstOrDefault(vector => vector.IsPlacebo);
        AttributionGraph graph = Attribute(context, dictionary, ask, change(concept)!);
        PrunedGraph pruned = PrunedGraph.Prune(graph, cancellation: context.Cancellation);
        AtomicFile.Write(Path.Combine(context.Folder, "graph.json"), stream => GraphJson.Write(pruned, "yes-no", stream));

        outcome.Section("The attribution graph of yes − no under injection");
        outcome.Paragraph($"What the logit of yes less no is made of, linearly, in the prompt's local replacement model: below, of one concept and one random vector, how much of the absolute direct effects, and of what has led to the answer through anything else too, comes from where. What comes from errors is what the dictionary does not explain. The pruned graph under \"{concept.Name}\" is graph.json, for viewers of attribution graphs.");
        List<string[]> shares = [];
        foreach ((InjectedVector vector, AttributionGraph one, PrunedGraph whole) in new[] { (concept, graph, pruned) }.Concat(placebo is null ? [] : [Pair(placebo)]))
        {
            float[] direct = one.Edges.Row(one.FeatureCount).ToArray();
            double Direct(Func<int, bool> of) => Enumerable.Range(0, direct.Length).Where(of).Sum(source => Math.Abs((double)direct[source])) / Math.Max(direct.Sum(effect => Math.Abs((double)effect)), 1e-30);
            double[] influence = [.. whole.Influence];
            double[] roots = [.. Enumerable.Range(0, direct.Length).Select(source => source >= one.FirstError ? influence[source] : 0)];
            double Through(Func<int, bool> of) => Enumerable.Range(0, roots.Length).Where(of).Sum(source => roots[source]) / Math.Max(roots.Sum(), 1e-30);
            bool IsError(int node) => node >= one.FirstError && node < one.FirstToken;
            shares.Add([vector.Name, TextNumber.Percent(Direct(one.IsInjection)), TextNumber.Percent(Direct(IsError)), TextNumber.Percent(Through(one.IsInjection)), TextNumber.Percent(Through(IsError))]);
            if (vector.IsPlacebo) outcome.Add(new Finding("graph_injection_share_placebo", $"The same under \"{vector.Name}\"", new Interval(Through(one.IsInjection), double.NaN, double.NaN)));
            else outcome.Add(new Finding("graph_injection_share", $"Share of the influence on yes − no, through all paths, that begins at the injected vector, under \"{vector.Name}\" (one prompt's graph: no interval)", new Interval(Through(one.IsInjection), double.NaN, double.NaN)));
        }
        outcome.Table(["vector", ">direct: from the injection", ">direct: from errors", ">through all paths: from the injection", ">through all paths: from errors"], shares);

        string Name(int node) => graph.IsInjection(node) ? $"injection after layer {graph.LayerOf(node)} at {graph.PositionOf(node)}"
            : node < graph.FirstError ? $"latent {graph.Feature(node).Layer}:{graph.Feature(node).Feature} at {graph.PositionOf(node)} \"{graph.TokenTexts[graph.PositionOf(node)]}\""
            : node < graph.FirstToken ? $"error of layer {graph.LayerOf(node)} at {graph.PositionOf(node)}" : $"token \"{graph.TokenTexts[graph.PositionOf(node)]}\"";
        float[] effects = graph.Edges.Row(graph.FeatureCount).ToArray();
        double total = effects.Sum(effect => Math.Abs((double)effect));
        outcome.Table(["source", ">direct effect on yes − no", ">share of all"], Enumerable.Range(0, effects.Length).OrderByDescending(source => Math.Abs(effects[source])).Take(Shown)
            .Select(source => new[] { Name(source), TextNumber.Of(effects[source]), TextNumber.Percent(Math.Abs(effects[source]) / Math.Max(total, 1e-30)) }), $"The largest direct effects under \"{concept.Name}\"");

        (InjectedVector, AttributionGraph, PrunedGraph) Pair(InjectedVector vector)
        {
            AttributionGraph other = Attribute(context, dictionary, ask, change(vector)!);
            return (vector, other, PrunedGraph.Prune(other, cancellation: context.Cancellation));
        }
    }

    private static AttributionGraph Attribute(ExperimentContext context, TranscoderSet dictionary, YesNoQuestion ask, Steering change)
    {
        int yes = ask.Prompt.Options.FirstTokensOf(0)[0], no = ask.Prompt.Options.FirstTokensOf(1)[0];
        AttributionOptions options = new() { Targets = [new TargetRequest(yes, no, "yes − no")], MaximumFeatures = 2000, Steering = change.Hooks(context.Model.Specification) };
        return Attributor.Attribute(new ReplacementModel(context.Model.Transformer, dictionary), ask.Prompt.Tokens, options, context.Model.Prompts.TextOf, cancellation: context.Cancellation)
            with
        { Origin = new GraphOrigin(context.Model.Name, dictionary.Name, ask.Prompt.Text) };
    }
}
