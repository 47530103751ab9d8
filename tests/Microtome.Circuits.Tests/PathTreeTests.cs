namespace Microtome.Circuits.Tests;

public class PathTreeTests
{
    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, 20)];

    [Theory, MemberData(nameof(Seeds))]
    public void Paths_end_at_tokens_and_errors_or_go_on_elsewhere_in_the_tree(int seed)
    {
        PrunedGraph pruned = PrunedGraph.Prune(RandomGraph.Create(seed), 0.95, 0.99);
        PathNode[] nodes = [.. All(PathTree.Grow(pruned))];
        foreach (PathNode end in nodes.Where(node => node.Inputs.Count == 0 && !node.Repeated))
            (end.Node >= pruned.Graph.FirstError).ShouldBeTrue($"the path ends at feature {end.Node}");
        int[] expanded = [.. nodes.Where(node => node.Inputs.Count > 0).Select(node => node.Node)];
        foreach (PathNode repeated in nodes.Where(node => node.Repeated)) expanded.ShouldContain(repeated.Node);
        expanded.ShouldBeUnique();
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Shares_are_of_all_of_a_nodes_input_and_multiply_along_the_path(int seed)
    {
        AttributionGraph graph = RandomGraph.Create(seed);
        double[,] dense = RandomGraph.Dense(graph);
        void Check(PathNode parent)
        {
            double sum = Enumerable.Range(0, graph.NodeCount).Sum(source => dense[parent.Node, source]);
            foreach (PathNode child in parent.Inputs)
            {
                Math.Abs((double)child.Weight).ShouldBe(dense[parent.Node, child.Node]);
                child.Share.ShouldBe(dense[parent.Node, child.Node] / sum, 1e-12);
                child.Flow.ShouldBe(parent.Flow * child.Share, 1e-12);
                Check(child);
            }
            parent.Inputs.Select(child => child.Share).ShouldBe(parent.Inputs.Select(child => child.Share).OrderDescending());
        }
        for (int target = 0; target < graph.Targets.Count; target++) Check(PathTree.Grow(PrunedGraph.Prune(graph), target));
    }

    [Fact]
    public void More_nodes_are_shown_when_more_are_asked_for_but_always_one_path()
    {
        PrunedGraph pruned = PrunedGraph.Prune(RandomGraph.Create(3), 1, 1);
        int few = All(PathTree.Grow(pruned, most: 1)).Count(), many = All(PathTree.Grow(pruned, most: 30)).Count();
        few.ShouldBeGreaterThan(0);
        many.ShouldBeGreaterThan(few);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void A_target_that_is_not_there_is_refused(int target) =>
        Should.Throw<ArgumentOutOfRangeException>(() => PathTree.Grow(PrunedGraph.Prune(RandomGraph.Create(0)), target)).Message.ShouldContain("0 to 2");

    private static IEnumerable<PathNode> All(PathNode node) => node.Inputs.SelectMany(child => All(child).Prepend(child));
}
