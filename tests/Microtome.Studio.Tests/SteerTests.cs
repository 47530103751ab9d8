using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Studio.Models;

namespace Microtome.Studio.Tests;

[Collection(StudioCollection.Name)]
public class SteerTests(RunningStudio studio)
{
    [Fact]
    public async Task Steered_and_unsteered_texts_stream_side_by_side()
    {
        List<(string Event, JsonElement Data)> events = await studio.EventsAsync(HttpMethod.Post, "/api/steer", new
        {
            model = "given",
            prompt = "Tom went to the park. He was",
            maxTokens = 12,
            steering = new[] { new { kind = "feature", layer = 3, feature = 5, strength = 20 } },
        });
        events.First(e => e.Event != "queued").Event.ShouldBe("start");
        events[^1].Event.ShouldBe("done");
        string Joined(string side) => string.Concat(events.Where(e => e.Event == "token" && e.Data.GetProperty("side").GetString() == side).Select(e => e.Data.GetProperty("text").GetString()));
        foreach (string side in new[] { "steered", "unsteered" })
            events.Single(e => e.Event == "end" && e.Data.GetProperty("side").GetString() == side).Data.GetProperty("text").GetString().ShouldBe(Joined(side));

        ModelInUse model = studio.Rooms.Models.Default.InUse!;
        int[] prompt = model.Prompts.Encode("Tom went to the park. He was");
        int[] expected = [.. Generation.Generate(model.Model.Transformer, prompt, new SamplingOptions { MaximumTokens = 12 })];
        events.Where(e => e.Event == "token" && e.Data.GetProperty("side").GetString() == "unsteered").Select(e => e.Data.GetProperty("token").GetInt32()).Where(token => token >= 0)
            .ShouldBe(expected.Where(token => !model.Model.Specification.EndOfText.Contains(token)));
        ForwardHooks hooks = new Experiments.Steering([new LatentEdit(model.Transcoders!, 3, 5, new LatentChange(1, 20), PositionRange.AllButFirst)]).Hooks(model.Model.Specification);
        int[] steered = [.. Generation.Generate(model.Model.Transformer, prompt, new SamplingOptions { MaximumTokens = 12 }, _ => hooks)];
        events.Where(e => e.Event == "token" && e.Data.GetProperty("side").GetString() == "steered").Select(e => e.Data.GetProperty("token").GetInt32()).Where(token => token >= 0)
            .ShouldBe(steered.Where(token => !model.Model.Specification.EndOfText.Contains(token)));
    }

    [Fact]
    public async Task Strength_zero_steers_nothing_and_one_side_can_be_had_alone()
    {
        List<(string Event, JsonElement Data)> events = await studio.EventsAsync(HttpMethod.Post, "/api/steer", new { model = "given", prompt = "Tom", maxTokens = 8, steering = new[] { new { kind = "feature", layer = 0, feature = 1, strength = 0 } } });
        string[] ends = [.. events.Where(e => e.Event == "end").Select(e => e.Data.GetProperty("text").GetString()!)];
        ends.Length.ShouldBe(2);
        ends[0].ShouldBe(ends[1]);
        events = await studio.EventsAsync(HttpMethod.Post, "/api/steer", new { model = "given", prompt = "Tom", maxTokens = 3, unsteered = false });
        events.Count(e => e.Event == "end").ShouldBe(1);
    }

    [Fact]
    public async Task A_vector_is_uploaded_steered_with_by_name_and_deleted()
    {
        byte[] file = await File.ReadAllBytesAsync(await VectorAsync(width: studio.Rooms.Models.Default.InUse!.Model.Specification.ModelWidth, layer: 2));
        using ByteArrayContent content = new(file);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using HttpResponseMessage response = await studio.Client.PostAsync("/api/vectors?model=given&name=up", content);
        response.StatusCode.ShouldBe(HttpStatusCode.Created, await response.Content.ReadAsStringAsync());
        JsonElement vector = (await studio.GetAsync("/api/vectors?model=given")).GetProperty("vectors").EnumerateArray().Single();
        vector.GetProperty("layers").EnumerateArray().Select(layer => layer.GetInt32()).ShouldBe([2]);
        List<(string Event, JsonElement Data)> events = await studio.EventsAsync(HttpMethod.Post, "/api/steer", new { model = "given", prompt = "Tom went", maxTokens = 10, steering = new[] { new { kind = "vector", name = "up", strength = 50 } } });
        string[] ends = [.. events.Where(e => e.Event == "end").Select(e => e.Data.GetProperty("text").GetString()!)];
        ends[0].ShouldNotBe(ends[1]);
        await studio.SendAsync(HttpMethod.Delete, "/api/vectors/up?model=given", null);
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Post, "/api/steer", new { model = "given", prompt = "Tom", steering = new[] { new { kind = "vector", name = "up", strength = 1 } } });
    }

    [Fact]
    public async Task A_vector_for_another_model_or_a_damaged_one_is_refused()
    {
        byte[] other = await File.ReadAllBytesAsync(await VectorAsync(width: 3, layer: 0));
        (await RefusedVectorAsync(other)).ShouldContain("another model");
        byte[] original = await File.ReadAllBytesAsync(await VectorAsync(width: studio.Rooms.Models.Default.InUse!.Model.Specification.ModelWidth, layer: 2));
        for (int seed = 0; seed < 60; seed++)
        {
            using ByteArrayContent content = new(Mutations.Mutate(original, seed, interesting: 200));
            using HttpResponseMessage response = await studio.Client.PostAsync($"/api/vectors?model=given&name=fuzz{seed}", content);
            ((int)response.StatusCode).ShouldBeOneOf([201, 400]);
            string answer = await response.Content.ReadAsStringAsync();
            answer.ShouldNotContain(studio.Folder.Path);
            if (response.StatusCode == HttpStatusCode.Created) await studio.SendAsync(HttpMethod.Delete, $"/api/vectors/fuzz{seed}?model=given", null);
        }
    }

    [Fact]
    public async Task Presets_are_kept_changed_and_deleted()
    {
        object[] steering = [new { kind = "feature", layer = 1, feature = 2, strength = 3.5 }];
        string id = (await studio.PostAsync("/api/presets", new { name = "<i>mine</i>", model = "given", steering, settings = new { temperature = 0.5 } })).GetProperty("id").GetString()!;
        await studio.PutAsync($"/api/presets/{id}", new { name = "ours", model = "given", steering, settings = new { temperature = 0.7 } });
        JsonElement preset = (await studio.GetAsync("/api/presets?model=given")).GetProperty("presets").EnumerateArray().Single(preset => preset.GetProperty("id").GetString() == id);
        preset.GetProperty("name").GetString().ShouldBe("ours");
        preset.GetProperty("steering")[0].GetProperty("strength").GetDouble().ShouldBe(3.5);
        preset.GetProperty("settings").GetProperty("temperature").GetDouble().ShouldBe(0.7);
        await studio.SendAsync(HttpMethod.Delete, $"/api/presets/{id}", null);
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Delete, $"/api/presets/{id}");
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/presets", new { name = "", model = "given", steering });
    }

    [Fact]
    public async Task A_conversation_is_written_as_the_models_template_says()
    {
        // The small model with a template of its own.
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["models/chatty"]);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(TestFiles.Repository, "models", "stories260k"))) File.Copy(file, folder[$"models/chatty/{Path.GetFileName(file)}"]);
        folder.Write("models/chatty/chat_template.jinja", "{% for message in messages %}{{ message['role'] }} said {{ message['content'] }}. {% endfor %}{% if add_generation_prompt %}Tom said{% endif %}");
        await using StudioServer server = await StudioServer.StartAsync(new StudioOptions { DataFolder = folder["data"], Model = folder["models/chatty"] });
        using HttpClient client = new() { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Authorization = new("Bearer", server.Token);
        JsonDocument.Parse(await client.GetStringAsync("/api/models")).RootElement.GetProperty("models")[0].GetProperty("hasChatTemplate").GetBoolean().ShouldBeTrue();
        using HttpResponseMessage response = await client.PostAsync("/api/steer", new StringContent("""{"model": "given", "messages": [{"role": "user", "content": "hello"}], "maxTokens": 2}""", new MediaTypeHeaderValue("application/json")));
        string events = await response.Content.ReadAsStringAsync();
        events.ShouldContain("user said hello. Tom said", Case.Sensitive);
        events.ShouldContain("event: done");
        await studio.RefusedAsync(HttpStatusCode.Conflict, HttpMethod.Post, "/api/steer", new { model = "given", messages = new[] { new { role = "user", content = "hello" } } });
    }

    [Fact]
    public async Task What_cannot_be_steered_is_refused_before_the_stream()
    {
        Task<string> Refused(HttpStatusCode status, object item) => studio.RefusedAsync(status, HttpMethod.Post, "/api/steer", new { model = "given", prompt = "Tom", steering = new[] { item } });
        await Refused(HttpStatusCode.BadRequest, new { kind = "feature", layer = 99, feature = 0, strength = 1 });
        await Refused(HttpStatusCode.BadRequest, new { kind = "feature", layer = 0, feature = 99999, strength = 1 });
        await Refused(HttpStatusCode.BadRequest, new { kind = "wish", strength = 1 });
        await Refused(HttpStatusCode.BadRequest, new { kind = "feature", strength = 1 });
        await Refused(HttpStatusCode.BadRequest, new { kind = "feature", layer = 0, feature = 0, strength = 1e30 });
        await Refused(HttpStatusCode.NotFound, new { kind = "group", trace = "nothing", group = "x", strength = 1 });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/steer", new { model = "given", prompt = "Tom", temperature = -1 });
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/steer", new { model = "given" });
    }

    private async Task<string> RefusedVectorAsync(byte[] file)
    {
        using ByteArrayContent content = new(file);
        return await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/vectors?model=given&name=bad", content);
    }

    private async Task<string> VectorAsync(int width, int layer)
    {
        float[] direction = new float[width];
        Random random = new(1);
        for (int i = 0; i < width; i++) direction[i] = random.NextSingle() - 0.5f;
        string path = studio.Folder[$"vector-{Guid.NewGuid():N}.safetensors"];
        await Task.Run(() => VectorFile.Save(new SteeringVector([KeyValuePair.Create(layer, direction)]), path));
        return path;
    }
}
