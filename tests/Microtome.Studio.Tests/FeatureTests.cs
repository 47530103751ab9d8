using System.Net;
using System.Text.Json;
using Microtome.Studio.Models;

namespace Microtome.Studio.Tests;

[Collection(StudioCollection.Name)]
public class FeatureTests(RunningStudio studio)
{
    [Fact]
    public async Task Without_an_index_a_feature_still_says_what_it_promotes_and_where_it_fires()
    {
        string id = (await studio.TraceAsync()).GetProperty("id").GetString()!;
        JsonElement node = (await studio.GetAsync($"/api/traces/{id}/graph")).GetProperty("nodes").EnumerateArray().First(node => node.GetProperty("kind").GetString() == "feature");
        JsonElement feature = await studio.GetAsync($"/api/features/{node.GetProperty("layer").GetInt32()}/{node.GetProperty("feature").GetInt32()}?trace={id}");
        double[] promoted = [.. feature.GetProperty("promoted").EnumerateArray().Select(token => token.GetProperty("logit").GetDouble())];
        promoted.ShouldNotBeEmpty();
        promoted.ShouldBe(promoted.OrderDescending());
        feature.GetProperty("suppressed")[0].GetProperty("logit").GetDouble().ShouldBeLessThan(0);
        feature.GetProperty("here").EnumerateArray().ShouldContain(here => here.GetProperty("position").GetInt32() == node.GetProperty("position").GetInt32()
            && here.GetProperty("activation").GetSingle() == node.GetProperty("activation").GetSingle());
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Get, "/api/features/0/99999?model=given");
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Get, "/api/features/99/0?model=given");
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Get, "/api/features/0/0");
    }

    [Fact]
    public async Task Neighbours_are_ordered_by_their_cosine_and_leave_the_feature_out()
    {
        JsonElement[] neighbours = [.. (await studio.GetAsync("/api/features/2/7/neighbours?model=given&count=9")).GetProperty("neighbours").EnumerateArray()];
        neighbours.Length.ShouldBe(9);
        double[] cosines = [.. neighbours.Select(near => near.GetProperty("cosine").GetDouble())];
        cosines.ShouldBe(cosines.OrderDescending());
        cosines.ShouldAllBe(cosine => cosine <= 1.0001);
        neighbours.ShouldAllBe(near => !(near.GetProperty("layer").GetInt32() == 2 && near.GetProperty("feature").GetInt32() == 7));
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Get, "/api/features/2/7/neighbours?model=given&count=0");
    }

    [Fact]
    public async Task Indexing_collects_examples_that_the_features_then_show()
    {
        JsonElement folders = await studio.GetAsync("/api/folders");
        string Listed(string kind, string end) => folders.GetProperty(kind).EnumerateArray().Select(folder => folder.GetString()!).First(folder => folder.EndsWith(end, StringComparison.Ordinal));
        string id = (await studio.PostAsync("/api/models", new { model = Listed("models", "stories260k"), transcoders = Listed("transcoders", "stories260k-transcoders") })).GetProperty("id").GetString()!;
        string job = (await studio.PostAsync($"/api/models/{id}/index", new { tokens = 2000 })).GetProperty("id").GetString()!;
        List<(string Event, JsonElement Data)> events = await studio.EventsAsync(HttpMethod.Get, $"/api/jobs/{job}/events");
        events[^1].Event.ShouldBe("done", events[^1].Data.ToString());

        JsonElement index = (await studio.GetAsync($"/api/models/{id}")).GetProperty("index");
        index.GetProperty("state").GetString().ShouldBe("ready");
        index.GetProperty("kind").GetString().ShouldBe("index");
        index.GetProperty("tokens").GetInt64().ShouldBeGreaterThan(1000);
        int shown = 0;
        for (int feature = 0; feature < 60; feature++)
        {
            JsonElement known = await studio.GetAsync($"/api/features/1/{feature}?model={id}");
            known.GetProperty("indexed").GetBoolean().ShouldBeTrue();
            foreach (JsonElement example in known.GetProperty("examples").EnumerateArray())
            {
                shown++;
                example.GetProperty("tokens").GetArrayLength().ShouldBe(example.GetProperty("activations").GetArrayLength());
                example.GetProperty("peak").GetInt32().ShouldBeInRange(0, example.GetProperty("tokens").GetArrayLength() - 1);
                example.GetProperty("from").GetDouble().ShouldBeLessThanOrEqualTo(example.GetProperty("to").GetDouble());
            }
            if (known.GetProperty("histogram") is { ValueKind: JsonValueKind.Object } histogram)
                histogram.GetProperty("edges").GetArrayLength().ShouldBe(histogram.GetProperty("counts").GetArrayLength() + 1);
        }
        shown.ShouldBeGreaterThan(20);
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, $"/api/models/{id}/index", new { tokens = 1 });
        await studio.SendAsync(HttpMethod.Delete, $"/api/models/{id}", null);
    }

    [Fact]
    public async Task A_folder_of_feature_JSON_given_with_a_model_is_read()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["data"]);
        // Cantor's pairing of layer 0 and feature 3 is 9.
        Directory.CreateDirectory(folder["features"]);
        folder.Write("features/9.json", """{"index": 3, "top_logits": [" cat"], "bottom_logits": [" dog"], "act_min": 0, "act_max": 2, "quantile_values": [], "histogram": [], "examples_quantiles": [{"quantile_name": "Top", "examples": [{"tokens": ["a", "<b>b</b>"], "tokens_acts_list": [0, 2], "train_token_ind": 1, "is_repeated_datapoint": false}]}]}""");
        await using StudioServer server = await StudioServer.StartAsync(new StudioOptions { DataFolder = folder["data"], Index = folder["features"] });
        await server.Rooms!.Models.UseAsync(ModelShelf.Shipped, CancellationToken.None);
        using HttpClient client = new() { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Authorization = new("Bearer", server.Token);
        JsonElement feature = JsonDocument.Parse(await client.GetStringAsync("/api/features/0/3?model=shipped")).RootElement;
        feature.GetProperty("indexed").GetBoolean().ShouldBeTrue();
        feature.GetProperty("promoted")[0].GetProperty("text").GetString().ShouldBe(" cat");
        feature.GetProperty("examples")[0].GetProperty("tokens")[1].GetString().ShouldBe("<b>b</b>");
        JsonDocument.Parse(await client.GetStringAsync("/api/models/shipped")).RootElement.GetProperty("index").GetProperty("kind").GetString().ShouldBe("neuronpedia");
    }

    [Fact]
    public async Task An_export_of_Neuronpedia_labels_features_and_shows_their_examples()
    {
        using TemporaryFolder folder = new();
        foreach (string part in new[] { "features", "activations", "explanations" }) Directory.CreateDirectory(folder[$"world/0-mlp/{part}"]);
        folder.Write("world/0-mlp/features/batch-0.jsonl", """{"layer": "0-mlp", "index": "3", "maxActApprox": 2, "pos_str": [" cat"], "pos_values": [1]}""" + "\n");
        folder.Write("world/0-mlp/activations/batch-0.jsonl", """{"index": "3", "tokens": ["a", "b"], "values": [0, 2], "maxValueTokenIndex": 1}""" + "\n");
        folder.Write("world/0-mlp/explanations/batch-0.jsonl", """{"index": "3", "description": "cats"}""" + "\n");
        await using StudioServer server = await StudioServer.StartAsync(new StudioOptions { DataFolder = folder["data"], Index = folder["world"] });
        await server.Rooms!.Models.UseAsync(ModelShelf.Shipped, CancellationToken.None);
        using HttpClient client = new() { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Authorization = new("Bearer", server.Token);
        JsonElement feature = JsonDocument.Parse(await client.GetStringAsync("/api/features/0/3?model=shipped")).RootElement;
        feature.GetProperty("label").GetString().ShouldBe("cats");
        feature.GetProperty("labelSource").GetString().ShouldBe("file");
        feature.GetProperty("examples")[0].GetProperty("peak").GetInt32().ShouldBe(1);
        JsonElement found = JsonDocument.Parse(await client.GetStringAsync("/api/features?search=cats&model=shipped")).RootElement.GetProperty("features");
        found.EnumerateArray().ShouldHaveSingleItem().GetProperty("feature").GetInt32().ShouldBe(3);
    }
}
