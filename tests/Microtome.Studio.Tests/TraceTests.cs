using System.Net;
using System.Text.Json;
using Microtome.Circuits;
using Microtome.Studio.Jobs;

namespace Microtome.Studio.Tests;

[Collection(StudioCollection.Name)]
public class TraceTests(RunningStudio studio)
{
    [Fact]
    public async Task A_trace_tells_its_phases_in_order_and_ends_with_a_graph()
    {
        List<(string Event, JsonElement Data)> events = await studio.EventsAsync(HttpMethod.Post, "/api/traces", new { model = "given", prompt = RunningStudio.Prompt, title = "phases" });
        events[^1].Event.ShouldBe("done");
        string[] order = ["forward", "features", "targets", "rows", "saving"];
        int[] phases = [.. events.Select(e => Array.IndexOf(order, e.Data.GetProperty("phase").GetString())).Where(phase => phase >= 0)];
        phases.ShouldBe(phases.Order());
        JsonElement trace = events[^1].Data.GetProperty("trace");
        trace.GetProperty("state").GetString().ShouldBe("done");
        trace.GetProperty("title").GetString().ShouldBe("phases");
        trace.GetProperty("features").GetInt32().ShouldBeGreaterThan(100);
        trace.GetProperty("model").GetString().ShouldBe("given");
        trace.GetProperty("replacement").GetDouble().ShouldBeInRange(0, 1);

        string id = trace.GetProperty("id").GetString()!;
        (await studio.GetAsync("/api/traces")).GetProperty("traces").EnumerateArray().Select(each => each.GetProperty("id").GetString()).ShouldContain(id);
        (await studio.EventsAsync(HttpMethod.Get, $"/api/traces/{id}/events")).Single().Event.ShouldBe("done", "a stream that is opened late says so at once");
    }

    [Fact]
    public async Task The_graph_is_what_pruning_gives_at_each_threshold()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        AttributionGraph graph = GraphFile.Load(studio.Rooms.Store.GraphPath(id));
        foreach ((double nodes, double edges) in new[] { (0.8, 0.98), (0.5, 0.9), (0.95, 1.0) })
        {
            PrunedGraph expected = PrunedGraph.Prune(graph, nodes, edges);
            JsonElement answer = await studio.GetAsync(FormattableString.Invariant($"/api/traces/{id}/graph?nodes={nodes}&edges={edges}"));
            JsonElement columns = answer.GetProperty("edges");
            columns.GetProperty("weight").GetArrayLength().ShouldBe(expected.Edges.Count);
            float[] weights = [.. columns.GetProperty("weight").EnumerateArray().Select(weight => weight.GetSingle())];
            weights.Order().ShouldBe(expected.Edges.Select(edge => edge.Weight).Order());
            weights.Select(Math.Abs).ShouldBe(weights.Select(Math.Abs).OrderDescending());
            int count = answer.GetProperty("nodes").GetArrayLength();
            columns.GetProperty("source").EnumerateArray().Concat(columns.GetProperty("target").EnumerateArray()).ShouldAllBe(index => index.GetInt32() < count);
            string[] ids = [.. answer.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("id").GetString()!)];
            ids.Distinct().Count().ShouldBe(count);
        }
    }

    [Fact]
    public async Task A_nodes_strongest_edges_are_those_of_the_whole_graph()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        JsonElement graph = await studio.GetAsync($"/api/traces/{id}/graph");
        JsonElement target = graph.GetProperty("nodes").EnumerateArray().First(node => node.GetProperty("kind").GetString() == "target");
        JsonElement links = await studio.GetAsync($"/api/traces/{id}/nodes/{target.GetProperty("id").GetString()}?top=7");
        JsonElement[] inputs = [.. links.GetProperty("inputs").EnumerateArray()];
        inputs.Length.ShouldBe(7);
        links.GetProperty("outputs").GetArrayLength().ShouldBe(0);
        foreach (JsonElement input in inputs)
            input.GetProperty("share").GetDouble().ShouldBe(Math.Abs(input.GetProperty("weight").GetDouble()) / target.GetProperty("inputSum").GetDouble(), 1e-6);
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Get, $"/api/traces/{id}/nodes/99_99_99");
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Get, $"/api/traces/{id}/nodes/{inputs[0].GetProperty("node").GetProperty("id").GetString()}?top=0");
    }

    [Fact]
    public async Task Sums_between_groups_add_up_the_edges()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        JsonElement graph = await studio.GetAsync($"/api/traces/{id}/graph?nodes=1&edges=1");
        JsonElement[] nodes = [.. graph.GetProperty("nodes").EnumerateArray()];
        string target = nodes.First(node => node.GetProperty("kind").GetString() == "target").GetProperty("id").GetString()!;
        string[] features = [.. nodes.Where(node => node.GetProperty("kind").GetString() == "feature" && node.GetProperty("layer").GetInt32() == 4).Take(3).Select(node => node.GetProperty("id").GetString()!)];
        double expected = 0;
        JsonElement edges = graph.GetProperty("edges");
        for (int i = 0; i < edges.GetProperty("weight").GetArrayLength(); i++)
            if (nodes[edges.GetProperty("target")[i].GetInt32()].GetProperty("id").GetString() == target && features.Contains(nodes[edges.GetProperty("source")[i].GetInt32()].GetProperty("id").GetString()))
                expected += edges.GetProperty("weight")[i].GetDouble();

        JsonElement sums = await studio.PostAsync($"/api/traces/{id}/sums", new { groups = new object[] { new { name = "late", nodes = features }, new { name = "answer", nodes = new[] { target } } } });
        JsonElement sum = sums.GetProperty("edges").EnumerateArray().Single();
        sum.GetProperty("weight").GetDouble().ShouldBe(expected, 1e-4);
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, $"/api/traces/{id}/sums", new { groups = new object[] { new { name = "a", nodes = features }, new { name = "b", nodes = features } } });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, $"/api/traces/{id}/sums", new { groups = new object[] { new { name = "a", nodes = new[] { "no_such_node" } } } });
    }

    [Fact]
    public async Task One_trace_runs_and_others_know_their_place()
    {
        TaskCompletionSource release = new();
        Job blocking = studio.Rooms.Jobs.Start(studio.Rooms.Jobs.Traces, "blocking-1", "trace", null, keep: true, (_, cancellation) => release.Task.WaitAsync(cancellation));
        try
        {
            string first = (await studio.PostAsync("/api/traces", new { model = "given", prompt = "Tom" })).GetProperty("id").GetString()!;
            string second = (await studio.PostAsync("/api/traces", new { model = "given", prompt = "Lily" })).GetProperty("id").GetString()!;
            JsonElement waiting = await studio.GetAsync($"/api/traces/{second}");
            waiting.GetProperty("state").GetString().ShouldBe("queued");
            waiting.GetProperty("place").GetInt32().ShouldBe(2);
            await studio.RefusedAsync(HttpStatusCode.Conflict, HttpMethod.Get, $"/api/traces/{second}/graph");

            (await studio.PostAsync($"/api/traces/{first}/cancel")).GetProperty("state").GetString().ShouldBe("cancelled");
            (await studio.GetAsync($"/api/traces/{second}")).GetProperty("place").GetInt32().ShouldBe(1);
            Task<List<(string Event, JsonElement Data)>> watching = studio.EventsAsync(HttpMethod.Get, $"/api/traces/{second}/events");
            release.SetResult();
            (await watching)[^1].Event.ShouldBe("done");
            (await studio.GetAsync($"/api/traces/{first}")).GetProperty("state").GetString().ShouldBe("cancelled");
        }
        finally
        {
            release.TrySetResult();
            await blocking.Ended;
        }
    }

    [Fact]
    public async Task A_trace_that_only_a_closed_tab_waited_for_is_cancelled()
    {
        TaskCompletionSource release = new();
        Job blocking = studio.Rooms.Jobs.Start(studio.Rooms.Jobs.Traces, "blocking-2", "trace", null, keep: true, (_, cancellation) => release.Task.WaitAsync(cancellation));
        try
        {
            string left = await StartAndLeaveAsync(keep: false), kept = await StartAndLeaveAsync(keep: true);
            Job job = studio.Rooms.Jobs.Get(left);
            await job.Ended.WaitAsync(TimeSpan.FromMinutes(1));
            (await studio.GetAsync($"/api/traces/{left}")).GetProperty("state").GetString().ShouldBe("cancelled");
            (await studio.GetAsync($"/api/traces/{kept}")).GetProperty("state").GetString().ShouldBe("queued");
            await studio.SendAsync(HttpMethod.Delete, $"/api/traces/{kept}", null);
        }
        finally
        {
            release.TrySetResult();
            await blocking.Ended;
        }
    }

    [Fact]
    public async Task A_tab_that_reloads_or_a_second_one_keeps_a_trace_going()
    {
        TaskCompletionSource release = new();
        Job blocking = studio.Rooms.Jobs.Start(studio.Rooms.Jobs.Traces, "blocking-3", "trace", null, keep: true, (_, cancellation) => release.Task.WaitAsync(cancellation));
        try
        {
            string id = await StartAndLeaveAsync(keep: false);
            Task<List<(string Event, JsonElement Data)>> watching = studio.EventsAsync(HttpMethod.Get, $"/api/traces/{id}/events");
            await Task.Delay(Job.Grace + TimeSpan.FromSeconds(1));
            (await studio.GetAsync($"/api/traces/{id}")).GetProperty("state").GetString().ShouldBe("queued");
            release.SetResult();
            (await watching)[^1].Event.ShouldBe("done");
        }
        finally
        {
            release.TrySetResult();
            await blocking.Ended;
        }
    }

    [Fact]
    public async Task Deleted_traces_leave_nothing()
    {
        string id = (await studio.TraceAsync("Tom")).GetProperty("id").GetString()!;
        File.Exists(studio.Rooms.Store.GraphPath(id)).ShouldBeTrue();
        (await studio.SendAsync(HttpMethod.Patch, $"/api/traces/{id}", new { title = " <b>new</b>\nname " })).GetProperty("title").GetString().ShouldBe("<b>new</b> name");
        await studio.SendAsync(HttpMethod.Delete, $"/api/traces/{id}", null);
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Get, $"/api/traces/{id}");
        File.Exists(studio.Rooms.Store.GraphPath(id)).ShouldBeFalse();
    }

    [Fact]
    public async Task What_cannot_be_traced_is_refused_at_once()
    {
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Post, "/api/traces", new { model = "nothing", prompt = "a" });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/traces", new { model = "given" });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/traces", new { model = "given", prompt = "" });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/traces", new { model = "given", prompt = "a", targetProbability = 2 });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/traces", new { model = "given", prompt = "a", maxFeatures = 0 });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/traces", new { model = "given", prompt = "a", targets = new[] { " notatoken" } });
        (await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/traces", new { model = "given", prompt = string.Concat(Enumerable.Repeat("word ", 600)) })).ShouldContain("context");
        string id = (await studio.TraceAsync("Tom")).GetProperty("id").GetString()!;
        (await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Get, $"/api/traces/{id}/graph?nodes=1.5")).ShouldContain("threshold");
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Get, $"/api/traces/{id}/graph?nodes=NaN");
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Get, $"/api/traces/{id}/graph?nodes=x");
    }

    /// <summary>Starts a trace, opens its stream until the first event, and closes it as a closed tab does.</summary>
    private async Task<string> StartAndLeaveAsync(bool keep)
    {
        using CancellationTokenSource tab = new();
        using HttpResponseMessage response = await studio.StreamAsync(HttpMethod.Post, "/api/traces", new { model = "given", prompt = "Tom", keep }, tab.Token);
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(tab.Token));
        (string _, JsonElement data) = (await RunningStudio.NextEventAsync(reader))!.Value;
        await tab.CancelAsync();
        return data.GetProperty("id").GetString()!;
    }
}
