using System.IO.Compression;
using System.Text;

namespace Microtome.Circuits.Tests;

public class GraphJsonReaderTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 12)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_was_written_is_read_back(int seed)
    {
        AttributionGraph graph = RandomGraph.Create(seed);
        PrunedGraph pruned = PrunedGraph.Prune(graph, 0.9, 0.95);
        int[] kept = [.. Enumerable.Range(0, graph.FirstError).Where(node => pruned.Nodes[node])];
        GraphAnnotations annotations = new()
        {
            Pinned = [.. kept.Take(2)],
            Groups = kept.Length > 1 ? [new NamedNodes("a \"group\"", [.. kept.Take(2)])] : [],
            Descriptions = kept.ToDictionary(node => node, node => $"feature <{node}>"),
        };
        ImportedGraph read = GraphJsonReader.Read(Written(pruned, annotations), "file");

        // Every kept edge is there, between the same nodes, and no other.
        Edges(read.Graph).ShouldBe(pruned.Edges.Select(edge => (Key(graph, edge.Source), Key(graph, graph.NodeOfRow(edge.Row)), edge.Weight)).Order());
        read.Graph.Targets.Select(target => (target.Token, target.Probability)).ShouldBe(graph.Targets.Select(target => (target.Token, target.Probability)));
        read.Graph.TokenTexts.ShouldBe(graph.TokenTexts);
        read.Graph.Origin.Transcoders.ShouldBe("transcoders");
        read.Annotations.Pinned.Select(node => Key(read.Graph, node)).ShouldBe(annotations.Pinned.Select(node => Key(graph, node)));
        read.Annotations.Groups.Select(group => group.Name).ShouldBe(annotations.Groups.Select(group => group.Name));
        read.Annotations.Descriptions.Values.Order().ShouldBe(annotations.Descriptions.Values.Order());
    }

    [Fact]
    public void An_error_with_the_id_of_a_feature_keeps_its_own_edges()
    {
        // Feature 1 of layer 0 and the error of layer 1, both at position 2, are both called 0_1_2; so are their links to layer 2.
        byte[] json = """
            {"metadata": {"prompt_tokens": ["a", "b", "c"]}, "nodes": [
              {"node_id": "0_1_2", "feature": 2, "layer": "0", "ctx_idx": 2, "feature_type": "cross layer transcoder", "activation": 1},
              {"node_id": "0_1_2", "feature": -1, "layer": "1", "ctx_idx": 2, "feature_type": "mlp reconstruction error"},
              {"node_id": "1_4_2", "feature": 19, "layer": "1", "ctx_idx": 2, "feature_type": "cross layer transcoder", "activation": 1},
              {"node_id": "4_7_2", "feature": 7, "layer": "4", "ctx_idx": 2, "feature_type": "logit", "token_prob": 1}],
             "links": [{"source": "0_1_2", "target": "1_4_2", "weight": 3}, {"source": "0_1_2", "target": "4_7_2", "weight": 5}, {"source": "0_1_2", "target": "4_7_2", "weight": 7}]}
            """u8.ToArray();
        AttributionGraph graph = GraphJsonReader.Read(json, "file").Graph;
        int target = graph.FeatureCount;
        graph.Edges.Row(1)[0].ShouldBe(3, "an error of layer 1 does not feed layer 1");
        graph.Edges.Row(target)[0].ShouldBe(5);
        graph.Edges.Row(target)[graph.FirstError + 1 * 3 + 2].ShouldBe(7);
    }

    [Theory]
    [InlineData("qwen3-plt-relu")]
    [InlineData("llama-clt-relu")]
    public void Damaged_files_are_refused_or_read_and_nothing_else(string name)
    {
        byte[] original = Golden(name);
        int end = Math.Min(original.Length, 40_000);
        byte[] part = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(original, 0, end)); // a part is quick to mutate and to read
        for (int seed = 0; seed < 200; seed++)
            foreach (byte[] file in new[] { Mutations.Mutate(part, seed), Mutations.Mutate(original, seed, interesting: 4000) })
            {
                try
                {
                    GraphJsonReader.Read(file, "file").Graph.Edges.Rows.ShouldBeGreaterThan(0);
                }
                catch (InvalidDataException exception)
                {
                    exception.Message.ShouldContain("file");
                }
            }
    }

    private static byte[] Written(PrunedGraph pruned, GraphAnnotations annotations)
    {
        using MemoryStream stream = new();
        GraphJson.Write(pruned, "slug", stream, annotations);
        return stream.ToArray();
    }

    private static List<((int, int, int, int) Source, (int, int, int, int) Target, float Weight)> Edges(AttributionGraph graph)
    {
        List<((int, int, int, int), (int, int, int, int), float)> edges = [];
        for (int row = 0; row < graph.Edges.Rows; row++)
            for (int source = 0; source < graph.Edges.Columns; source++)
                if (graph.Edges.Row(row)[source] != 0) edges.Add((Key(graph, source), Key(graph, graph.NodeOfRow(row)), graph.Edges.Row(row)[source]));
        edges.Sort();
        return edges;
    }

    private static (int Kind, int Layer, int Position, int Feature) Key(AttributionGraph graph, int node) => node < graph.FirstError
        ? (0, graph.LayerOf(node), graph.PositionOf(node), graph.Feature(node).Feature)
        : node < graph.FirstToken ? (1, graph.LayerOf(node), graph.PositionOf(node), 0)
        : node < graph.FirstTarget ? (2, 0, graph.PositionOf(node), 0) : (3, 0, 0, graph.Targets[node - graph.FirstTarget].Token);

    private static byte[] Golden(string name)
    {
        if (TestFiles.Find($"golden/attribution/{name}/graph.json") is { } plain) return File.ReadAllBytes(plain);
        using GZipStream packed = new(File.OpenRead(TestFiles.Get($"golden/attribution/{name}/graph.json.gz")), CompressionMode.Decompress);
        using MemoryStream bytes = new();
        packed.CopyTo(bytes);
        return bytes.ToArray();
    }
}
