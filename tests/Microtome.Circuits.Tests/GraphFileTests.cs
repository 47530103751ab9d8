using Microtome.Models.Safetensors;

namespace Microtome.Circuits.Tests;

public class GraphFileTests
{
    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, 10)];

    [Theory, MemberData(nameof(Seeds))]
    public void A_saved_graph_is_read_back_whole(int seed)
    {
        using TemporaryFolder folder = new();
        AttributionGraph graph = RandomGraph.Create(seed) with { Origin = new GraphOrigin("a/b", "scan \"1\"", "Zeilen\nund \u2028 😀") };
        AttributionGraph read = SaveAndLoad(graph, folder);
        read.Origin.ShouldBe(graph.Origin);
        read.Layers.ShouldBe(graph.Layers);
        read.Tokens.ShouldBe(graph.Tokens);
        read.TokenTexts.ShouldBe(graph.TokenTexts);
        read.ActiveFeatures.ShouldBe(graph.ActiveFeatures);
        read.Selected.ShouldBe(graph.Selected);
        read.Targets.ShouldBe(graph.Targets);
        for (int row = 0; row < graph.Edges.Rows; row++) read.Edges.Row(row).ToArray().ShouldBe(graph.Edges.Row(row).ToArray());
    }

    [Theory, MemberData(nameof(Seeds))]
    public void A_read_graph_is_pruned_to_the_same_nodes_edges_and_scores(int seed)
    {
        using TemporaryFolder folder = new();
        AttributionGraph graph = RandomGraph.Create(seed);
        AttributionGraph read = SaveAndLoad(graph, folder);
        PrunedGraph before = PrunedGraph.Prune(graph, 0.7, 0.9), after = PrunedGraph.Prune(read, 0.7, 0.9);
        after.Nodes.ShouldBe(before.Nodes);
        after.Edges.ShouldBe(before.Edges);
        after.CumulativeInfluence.ShouldBe(before.CumulativeInfluence);
        GraphScores.Of(read).ShouldBe(GraphScores.Of(graph));
    }

    [Fact]
    public void The_file_says_what_made_it()
    {
        using TemporaryFolder folder = new();
        GraphFile.Save(RandomGraph.Create(1), folder["graph"], "1.2.3", new Dictionary<string, string> { ["node_threshold"] = "0.8" });
        using SafetensorsFile file = SafetensorsFile.Open(folder["graph"]);
        (file.Metadata["microtome_version"], file.Metadata["node_threshold"], file.Metadata["prompt"]).ShouldBe(("1.2.3", "0.8", "a prompt"));
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        using TemporaryFolder folder = new();
        byte[] whole = Saved(folder);
        for (int length = 0; length < whole.Length; length += 1 + whole.Length / 97)
        {
            string path = folder.Write("cut", whole[..length]);
            Should.Throw<InvalidDataException>(() => GraphFile.Load(path), $"{length} of {whole.Length} bytes");
        }
    }

    [Fact]
    public void A_damaged_file_is_refused_or_is_a_graph_that_everything_works_on()
    {
        using TemporaryFolder folder = new();
        byte[] whole = Saved(folder);
        int refused = 0;
        for (int seed = 0; seed < 1000; seed++)
        {
            string path = folder.Write("damaged", Mutations.Mutate(whole, seed, seed % 2 == 0 ? whole.Length : 1500));
            try
            {
                AttributionGraph graph = GraphFile.Load(path);
                PrunedGraph pruned = PrunedGraph.Prune(graph);
                _ = GraphScores.Of(graph);
                _ = PathTree.Grow(pruned);
                GraphJson.Write(pruned, "damaged", Stream.Null);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        refused.ShouldBeGreaterThan(300);
    }

    [Theory]
    [InlineData("format", "another")]
    [InlineData("format_version", "2")]
    [InlineData("layers", "0")]
    [InlineData("layers", "-1")]
    [InlineData("layers", "many")]
    [InlineData("layers", "2147483647")]
    [InlineData("token_texts", "[\"one\"]")]
    [InlineData("token_texts", "[null, null, null, null]")]
    [InlineData("token_texts", "{")]
    [InlineData("target_texts", "null")]
    public void Headers_that_do_not_fit_the_arrays_are_refused(string key, string value)
    {
        using TemporaryFolder folder = new();
        GraphFile.Save(RandomGraph.Create(1), folder["graph"], "1", new Dictionary<string, string> { [key] = value });
        Should.Throw<InvalidDataException>(() => GraphFile.Load(folder["graph"])).Message.ShouldContain(folder["graph"]);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Edges_that_are_no_numbers_are_refused(float weight)
    {
        using TemporaryFolder folder = new();
        AttributionGraph graph = RandomGraph.Create(1);
        graph.Edges.Row(graph.Edges.Rows - 1)[0] = weight;
        GraphFile.Save(graph, folder["graph"], "1");
        Should.Throw<InvalidDataException>(() => GraphFile.Load(folder["graph"])).Message.ShouldContain("an edge is not a number");
    }

    [Fact]
    public void Features_that_feed_earlier_ones_are_refused()
    {
        using TemporaryFolder folder = new();
        AttributionGraph graph = RandomGraph.Create(1);
        graph.Edges.Row(0)[1] = 1;
        GraphFile.Save(graph, folder["graph"], "1");
        Should.Throw<InvalidDataException>(() => GraphFile.Load(folder["graph"])).Message.ShouldContain("not after it");
    }

    private static byte[] Saved(TemporaryFolder folder)
    {
        GraphFile.Save(RandomGraph.Create(5, layers: 2, positions: 3), folder["whole"], "1");
        return File.ReadAllBytes(folder["whole"]);
    }

    private static AttributionGraph SaveAndLoad(AttributionGraph graph, TemporaryFolder folder)
    {
        GraphFile.Save(graph, folder["graph"], "1");
        return GraphFile.Load(folder["graph"]);
    }
}
