using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Microtome.Studio.Tests;

[Collection(StudioCollection.Name)]
public class UploadTests(RunningStudio studio)
{
    private const string Small = """
        {"metadata": {"slug": "s", "scan": "elsewhere", "prompt_tokens": ["a", "b"], "prompt": "ab"},
         "qParams": {"pinnedIds": ["0_5_1", "gone"], "supernodes": [["<b>group</b>", "0_5_1", "1_7_1"]]},
         "nodes": [
          {"node_id": "E_3_0", "feature": 0, "layer": "E", "ctx_idx": 0, "feature_type": "embedding"},
          {"node_id": "0_5_1", "feature": 20, "layer": "0", "ctx_idx": 1, "feature_type": "cross layer transcoder", "activation": 2.0, "clerp": "<img src=x onerror=alert(1)>"},
          {"node_id": "0_0_1", "feature": -1, "layer": "0", "ctx_idx": 1, "feature_type": "mlp reconstruction error"},
          {"node_id": "1_7_1", "feature": 43, "layer": "1", "ctx_idx": 1, "feature_type": "cross layer transcoder", "activation": 1.0},
          {"node_id": "3_9_1", "feature": 9, "layer": "3", "ctx_idx": 1, "feature_type": "logit", "token_prob": 0.6, "clerp": "Output \"x\" (p=0.600)"}],
         "links": [
          {"source": "E_3_0", "target": "0_5_1", "weight": 1.5}, {"source": "0_5_1", "target": "1_7_1", "weight": 0.5},
          {"source": "0_0_1", "target": "1_7_1", "weight": -0.25}, {"source": "1_7_1", "target": "3_9_1", "weight": 2}, {"source": "0_5_1", "target": "3_9_1", "weight": 1}]}
        """;

    [Fact]
    public async Task A_graph_made_elsewhere_is_kept_with_its_pins_groups_and_descriptions_as_text()
    {
        JsonElement trace = await UploadedAsync(Encoding.UTF8.GetBytes(Small));
        string id = trace.GetProperty("id").GetString()!;
        trace.GetProperty("source").GetString().ShouldBe("uploaded");
        trace.GetProperty("dictionary").GetString().ShouldBe("elsewhere");
        trace.GetProperty("model").ValueKind.ShouldBe(JsonValueKind.Null);

        JsonElement graph = await studio.GetAsync($"/api/traces/{id}/graph");
        graph.GetProperty("edges").GetProperty("weight").EnumerateArray().Select(weight => weight.GetDouble()).ShouldBe([2, 1.5, 1, 0.5, -0.25]);
        JsonElement feature = graph.GetProperty("nodes").EnumerateArray().Single(node => node.GetProperty("id").GetString() == "0_5_1");
        feature.GetProperty("label").GetString().ShouldBe("<img src=x onerror=alert(1)>");
        graph.GetProperty("nodes").EnumerateArray().Single(node => node.GetProperty("kind").GetString() == "target").GetProperty("text").GetString().ShouldBe("x");
        JsonElement story = await studio.GetAsync($"/api/traces/{id}/story");
        story.GetProperty("pinned").EnumerateArray().Select(node => node.GetString()).ShouldBe(["0_5_1"]);
        story.GetProperty("groups")[0].GetProperty("name").GetString().ShouldBe("<b>group</b>");
        string raw = await studio.Client.GetStringAsync($"/api/traces/{id}/graph");
        raw.ShouldNotContain("<img", Case.Sensitive, "JSON that is pasted into a page does not become one");
        await studio.RefusedAsync(HttpStatusCode.Conflict, HttpMethod.Post, "/api/check", new { trace = id, changes = new[] { new { nodes = new[] { "0_5_1" } } } });
    }

    [Theory]
    [InlineData("qwen3-plt-relu")]
    [InlineData("llama-clt-relu")]
    [InlineData("gemma2-clt-jumprelu")]
    [InlineData("gpt2-plt-topk")]
    public async Task Graphs_of_circuit_tracer_are_shown_whole(string name)
    {
        byte[] file = Golden(name);
        JsonElement original = JsonDocument.Parse(file).RootElement;
        string id = (await UploadedAsync(file)).GetProperty("id").GetString()!;
        JsonElement graph = await studio.GetAsync($"/api/traces/{id}/graph");
        float[] expected = [.. original.GetProperty("links").EnumerateArray().Select(link => link.GetProperty("weight").GetSingle()).Order()];
        graph.GetProperty("edges").GetProperty("weight").EnumerateArray().Select(weight => weight.GetSingle()).Order().ShouldBe(expected);
        graph.GetProperty("nodes").EnumerateArray().Count(node => node.GetProperty("kind").GetString() == "feature")
            .ShouldBe(original.GetProperty("nodes").EnumerateArray().Count(node => node.GetProperty("feature_type").GetString() == "cross layer transcoder"));
    }

    [Fact]
    public async Task A_downloaded_graph_is_taken_back_with_its_story()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        JsonElement graph = await studio.GetAsync($"/api/traces/{id}/graph");
        string[] features = [.. graph.GetProperty("nodes").EnumerateArray().Where(node => node.GetProperty("kind").GetString() == "feature").Take(3).Select(node => node.GetProperty("id").GetString()!)];
        await studio.PutAsync($"/api/traces/{id}/story", new { pinned = features, groups = new[] { new { name = "mine", nodes = features[..2] } }, notes = "n", view = new { x = 1 } });

        byte[] file = await studio.Client.GetByteArrayAsync($"/api/traces/{id}/graph.json");
        string copy = (await UploadedAsync(file, "?title=copy")).GetProperty("id").GetString()!;
        JsonElement story = await studio.GetAsync($"/api/traces/{copy}/story");
        story.GetProperty("pinned").EnumerateArray().Select(node => node.GetString()).ShouldBe(features);
        story.GetProperty("groups")[0].GetProperty("nodes").EnumerateArray().Select(node => node.GetString()).ShouldBe(features[..2]);
        JsonElement copied = await studio.GetAsync($"/api/traces/{copy}/graph");
        copied.GetProperty("edges").GetProperty("weight").GetArrayLength().ShouldBe(graph.GetProperty("edges").GetProperty("weight").GetArrayLength());
        (await studio.GetAsync($"/api/traces/{copy}")).GetProperty("model").GetString().ShouldBe("given", "a known model has the same dictionary");
        (await studio.Client.GetByteArrayAsync($"/api/traces/{id}/graph.safetensors")).Length.ShouldBeGreaterThan(1000);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"nodes\": [], \"links\": []}")]
    [InlineData("{\"metadata\": {\"prompt_tokens\": [\"a\"]}, \"nodes\": [], \"links\": []}")]
    [InlineData("{\"metadata\": {\"prompt_tokens\": [5]}, \"nodes\": [], \"links\": []}")]
    [InlineData("{\"metadata\": {\"prompt_tokens\": []}, \"nodes\": [], \"links\": []}")]
    public async Task What_is_no_graph_is_refused(string json)
    {
        using HttpResponseMessage response = await studio.UploadAsync(Encoding.UTF8.GetBytes(json));
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("\"weight\": 1.5", "\"weight\": 1e999", "finite")]
    [InlineData("\"weight\": 1.5", "\"weight\": \"x\"", "weight")]
    [InlineData("\"ctx_idx\": 1, \"feature_type\": \"logit\"", "\"ctx_idx\": 7, \"feature_type\": \"logit\"", "position 7")]
    [InlineData("\"source\": \"E_3_0\"", "\"source\": \"E_9_9\"", "no node")]
    [InlineData("\"source\": \"1_7_1\", \"target\": \"3_9_1\"", "\"source\": \"3_9_1\", \"target\": \"1_7_1\"", "later layer")]
    [InlineData("\"layer\": \"3\"", "\"layer\": \"999999999\"", "layer")]
    [InlineData("\"layer\": \"1\"", "\"layer\": \"-1\"", "layer")]
    [InlineData("\"token_prob\": 0.6", "\"token_prob\": 60", "probability")]
    [InlineData("\"node_id\": \"1_7_1\", \"feature\": 43, \"layer\": \"1\"", "\"node_id\": \"0_5_1\", \"feature\": 20, \"layer\": \"0\"", "twice")]
    [InlineData("\"prompt\": \"ab\"", "\"prompt\": \"\\ud800\"", "Unicode")]
    public async Task A_graph_whose_parts_do_not_fit_is_refused_by_name(string part, string by, string word)
    {
        string json = Small.Replace(part, by, StringComparison.Ordinal);
        json.ShouldNotBe(Small);
        using HttpResponseMessage response = await studio.UploadAsync(Encoding.UTF8.GetBytes(json));
        string answer = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest, answer);
        answer.ShouldContain(word);
    }

    [Fact]
    public async Task Few_nodes_that_claim_many_edges_are_refused()
    {
        string tokens = string.Join(',', Enumerable.Repeat("\"t\"", 50_000));
        string json = $$"""{"metadata": {"prompt_tokens": [{{tokens}}]}, "nodes": [{"node_id": "4000_1_1", "feature": 1, "layer": "4000", "ctx_idx": 1, "feature_type": "logit", "token_prob": 1}], "links": []}""";
        using HttpResponseMessage response = await studio.UploadAsync(Encoding.UTF8.GetBytes(json));
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadAsStringAsync()).ShouldContain("at most");
    }

    [Fact]
    public async Task Damaged_graphs_are_refused_or_shown_and_never_break_the_server()
    {
        byte[] original = Encoding.UTF8.GetBytes(Small);
        for (int seed = 0; seed < 300; seed++)
        {
            using HttpResponseMessage response = await studio.UploadAsync(Mutations.Mutate(original, seed));
            string answer = await response.Content.ReadAsStringAsync();
            ((int)response.StatusCode).ShouldBeOneOf([201, 400]);
            if (response.StatusCode != HttpStatusCode.Created) continue;
            string id = JsonDocument.Parse(answer).RootElement.GetProperty("id").GetString()!;
            await studio.GetAsync($"/api/traces/{id}/graph");
            await studio.SendAsync(HttpMethod.Delete, $"/api/traces/{id}", null);
        }
        (await studio.GetAsync("/api/traces")).GetProperty("traces").ValueKind.ShouldBe(JsonValueKind.Array);
    }

    private static byte[] Golden(string name)
    {
        if (TestFiles.Find($"golden/attribution/{name}/graph.json") is { } plain) return File.ReadAllBytes(plain);
        using GZipStream packed = new(File.OpenRead(TestFiles.Get($"golden/attribution/{name}/graph.json.gz")), CompressionMode.Decompress);
        using MemoryStream bytes = new();
        packed.CopyTo(bytes);
        return bytes.ToArray();
    }

    private async Task<JsonElement> UploadedAsync(byte[] file, string query = "")
    {
        using HttpResponseMessage response = await studio.UploadAsync(file, $"/api/traces/upload{query}");
        string answer = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(HttpStatusCode.Created, answer);
        return JsonDocument.Parse(answer).RootElement;
    }
}
