using System.Net;
using System.Text.Json;
using Microtome.Circuits;
using Microtome.Models;
using Microtome.Studio.Models;

namespace Microtome.Studio.Tests;

[Collection(StudioCollection.Name)]
public class CheckTests(RunningStudio studio)
{
    [Fact]
    public async Task Changes_are_measured_with_attention_frozen_and_free_and_compared_with_the_graph()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        string[] nodes = await StrongestAsync(id, 3);
        JsonElement check = await studio.PostAsync("/api/check", new { trace = id, changes = new[] { new { nodes, action = "remove" } }, maxTokens = 5, top = 4 });

        ModelInUse model = studio.Rooms.Models.Default.InUse!;
        int[] tokens = model.Prompts.EncodeForTracing(RunningStudio.Prompt);
        FeatureIntervention[] changes = [.. nodes.Select(node => node.Split('_')).Select(part => new FeatureIntervention(int.Parse(part[0]), int.Parse(part[2]), int.Parse(part[1]), 0))];
        foreach ((string name, InterventionMode mode) in new[] { ("frozenAttention", InterventionMode.FrozenAttention), ("unfrozen", InterventionMode.Unfrozen) })
        {
            Tensor logits = Intervening.Run(model.Replacement!, tokens, changes, mode, logits: LogitRows.Last).Logits;
            foreach (JsonElement token in check.GetProperty(name).GetProperty("after").EnumerateArray())
                token.GetProperty("logit").GetSingle().ShouldBe(logits.Row(0)[token.GetProperty("token").GetInt32()]);
            check.GetProperty(name).GetProperty("continuation").GetString().ShouldNotBeNullOrEmpty();
        }
        check.GetProperty("before").GetArrayLength().ShouldBe(4);
        check.GetProperty("changed").GetInt32().ShouldBe(3);
        check.GetProperty("agreement").GetProperty("frozenAttention").GetDouble().ShouldBeInRange(-1, 1);
        check.GetProperty("predicted").GetArrayLength().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Taking_the_strongest_features_away_does_what_the_graph_predicts()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        JsonElement check = await studio.PostAsync("/api/check", new { trace = id, changes = new[] { new { nodes = await StrongestAsync(id, 5), action = "remove" } } });
        JsonElement effect = check.GetProperty("predicted")[0];
        effect.GetProperty("predicted").GetDouble().ShouldBeLessThan(0);
        effect.GetProperty("frozenAttention").GetDouble().ShouldBeLessThan(0);
        check.GetProperty("agreement").GetProperty("frozenAttention").GetDouble().ShouldBeGreaterThan(0.5);
    }

    [Fact]
    public async Task Changing_nothing_changes_nothing()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        JsonElement check = await studio.PostAsync("/api/check", new { trace = id, changes = new[] { new { nodes = await StrongestAsync(id, 2), action = "scale", value = 1 } } });
        foreach (JsonElement effect in check.GetProperty("predicted").EnumerateArray())
        {
            effect.GetProperty("predicted").GetDouble().ShouldBe(0, 1e-6);
            effect.GetProperty("frozenAttention").GetDouble().ShouldBe(0, 1e-3);
            effect.GetProperty("unfrozen").GetDouble().ShouldBe(0, 1e-3);
        }
    }

    [Fact]
    public async Task Groups_are_changed_by_name_and_prompts_without_a_trace_too()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        string[] nodes = await StrongestAsync(id, 2);
        await studio.PutAsync($"/api/traces/{id}/story", new { pinned = nodes, groups = new[] { new { name = "g", nodes } } });
        object byGroup = new { trace = id, changes = new[] { new { group = "g", action = "set", value = 1.5, everywhere = true } } };
        object byNodes = new { model = "given", prompt = RunningStudio.Prompt, changes = new[] { new { nodes, action = "set", value = 1.5, everywhere = true } } };
        JsonElement first = await studio.PostAsync("/api/check", byGroup), second = await studio.PostAsync("/api/check", byNodes);
        first.GetProperty("unfrozen").GetProperty("after").ToString().ShouldBe(second.GetProperty("unfrozen").GetProperty("after").ToString());
        second.GetProperty("predicted").GetArrayLength().ShouldBe(0);

        List<(string Event, JsonElement Data)> events = await studio.EventsAsync(HttpMethod.Post, "/api/check", byGroup);
        events[^1].Event.ShouldBe("result");
        events[^1].Data.GetProperty("before").ToString().ShouldBe(first.GetProperty("before").ToString());
    }

    [Fact]
    public async Task Scaling_everywhere_goes_on_in_the_continuation()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        string[] nodes = [.. (await StrongestAsync(id, 40)).Select(node => string.Join('_', node.Split('_')[..2]) + "_13").Distinct()];
        async Task<JsonElement> CheckAsync(string action, bool everywhere) =>
            await studio.PostAsync("/api/check", new { trace = id, changes = new[] { new { nodes, action, value = 0, everywhere } }, maxTokens = 20 });
        JsonElement here = await CheckAsync("scale", false), later = await CheckAsync("scale", true), removed = await CheckAsync("set", true);
        string Continuation(JsonElement check) => check.GetProperty("unfrozen").GetProperty("continuation").GetString()!;
        Continuation(later).ShouldBe(Continuation(removed)); // nothing times anything is nothing, wherever it is
        Continuation(later).ShouldNotBe(Continuation(here));
        later.GetProperty("unfrozen").GetProperty("after").ToString().ShouldBe(here.GetProperty("unfrozen").GetProperty("after").ToString()); // the last position is where the changes begin
        later.GetProperty("changed").GetInt32().ShouldBe(here.GetProperty("changed").GetInt32());
    }

    [Fact]
    public async Task What_cannot_be_checked_is_refused()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/check", new { trace = id, changes = Array.Empty<object>() });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/check", new { trace = id, changes = new[] { new { nodes = new[] { "E_1_0" } } } });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/check", new { trace = id, changes = new[] { new { nodes = new[] { "77_0_1" } } } });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/check", new { trace = id, changes = new[] { new { nodes = new[] { "0_0_1" }, action = "explode" } } });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/check", new { trace = id, changes = new[] { new { nodes = new[] { "0_0_1" } } }, maxTokens = 100_000 });
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Post, "/api/check", new { trace = id, changes = new[] { new { group = "nothing" } } });
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Post, "/api/check", new { trace = "nothing", changes = new[] { new { nodes = new[] { "0_0_1" } } } });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/check", new { changes = new[] { new { nodes = new[] { "0_0_1" } } } });
    }

    [Fact]
    public async Task A_trace_compared_with_itself_is_the_same_everywhere()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        JsonElement comparison = await studio.GetAsync($"/api/compare?a={id}&b={id}");
        comparison.GetProperty("summary").GetProperty("onlyA").GetInt32().ShouldBe(0);
        comparison.GetProperty("summary").GetProperty("onlyB").GetInt32().ShouldBe(0);
        comparison.GetProperty("summary").GetProperty("correlation").GetDouble().ShouldBe(1, 1e-9);
        comparison.GetProperty("edges").GetProperty("a").ToString().ShouldBe(comparison.GetProperty("edges").GetProperty("b").ToString());
    }

    [Fact]
    public async Task Prompts_that_differ_in_a_word_share_its_column_and_the_features_elsewhere()
    {
        string a = (await studio.TraceAsync("Tom went to the park. He was")).GetProperty("id").GetString()!, b = (await studio.TraceAsync("Tom went to the house. He was")).GetProperty("id").GetString()!;
        JsonElement comparison = await studio.GetAsync($"/api/compare?a={a}&b={b}");
        JsonElement[] columns = [.. comparison.GetProperty("tokens").EnumerateArray()];
        columns.Count(column => column.GetProperty("textA").ValueKind == JsonValueKind.String && column.GetProperty("textA").GetString() == column.GetProperty("textB").GetString()).ShouldBeGreaterThan(5);
        foreach (JsonElement node in comparison.GetProperty("nodes").EnumerateArray().Where(node => node.GetProperty("kind").GetString() == "feature" && node.GetProperty("state").GetString() == "both"))
        {
            JsonElement one = node.GetProperty("a"), other = node.GetProperty("b"), column = columns[node.GetProperty("column").GetInt32()];
            one.GetProperty("feature").GetInt32().ShouldBe(other.GetProperty("feature").GetInt32());
            one.GetProperty("position").GetInt32().ShouldBe(column.GetProperty("a").GetInt32());
            other.GetProperty("position").GetInt32().ShouldBe(column.GetProperty("b").GetInt32());
        }
        comparison.GetProperty("summary").GetProperty("both").GetInt32().ShouldBeGreaterThan(10);
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Get, $"/api/compare?a={a}&b=nothing");
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Get, $"/api/compare?a={a}");
    }

    /// <summary>The features with the strongest positive direct edges to the first target.</summary>
    private async Task<string[]> StrongestAsync(string id, int count)
    {
        string target = (await studio.GetAsync($"/api/traces/{id}/graph")).GetProperty("nodes").EnumerateArray().First(node => node.GetProperty("kind").GetString() == "target").GetProperty("id").GetString()!;
        return [.. (await studio.GetAsync($"/api/traces/{id}/nodes/{target}?top=200")).GetProperty("inputs").EnumerateArray().Where(link => link.GetProperty("weight").GetDouble() > 0).Select(link => link.GetProperty("node"))
            .Where(node => node.GetProperty("kind").GetString() == "feature").Take(count).Select(node => node.GetProperty("id").GetString()!)];
    }
}
