using System.Runtime.Serialization.Json;
using System.Text.Json;
using System.Xml;
using System.Xml.Linq;

namespace Microtome.Circuits.Tests;

public class GraphJsonTests
{
    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, 10)];

    [Theory, MemberData(nameof(Seeds))]
    public void Links_are_the_kept_edges_each_once_between_nodes_that_are_there(int seed)
    {
        PrunedGraph pruned = PrunedGraph.Prune(RandomGraph.Create(seed));
        using JsonDocument json = JsonDocument.Parse(Write(pruned));
        JsonElement[] links = [.. json.RootElement.GetProperty("links").EnumerateArray()];
        (string, string)[] ends = [.. links.Select(link => (link.GetProperty("source").GetString()!, link.GetProperty("target").GetString()!))];
        ends.ShouldBeUnique();
        links.Length.ShouldBe(pruned.Edges.Count);
        string[] nodes = [.. json.RootElement.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("node_id").GetString()!)];
        nodes.ShouldBeUnique();
        foreach ((string source, string target) in ends)
        {
            nodes.ShouldContain(source);
            nodes.ShouldContain(target);
        }
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Weights_are_written_without_loss(int seed)
    {
        PrunedGraph pruned = PrunedGraph.Prune(RandomGraph.Create(seed));
        using JsonDocument json = JsonDocument.Parse(Write(pruned));
        json.RootElement.GetProperty("links").EnumerateArray().Select(link => link.GetProperty("weight").GetSingle()).ShouldBe(pruned.Edges.Select(edge => edge.Weight));
    }

    [Fact]
    public void Tokens_of_any_characters_are_read_back_as_they_were()
    {
        string[] texts = ["\"\\/", "\n\t\r", "\u2028\u0085ﬀ<>&'", "😀e\u0301\u200d"];
        AttributionGraph graph = RandomGraph.Create(2);
        graph = new AttributionGraph(graph.Layers, [.. graph.Tokens], texts, [.. graph.ActiveFeatures], [.. graph.Selected], [new GraphTarget(5, "\"}]\\", 0.5f), .. graph.Targets.Skip(1)], graph.Edges)
        {
            Origin = new GraphOrigin("m", "t", string.Concat(texts)),
        };
        byte[] bytes = Write(PrunedGraph.Prune(graph));
        using JsonDocument json = JsonDocument.Parse(bytes);
        JsonElement metadata = json.RootElement.GetProperty("metadata");
        metadata.GetProperty("prompt_tokens").EnumerateArray().Select(token => token.GetString()).ShouldBe(texts);
        metadata.GetProperty("prompt").GetString().ShouldBe(string.Concat(texts));
        json.RootElement.GetProperty("nodes").EnumerateArray().Single(node => node.GetProperty("is_target_logit").GetBoolean())
            .GetProperty("clerp").GetString().ShouldBe("Output \"\"}]\\\" (p=0.500)");
    }

    [Fact]
    public void A_second_parser_reads_the_same()
    {
        byte[] bytes = Write(PrunedGraph.Prune(RandomGraph.Create(4)));
        using JsonDocument json = JsonDocument.Parse(bytes);
        using XmlDictionaryReader reader = JsonReaderWriterFactory.CreateJsonReader(bytes, XmlDictionaryReaderQuotas.Max);
        XElement root = XElement.Load(reader);
        root.Element("nodes")!.Elements().Select(node => node.Element("node_id")!.Value)
            .ShouldBe(json.RootElement.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("node_id").GetString()));
        root.Element("links")!.Elements().Select(link => float.Parse(link.Element("weight")!.Value))
            .ShouldBe(json.RootElement.GetProperty("links").EnumerateArray().Select(link => link.GetProperty("weight").GetSingle()));
    }

    private static byte[] Write(PrunedGraph pruned)
    {
        using MemoryStream stream = new();
        GraphJson.Write(pruned, "slug", stream);
        return stream.ToArray();
    }
}
