using System.Net;
using System.Text.Json;

namespace Microtome.Studio.Tests;

[Collection(StudioCollection.Name)]
public class StoryTests(RunningStudio studio)
{
    private const string Html = "<script>alert('x')</script> & \"friends\" 日本";

    [Fact]
    public async Task A_story_is_kept_as_it_was_given()
    {
        string id = (await studio.TraceAsync("Tom")).GetProperty("id").GetString()!;
        JsonElement empty = await studio.GetAsync($"/api/traces/{id}/story");
        empty.GetProperty("pinned").GetArrayLength().ShouldBe(0);
        empty.GetProperty("view").ValueKind.ShouldBe(JsonValueKind.Object);
        await studio.PutAsync($"/api/traces/{id}/story", new { pinned = new[] { "a", "b" }, groups = new[] { new { name = Html, nodes = new[] { "a" } } }, notes = Html, view = new { zoom = 2 } });
        JsonElement story = await studio.GetAsync($"/api/traces/{id}/story");
        story.GetProperty("groups")[0].GetProperty("name").GetString().ShouldBe(Html);
        story.GetProperty("notes").GetString().ShouldBe(Html);
        story.GetProperty("view").GetProperty("zoom").GetInt32().ShouldBe(2);
        (await studio.Client.GetStringAsync($"/api/traces/{id}/story")).ShouldNotContain("<script");

        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Put, $"/api/traces/{id}/story", new { pinned = Array.Empty<string>(), groups = new[] { new { name = "x", nodes = new[] { "a" } }, new { name = "y", nodes = new[] { "a" } } } });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Put, $"/api/traces/{id}/story", new { pinned = Enumerable.Repeat("a", 3000), groups = Array.Empty<object>() });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Put, $"/api/traces/{id}/story", new { pinned = Array.Empty<string>(), groups = Array.Empty<object>(), view = new { text = new string('x', 70_000) } });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Put, $"/api/traces/{id}/story", new { pinned = Array.Empty<string>() });
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Put, "/api/traces/nothing/story", new { pinned = Array.Empty<string>(), groups = Array.Empty<object>() });
    }

    [Fact]
    public async Task Labels_are_text_found_by_their_words_and_shown_on_nodes()
    {
        JsonElement trace = await studio.TraceAsync();
        string id = trace.GetProperty("id").GetString()!, dictionary = trace.GetProperty("dictionary").GetString()!;
        JsonElement node = (await studio.GetAsync($"/api/traces/{id}/graph")).GetProperty("nodes")[0];
        int layer = node.GetProperty("layer").GetInt32(), feature = node.GetProperty("feature").GetInt32();
        await studio.PutAsync("/api/labels", new { dictionary, layer, feature, text = Html });
        JsonElement[] found = [.. (await studio.GetAsync($"/api/labels?dictionary={dictionary}&search=alert('x')")).GetProperty("labels").EnumerateArray()];
        found.Single().GetProperty("text").GetString().ShouldBe(Html);
        (await studio.GetAsync($"/api/labels?dictionary={dictionary}&search=%25")).GetProperty("labels").GetArrayLength().ShouldBe(0, "a percent sign is itself");
        (await studio.GetAsync($"/api/traces/{id}/graph")).GetProperty("nodes")[0].GetProperty("label").GetString().ShouldBe(Html);
        (await studio.GetAsync($"/api/features/{layer}/{feature}?trace={id}")).GetProperty("labelSource").GetString().ShouldBe("user");
        (await studio.GetAsync($"/api/features?trace={id}&search=friends")).GetProperty("features")[0].GetProperty("feature").GetInt32().ShouldBe(feature);

        await studio.PutAsync("/api/labels", new { dictionary, layer, feature, text = " " });
        (await studio.GetAsync($"/api/traces/{id}/graph")).GetProperty("nodes")[0].GetProperty("label").ValueKind.ShouldBe(JsonValueKind.Null);
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Put, "/api/labels", new { dictionary, layer, feature, text = new string('x', 2001) });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Put, "/api/labels", new { dictionary, layer = -1, feature, text = "x" });
    }

    [Fact]
    public async Task Subgraphs_are_exchanged_in_Neuronpedias_form()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        string[] nodes = [.. (await studio.GetAsync($"/api/traces/{id}/graph")).GetProperty("nodes").EnumerateArray().Where(node => node.GetProperty("kind").GetString() == "feature").Take(3).Select(node => node.GetProperty("id").GetString()!)];
        JsonElement story = await studio.PutAsync($"/api/traces/{id}/subgraph", new
        {
            pinnedIds = nodes.Append("99_99_99"),
            supernodes = new[] { new[] { "group", nodes[0], nodes[1] } },
            clerps = new[] { new[] { nodes[2], "from elsewhere" } },
            linkType = "both",
            clickedId = "",
            sg_pos = "",
        });
        story.GetProperty("pinned").GetArrayLength().ShouldBe(3);
        JsonElement back = await studio.GetAsync($"/api/traces/{id}/subgraph");
        back.GetProperty("supernodes")[0].EnumerateArray().Select(part => part.GetString()).ShouldBe(["group", nodes[0], nodes[1]]);
        back.GetProperty("clerps").EnumerateArray().ShouldContain(clerp => clerp[0].GetString() == nodes[2] && clerp[1].GetString() == "from elsewhere");
        back.TryGetProperty("sg_pos", out _).ShouldBeTrue();
    }
}
