namespace Microtome.Circuits.Tests;

public class GraphComparisonTests
{
    [Theory]
    [InlineData("a b c", "a b c", "aa bb cc")]
    [InlineData("a b c", "a x c", "aa bx cc")]
    [InlineData("a b c", "a c", "aa b- cc")]
    [InlineData("a c", "a b b c", "aa -b -b cc")]
    [InlineData("a b", "c d e", "ac bd -e")]
    [InlineData("x a b c", "a b c y", "x- aa bb cc -y")]
    public void Equal_tokens_share_a_column_and_others_stand_below_each_other(string first, string second, string columns)
    {
        string[] one = first.Split(' '), other = second.Split(' ');
        string.Join(' ', GraphComparison.Align(one, other).Select(column => $"{(column.First is { } i ? one[i] : "-")}{(column.Second is { } j ? other[j] : "-")}")).ShouldBe(columns);
    }

    [Fact]
    public void A_graph_matches_itself_wholly()
    {
        PrunedGraph pruned = PrunedGraph.Prune(RandomGraph.Create(3), 0.9, 0.95);
        GraphComparison comparison = GraphComparison.Of(pruned, pruned, sameFeatures: true);
        comparison.Nodes.ShouldAllBe(node => node.InFirst && node.InSecond && node.First == node.Second);
        comparison.Nodes.Count.ShouldBe(pruned.Nodes.Count(kept => kept));
        comparison.Edges.Count.ShouldBe(pruned.Edges.Count);
        comparison.Edges.ShouldAllBe(edge => edge.First == edge.Second);
        comparison.Correlation()!.Value.ShouldBe(1, 1e-9);
    }

    [Fact]
    public void Features_of_different_dictionaries_do_not_match_but_tokens_and_targets_do()
    {
        PrunedGraph pruned = PrunedGraph.Prune(RandomGraph.Create(3), 0.9, 0.95);
        GraphComparison comparison = GraphComparison.Of(pruned, pruned, sameFeatures: false);
        AttributionGraph graph = pruned.Graph;
        foreach (MatchedNode node in comparison.Nodes)
            (node.First is not null && node.Second is not null).ShouldBe((node.First ?? node.Second) >= graph.FirstError);
    }

    [Fact]
    public void A_node_that_one_graph_pruned_is_still_found_there()
    {
        AttributionGraph graph = RandomGraph.Create(5, featuresAPlace: 6);
        GraphComparison comparison = GraphComparison.Of(PrunedGraph.Prune(graph, 1, 1), PrunedGraph.Prune(graph, 0.3, 0.5), sameFeatures: true);
        MatchedNode[] onlyFirst = [.. comparison.Nodes.Where(node => !node.InSecond)];
        onlyFirst.ShouldNotBeEmpty();
        onlyFirst.ShouldAllBe(node => node.Second == node.First);
        comparison.Edges.ShouldAllBe(edge => edge.First == edge.Second);
    }
}
