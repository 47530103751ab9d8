using System.Net;
using System.Text.Json;

namespace Microtome.Studio.Tests;

[Collection(StudioCollection.Name)]
public class ModelTests(RunningStudio studio)
{
    [Fact]
    public async Task The_model_of_the_command_line_comes_first_and_those_of_the_program_are_there_too()
    {
        JsonElement[] models = [.. (await studio.GetAsync("/api/models")).GetProperty("models").EnumerateArray()];
        JsonElement model = models[0];
        model.GetProperty("source").GetString().ShouldBe("commandLine");
        model.GetProperty("state").GetString().ShouldBe("ready");
        model.GetProperty("transcoders").GetString().ShouldNotBeNullOrEmpty();
        model.GetProperty("featuresPerLayer").GetArrayLength().ShouldBe(model.GetProperty("layers").GetInt32());
        (await studio.GetAsync("/api/studio")).GetProperty("defaultModel").GetString().ShouldBe(model.GetProperty("id").GetString());
        models.ShouldContain(other => other.GetProperty("id").GetString() == "shipped");
        await studio.PostAsync("/api/models/shipped/load");
    }

    [Fact]
    public async Task Tokens_say_which_were_put_before_the_text()
    {
        JsonElement[] tokens = [.. (await studio.PostAsync("/api/models/given/tokens", new { text = "Once upon a time" })).GetProperty("tokens").EnumerateArray()];
        tokens[0].GetProperty("added").GetBoolean().ShouldBeTrue();
        tokens.Skip(1).ShouldAllBe(token => !token.GetProperty("added").GetBoolean());
        string.Concat(tokens.Skip(1).Select(token => token.GetProperty("text").GetString())).Trim().ShouldBe("Once upon a time");
        (await studio.PostAsync("/api/models/given/tokens", new { text = "" })).GetProperty("tokens").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task The_next_tokens_come_with_probabilities()
    {
        JsonElement[] next = [.. (await studio.PostAsync("/api/models/given/next", new { prompt = RunningStudio.Prompt, top = 5 })).GetProperty("next").EnumerateArray()];
        next.Length.ShouldBe(5);
        double[] probabilities = [.. next.Select(token => token.GetProperty("probability").GetDouble())];
        probabilities.ShouldBe(probabilities.OrderDescending());
        probabilities.Sum().ShouldBeInRange(0.5, 1);
    }

    [Fact]
    public async Task Targets_are_read_as_tracing_reads_them()
    {
        string first = (await studio.PostAsync("/api/models/given/next", new { prompt = RunningStudio.Prompt, top = 1 })).GetProperty("next")[0].GetProperty("text").GetString()!;
        (await studio.PostAsync("/api/models/given/target", new { text = first })).GetProperty("minus").ValueKind.ShouldBe(JsonValueKind.Null);
        (await studio.PostAsync("/api/models/given/target", new { text = $"{first} - the" })).GetProperty("minus").GetInt32().ShouldBeGreaterThan(0);
        (await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/models/given/target", new { text = " unlikelyword" })).ShouldContain("not one token");
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/models/given/target", new { text = $"{first} -{first}" });
    }

    [Theory]
    [InlineData("/etc")]
    [InlineData("..")]
    [InlineData("../../etc")]
    [InlineData("/")]
    [InlineData("C:\\Windows")]
    [InlineData("models/../..")]
    public async Task Models_are_chosen_from_allowed_folders_only(string path) =>
        (await studio.RefusedAsync(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/models", new { model = path, transcoders = path })).ShouldContain("--models");

    [Fact]
    public async Task A_model_of_an_allowed_folder_is_added_used_kept_and_removed()
    {
        JsonElement folders = await studio.GetAsync("/api/folders");
        string[] Listed(string kind) => [.. folders.GetProperty(kind).EnumerateArray().Select(folder => folder.GetString()!)];
        string model = Listed("models").First(folder => folder.EndsWith("stories260k", StringComparison.Ordinal)), transcoders = Listed("transcoders").First(folder => folder.EndsWith("stories260k-transcoders", StringComparison.Ordinal));
        JsonElement added = await studio.PostAsync("/api/models", new { model, transcoders });
        string id = added.GetProperty("id").GetString()!;
        added.GetProperty("state").GetString().ShouldBe("idle");

        List<(string Event, JsonElement Data)> events = await studio.EventsAsync(HttpMethod.Get, $"/api/jobs/{(await studio.PostAsync($"/api/models/{id}/load")).GetProperty("id").GetString()}/events");
        events[^1].Event.ShouldBe("done");
        (await studio.GetAsync($"/api/models/{id}")).GetProperty("state").GetString().ShouldBe("ready");
        (await studio.PostAsync("/api/models", new { model, transcoders })).GetProperty("id").GetString().ShouldBe(id, "adding it again changes nothing");

        await studio.SendAsync(HttpMethod.Delete, $"/api/models/{id}", null);
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Get, $"/api/models/{id}");
        await studio.RefusedAsync(HttpStatusCode.Conflict, HttpMethod.Delete, "/api/models/shipped");
    }

    [Fact]
    public async Task A_model_of_the_Hub_is_not_downloaded_unasked()
    {
        string id = (await studio.PostAsync("/api/models", new { model = "nobody/nothing-of-this-name" })).GetProperty("id").GetString()!;
        (await studio.RefusedAsync(HttpStatusCode.Conflict, HttpMethod.Post, $"/api/models/{id}/tokens", new { text = "a" })).ShouldContain("/load");
    }
}
