using Microtome.Circuits;
using Microtome.Experiments.SmallWorld;
using Microtome.Models.SmallWorld;

namespace Microtome.Experiments.Tests.SmallWorld;

public class StateSwapTests(ShippedWorld shipped) : IClassFixture<ShippedWorld>
{
    private readonly SwapOptions _options = new();

    private StateFeatures Find() => StateFeatures.Find(shipped.Replacement, shipped.Model.Prompts, _options);

    [Theory]
    [InlineData("capital")]
    [InlineData("abbreviation")]
    public void Replacing_a_states_features_by_anothers_changes_the_answer_and_replacing_random_ones_does_not(string asked)
    {
        SwapStudy study = new(shipped.Replacement, shipped.Model.Prompts, Find(), _options, SwapQuestion.All.Single(question => question.Name == asked));
        SwapSummary summary = study.Summarize(study.Run(study.Pairs(SwapStudy.Seeds[0], SwapStudy.StandardPairs), SwapStudy.Seeds[0]));
        summary.Pairs.ShouldBe(50);
        summary.OwnBefore.Estimate.ShouldBeGreaterThanOrEqualTo(0.95);
        summary.OtherSwapped.Estimate.ShouldBeGreaterThanOrEqualTo(0.8);
        summary.OtherRandom.Estimate.ShouldBeLessThanOrEqualTo(0.05);
    }

    [Fact]
    public void The_graph_of_Dallas_has_features_of_Texas_between_the_city_and_the_capital()
    {
        State texas = WorldData.States.Single(state => state.Name == "Texas");
        HashSet<(int, int)> own = [.. Find().Of(texas, without: "Dallas").Select(feature => (feature.Layer, feature.Feature))];
        int[] tokens = shipped.Model.Prompts.EncodeForTracing(SwapQuestion.Capital.Prompt("Dallas"));
        int city = Array.IndexOf(tokens, shipped.Model.Prompts.Token(" Dallas"));
        AttributionGraph graph = Attributor.Attribute(shipped.Replacement, tokens, new AttributionOptions(), shipped.Model.Prompts.TextOf);
        graph.Targets[0].Text.ShouldBe(" Austin");
        PrunedGraph pruned = PrunedGraph.Prune(graph);
        int[] states = [.. Enumerable.Range(0, graph.FirstError).Where(node => pruned.Nodes[node] && graph.PositionOf(node) == city && own.Contains((graph.Feature(node).Layer, graph.Feature(node).Feature)))];
        states.ShouldNotBeEmpty();

        // The capital is fed by one of them, through others or directly, and the city feeds it.
        HashSet<int> reached = [graph.FirstTarget];
        int before;
        do
        {
            before = reached.Count;
            foreach (GraphEdge edge in pruned.Edges.Where(edge => reached.Contains(graph.NodeOfRow(edge.Row)))) reached.Add(edge.Source);
        }
        while (reached.Count > before);
        states.ShouldContain(node => reached.Contains(node) && pruned.Edges.Any(edge => graph.NodeOfRow(edge.Row) == node && edge.Source == graph.FirstToken + city));
    }

    [Fact]
    public void Pairs_are_the_same_for_the_same_seed_and_differ_between_seeds()
    {
        SwapStudy study = new(shipped.Replacement, shipped.Model.Prompts, Find(), _options, SwapQuestion.Capital);
        IReadOnlyList<SwapPair> pairs = study.Pairs(7, 50);
        study.Pairs(7, 50).ShouldBe(pairs);
        study.Pairs(8, 50).ShouldNotBe(pairs);
        pairs.ShouldAllBe(pair => pair.From != pair.To && pair.From.Cities.Contains(pair.City));
    }
}
