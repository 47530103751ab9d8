using Microtome.Numerics;

namespace Microtome.Circuits.Tests;

public class PruningTests
{
    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, 40)];

    [Theory, MemberData(nameof(Seeds))]
    public void Influence_is_the_series_over_paths_of_every_length(int seed)
    {
        AttributionGraph graph = RandomGraph.Create(seed);
        double[] actual = Influence.OfNodes(graph), expected = new DensePruning(graph).Influence;
        for (int node = 0; node < expected.Length; node++) actual[node].ShouldBe(expected[node], 1e-12, $"node {node}");
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Scores_are_those_of_the_dense_definition(int seed)
    {
        AttributionGraph graph = RandomGraph.Create(seed);
        GraphScores actual = GraphScores.Of(graph), expected = new DensePruning(graph).Scores;
        actual.Replacement.ShouldBe(expected.Replacement, 1e-12);
        actual.Completeness.ShouldBe(expected.Completeness, 1e-12);
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Pruning_keeps_the_nodes_and_edges_of_the_dense_definition(int seed)
    {
        Random random = new(seed);
        foreach (double density in new[] { 0.05, 0.3, 1 })
        {
            AttributionGraph graph = RandomGraph.Create(seed, density: density);
            foreach ((double nodeThreshold, double edgeThreshold) in new[] { (0.8, 0.98), (0, 0), (0, 1), (random.NextDouble(), random.NextDouble()) })
            {
                PrunedGraph actual = PrunedGraph.Prune(graph, nodeThreshold, edgeThreshold);
                (bool[] nodes, HashSet<(int, int)> edges) = new DensePruning(graph).Prune(nodeThreshold, edgeThreshold);
                actual.Nodes.ShouldBe(nodes);
                actual.Edges.Select(edge => (graph.NodeOfRow(edge.Row), edge.Source)).ShouldBe(edges, ignoreOrder: true);
                foreach (GraphEdge edge in actual.Edges) edge.Weight.ShouldBe(graph.Edges.Row(edge.Row)[edge.Source]);
            }
        }
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Thresholds_of_one_keep_every_node_on_a_path_to_the_targets(int seed)
    {
        AttributionGraph graph = RandomGraph.Create(seed, targets: 1);
        double[] influence = Influence.OfNodes(graph);
        PrunedGraph pruned = PrunedGraph.Prune(graph, 1, 1);
        bool[] led = new bool[graph.NodeCount]; // whether a path leads there from a token or an error
        for (int node = graph.FirstError; node < graph.FirstTarget; node++) led[node] = true;
        for (int row = 0; row < graph.FeatureCount; row++)
            for (int source = 0; source < graph.Edges.Columns; source++) led[row] |= led[source] && graph.Edges.Row(row)[source] != 0;
        for (int node = 0; node < graph.FirstToken; node++) pruned.Nodes[node].ShouldBe(influence[node] > 0 && led[node], $"node {node}");
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Cumulative_influence_adds_up_from_the_strongest_node_to_one(int seed)
    {
        AttributionGraph graph = RandomGraph.Create(seed);
        double[] influence = Influence.OfNodes(graph);
        float[] cumulative = [.. PrunedGraph.Prune(graph).CumulativeInfluence];
        double sum = 0;
        foreach (int node in Enumerable.Range(0, influence.Length).OrderByDescending(node => influence[node]))
            cumulative[node].ShouldBe((float)((sum += influence[node]) / influence.Sum()), 1e-6f);
    }

    [Fact]
    public void Nodes_of_equal_influence_at_the_threshold_are_all_kept()
    {
        // Influence: a third each of three features, and the token that alone feeds them 1.
        AttributionGraph graph = Graph(features: 3, [[0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [2, -2, 2, 0, 0]]);
        PrunedGraph.Prune(graph, 0.6, 1).Nodes.Take(3).ShouldBe([true, true, true]);
    }

    [Fact]
    public void The_fewest_nodes_that_reach_the_threshold_are_kept()
    {
        // Influence: features 0.6 and 0.4, and the token that feeds them 1.
        AttributionGraph graph = Graph(features: 2, [[0, 0, 0, 3], [0, 0, 0, -3], [6, 4, 0, 0]]);
        PrunedGraph.Prune(graph, 0.75, 1).Nodes.Take(2).ShouldBe([true, false]);
        PrunedGraph.Prune(graph, 0.85, 1).Nodes.Take(2).ShouldBe([true, true]);
    }

    [Fact]
    public void Features_that_lose_their_inputs_are_dropped_and_what_fed_only_them_after_them()
    {
        // The target has a strong edge from the token; a weak chain of features falls to the edge threshold.
        AttributionGraph graph = Graph(features: 2, [[0, 0, 0, 1], [1, 0, 0, 0], [0, 0.01f, 0, 10]]);
        PrunedGraph pruned = PrunedGraph.Prune(graph, 1, 0.9);
        pruned.Nodes.Take(2).ShouldBe([false, false]);
        pruned.Edges.Single().ShouldBe(new GraphEdge(2, 3, 10));
    }

    [Fact]
    public void A_graph_without_features_keeps_its_tokens_and_targets()
    {
        AttributionGraph graph = Graph(features: 0, [[2, 0.5f]]);
        PrunedGraph pruned = PrunedGraph.Prune(graph);
        pruned.Nodes.ShouldBe([true, true, true]);
        GraphScores.Of(graph).Replacement.ShouldBe(0.2, 1e-12);
    }

    [Fact]
    public void A_graph_without_any_edge_has_scores_of_zero_and_no_numbers_that_are_none()
    {
        AttributionGraph graph = Graph(features: 1, [[0, 0, 0], [0, 0, 0]]);
        PrunedGraph pruned = PrunedGraph.Prune(graph);
        pruned.Nodes.ShouldBe([false, false, true, true]);
        pruned.Edges.ShouldBeEmpty();
        pruned.CumulativeInfluence.ShouldAllBe(value => float.IsFinite(value));
        GraphScores.Of(graph).Replacement.ShouldBe(0);
    }

    [Theory]
    [InlineData(-0.01, 0.5)]
    [InlineData(1.01, 0.5)]
    [InlineData(double.NaN, 0.5)]
    [InlineData(0.5, -0.01)]
    [InlineData(0.5, double.PositiveInfinity)]
    public void Thresholds_outside_0_to_1_are_refused(double nodes, double edges) =>
        Should.Throw<ArgumentException>(() => PrunedGraph.Prune(RandomGraph.Create(0), nodes, edges)).Message.ShouldContain("from 0 to 1");

    /// <summary>A graph of one layer's features, each a layer above the one before, one position and one target.</summary>
    /// <param name="rows">For each feature and the target: from features, an error of the first layer, the token.</param>
    private static AttributionGraph Graph(int features, float[][] rows)
    {
        Tensor edges = Tensor.From(rows.SelectMany(row => row).ToArray(), rows.Length, rows[0].Length);
        FeatureNode[] active = [.. Enumerable.Range(0, features).Select(i => new FeatureNode(0, 0, i, 1))];
        return new AttributionGraph(1, [7], ["token"], active, [.. Enumerable.Range(0, features)], [new GraphTarget(1, "target", 1)], edges.AsMatrix());
    }
}
