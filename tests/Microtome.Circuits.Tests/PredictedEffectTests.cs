namespace Microtome.Circuits.Tests;

public class PredictedEffectTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 20)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_prediction_is_the_sum_over_all_paths(int seed)
    {
        AttributionGraph graph = RandomGraph.Create(seed, layers: 3, positions: 3, featuresAPlace: 3);
        if (graph.FeatureCount == 0) return;
        Random random = new(seed);
        Dictionary<int, float> set = [];
        foreach (int node in Enumerable.Range(0, graph.FeatureCount).OrderBy(_ => random.Next()).Take(3)) set[node] = random.NextSingle() * 3;

        double[] predicted = PredictedEffect.OnTargets(graph, set);
        for (int target = 0; target < predicted.Length; target++)
            predicted[target].ShouldBe(Through(graph, graph.FeatureCount + target, set), 1e-6 * (1 + Math.Abs(predicted[target])));
    }

    [Fact]
    public void Nothing_changes_where_nothing_is_changed()
    {
        AttributionGraph graph = RandomGraph.Create(4);
        PredictedEffect.OnTargets(graph, new Dictionary<int, float>()).ShouldAllBe(effect => effect == 0);
        PredictedEffect.OnTargets(graph, Enumerable.Range(0, graph.FeatureCount).ToDictionary(node => node, node => graph.Feature(node).Activation)).ShouldAllBe(effect => effect == 0);
        Should.Throw<ArgumentException>(() => PredictedEffect.OnTargets(graph, new Dictionary<int, float> { [graph.FirstError] = 1 }));
    }

    [Fact]
    public void Agreement_is_a_cosine()
    {
        PredictedEffect.Agreement([1, 2], [2, 4])!.Value.ShouldBe(1, 1e-12);
        PredictedEffect.Agreement([1, 0], [-3, 0])!.Value.ShouldBe(-1, 1e-12);
        PredictedEffect.Agreement([0, 0], [1, 2]).ShouldBeNull();
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Group_sums_are_sums_of_edges(int seed)
    {
        AttributionGraph graph = RandomGraph.Create(seed);
        Random random = new(seed);
        int[] order = [.. Enumerable.Range(0, graph.NodeCount).OrderBy(_ => random.Next())];
        int[][] groups = [order[..(order.Length / 3)], order[(order.Length / 3)..(order.Length / 2)], order[^1..]];
        IReadOnlyList<GroupedEdge> sums = GroupedEdge.Between(graph, groups);
        for (int from = 0; from < groups.Length; from++)
            for (int to = 0; to < groups.Length; to++)
            {
                double weight = 0, magnitude = 0;
                for (int row = 0; row < graph.Edges.Rows; row++)
                    foreach (int source in groups[from])
                        if (from != to && source < graph.Edges.Columns && groups[to].Contains(graph.NodeOfRow(row)))
                        {
                            weight += graph.Edges.Row(row)[source];
                            magnitude += Math.Abs(graph.Edges.Row(row)[source]);
                        }
                GroupedEdge? sum = sums.Where(edge => edge.Source == from && edge.Target == to).Cast<GroupedEdge?>().SingleOrDefault();
                (sum?.Weight ?? 0).ShouldBe(weight, 1e-9);
                (sum?.Magnitude ?? 0).ShouldBe(magnitude, 1e-9);
                (sum?.Share ?? 0).ShouldBeInRange(0, 1 + 1e-9);
            }
        Should.Throw<ArgumentException>(() => GroupedEdge.Between(graph, [[0], [0]]));
    }

    /// <summary>The change of a row's node, by following every path back.</summary>
    private static double Through(AttributionGraph graph, int row, Dictionary<int, float> set)
    {
        double sum = 0;
        for (int source = 0; source < graph.FeatureCount; source++)
        {
            float weight = graph.Edges.Row(row)[source], activation = graph.Feature(source).Activation;
            if (weight == 0) continue;
            double change = set.TryGetValue(source, out float value) ? value - activation : Through(graph, source, set);
            sum += weight * change / activation;
        }
        return sum;
    }
}
