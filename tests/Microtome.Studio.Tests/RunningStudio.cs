using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Microtome.Studio.Tests;

/// <summary>A real server on a free port with a data folder of its own, and a client that has its token.</summary>
#pragma warning disable CA1001 // xunit disposes of it asynchronously
public sealed class RunningStudio : IAsyncLifetime
#pragma warning restore CA1001
{
    public const string Prompt = "Once upon a time, there was a little girl named";

    private readonly TemporaryFolder _folder = new();
    private readonly SocketsHttpHandler _handler = new() { AllowAutoRedirect = false, UseCookies = false };

    /// <summary>A studio for the model that the tests' prompts suit.</summary>
    internal static StudioOptions Options(string data) =>
        new() { DataFolder = data, Model = Path.Combine(TestFiles.Repository, "models", "stories260k"), Transcoders = Path.Combine(TestFiles.Repository, "models", "stories260k-transcoders") };

    internal StudioServer Server { get; private set; } = null!;

    internal StudioRooms Rooms => Server.Rooms!;

    public HttpClient Client { get; private set; } = null!;

    public TemporaryFolder Folder => _folder;

    public Uri Address => Server.Address;

    public async Task InitializeAsync()
    {
        Server = await StudioServer.StartAsync(Options(_folder["data"]) with { ModelFolders = [Path.Combine(TestFiles.Repository, "models")] });
        Client = new HttpClient(_handler) { BaseAddress = Server.Address, Timeout = TimeSpan.FromMinutes(2) };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Server.Token);
    }

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        Client.Dispose();
        _handler.Dispose();
        _folder.Dispose();
    }

    /// <summary>Sends a request without the token or any header of the client's.</summary>
    public async Task<HttpResponseMessage> BareAsync(HttpRequestMessage request)
    {
        using HttpClient bare = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address };
        return await bare.SendAsync(request);
    }

    public Task<JsonElement> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    public Task<JsonElement> PostAsync(string path, object? body = null) => SendAsync(HttpMethod.Post, path, body);

    public Task<JsonElement> PutAsync(string path, object body) => SendAsync(HttpMethod.Put, path, body);

    /// <summary>Sends JSON; the answer must be a success.</summary>
    public async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body)
    {
        using HttpRequestMessage request = new(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using HttpResponseMessage response = await Client.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        response.IsSuccessStatusCode.ShouldBeTrue($"{method} {path}: {(int)response.StatusCode} {text}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Sends JSON; the answer must be a refusal, whose detail is returned.</summary>
    public async Task<string> RefusedAsync(HttpStatusCode status, HttpMethod method, string path, object? body = null)
    {
        using HttpRequestMessage request = new(method, path) { Content = body switch { null => null, HttpContent content => content, _ => JsonContent.Create(body) } };
        using HttpResponseMessage response = await Client.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(status, text);
        response.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
        JsonElement problem = JsonDocument.Parse(text).RootElement;
        problem.GetProperty("status").GetInt32().ShouldBe((int)status);
        string detail = problem.GetProperty("detail").GetString()!;
        detail.ShouldNotContain("   at ");
        return detail;
    }

    /// <summary>Traces a prompt to its end.</summary>
    public async Task<JsonElement> TraceAsync(string prompt = Prompt, object? request = null)
    {
        List<(string Event, JsonElement Data)> events = await EventsAsync(HttpMethod.Post, "/api/traces", request ?? new { model = "given", prompt });
        events[^1].Event.ShouldBe("done", events[^1].Data.ToString());
        return events[^1].Data.GetProperty("trace");
    }

    /// <summary>All events of a stream.</summary>
    public async Task<List<(string Event, JsonElement Data)>> EventsAsync(HttpMethod method, string path, object? body = null)
    {
        List<(string, JsonElement)> events = [];
        using HttpResponseMessage response = await StreamAsync(method, path, body);
        response.Content.Headers.ContentType?.MediaType.ShouldBe("text/event-stream", await (response.IsSuccessStatusCode ? Task.FromResult("") : response.Content.ReadAsStringAsync()));
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(), Encoding.UTF8);
        while (await NextEventAsync(reader) is { } next) events.Add(next);
        return events;
    }

    public async Task<HttpResponseMessage> StreamAsync(HttpMethod method, string path, object? body = null, CancellationToken cancellation = default)
    {
        using HttpRequestMessage request = new(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    public static async Task<(string Event, JsonElement Data)?> NextEventAsync(StreamReader reader)
    {
        string name = "", data = "";
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
            else if (line.Length == 0 && data.Length > 0) return (name, JsonDocument.Parse(data).RootElement);
        }
        return null;
    }

    /// <summary>Uploads a graph.</summary>
    public async Task<HttpResponseMessage> UploadAsync(byte[] file, string path = "/api/traces/upload")
    {
        using ByteArrayContent content = new(file);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await Client.PostAsync(path, content);
    }
}

/// <summary>Tests that share one server; what they make has names of their own.</summary>
[CollectionDefinition(Name)]
#pragma warning disable CA1711 // xunit's word
public sealed class StudioCollection : ICollectionFixture<RunningStudio>
#pragma warning restore CA1711
{
    public const string Name = "studio";
}
