using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Playwright;

namespace Microtome.Studio.BrowserTests;

/// <summary>The real program with the model that comes with it, and a Chromium to look at its page with.</summary>
public sealed class Studio : IAsyncLifetime, IDisposable
{
    public const string Prompt = "Once upon a time, there was a little girl named";
    private static readonly string[] Browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    private readonly TemporaryFolder _data = new(), _models = new();
    private Process _program = null!;
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;
    private HttpClient _api = null!;

    public string Entrance { get; private set; } = "";

    /// <summary>The model that the studio is started with, and its transcoders.</summary>
    public static string Model { get; } = Path.Combine(TestFiles.Repository, "models", "stories260k");

    public static string Transcoders { get; } = Path.Combine(TestFiles.Repository, "models", "stories260k-transcoders");

    public async Task InitializeAsync()
    {
        Assertions.SetDefaultExpectTimeout(60_000); // a guard against hanging, not an expectation
        _program = Start("studio", "--no-open", "--json", "--data", _data.Path, "--models", _models.Path, "-m", Model, "-t", Transcoders);
        _program.ErrorDataReceived += (_, _) => { };
        _program.BeginErrorReadLine();
        string line = await _program.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("microtome studio ended without an address.");
        JsonElement record = JsonDocument.Parse(line).RootElement;
        Entrance = record.GetProperty("url").GetString()!;
        _api = new HttpClient { BaseAddress = new Uri(Entrance), Timeout = TimeSpan.FromMinutes(5) };
        _api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", record.GetProperty("token").GetString());

        _playwright = await Playwright.CreateAsync();
        string browser = Environment.GetEnvironmentVariable("CHROMIUM") ?? Browsers.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("These tests need Chromium: install Debian's package chromium, or name a browser in CHROMIUM.");
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = browser,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    public async Task DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
        _program.Kill(entireProcessTree: true);
        await _program.WaitForExitAsync();
    }

    public void Dispose()
    {
        _api.Dispose();
        _program.Dispose();
        _data.Dispose();
        _models.Dispose();
    }

    /// <summary>Opens the page as someone with a screen of this size does. Errors of the page fail the test that disposes it.</summary>
    public async Task<StudioPage> OpenAsync(int width = 1280, int height = 800, ColorScheme scheme = ColorScheme.Light, string hash = "")
    {
        IBrowserContext context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = scheme,
            ReducedMotion = ReducedMotion.Reduce,
            AcceptDownloads = true,
        });
        context.SetDefaultTimeout(60_000);
        IPage page = await context.NewPageAsync();
        StudioPage studio = new(page);
        await page.GotoAsync(Entrance);
        await studio.WaitUntilOpenAsync(); // until then the page writes its own address and has no fields
        if (hash.Length > 0)
        {
            await page.GotoAsync(new Uri(new Uri(Entrance), "/" + hash).ToString());
            await page.ReloadAsync();
            await studio.WaitUntilOpenAsync();
        }
        return studio;
    }

    /// <summary>Traces a prompt through the API. Returns the trace's id.</summary>
    public async Task<string> TraceAsync(string prompt = Prompt, params string[] targets) => await TraceWithAsync(await DefaultModelAsync(), prompt, targets);

    public async Task<string> TraceWithAsync(string model, string prompt, params string[] targets)
    {
        JsonElement trace = await SendAsync(HttpMethod.Post, "/api/traces", new { model, prompt, targets, keep = true });
        string id = trace.GetProperty("id").GetString()!;
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(2));
        while (trace.GetProperty("state").GetString() is "queued" or "running")
        {
            await Task.Delay(50, patience.Token);
            trace = await SendAsync(HttpMethod.Get, $"/api/traces/{id}");
        }
        trace.GetProperty("state").GetString().ShouldBe("done");
        return id;
    }

    /// <summary>Copies one of the repository's models, or its transcoders, into the folder that the studio may take models from.</summary>
    /// <returns>The copy's name there.</returns>
    public string CopyModel(string name, string copy)
    {
        Directory.CreateDirectory(_models[copy]);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(TestFiles.Repository, "models", name))) File.Copy(file, Path.Combine(_models[copy], Path.GetFileName(file)), overwrite: true);
        return copy;
    }

    /// <summary>Gives a copied model a chat template, where checkpoints have it: in tokenizer_config.json.</summary>
    public void AddChatTemplate(string copy, string template)
    {
        string path = Path.Combine(_models[copy], "tokenizer_config.json");
        JsonObject settings = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        settings["chat_template"] = template;
        File.WriteAllText(path, settings.ToJsonString());
    }

    /// <summary>Runs another command of the program to its end.</summary>
    public static async Task RunAsync(params string[] arguments)
    {
        using Process program = Start(arguments);
        Task<string> output = program.StandardOutput.ReadToEndAsync(), errors = program.StandardError.ReadToEndAsync();
        await program.WaitForExitAsync();
        program.ExitCode.ShouldBe(0, await errors + await output);
    }

    private static Process Start(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "microtome.dll"));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    /// <summary>A file for a test to give to the page.</summary>
    public string PathFor(string name) => _models[name];

    public async Task<string> DefaultModelAsync() => (await SendAsync(HttpMethod.Get, "/api/studio")).GetProperty("defaultModel").GetString()!;

    public async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body = null)
    {
        using HttpRequestMessage request = new(method, path);
        if (body is not null) request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await _api.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        response.IsSuccessStatusCode.ShouldBeTrue($"{method} {path}: {text}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }
}

[CollectionDefinition(nameof(Studio))]
public sealed class StudioCollection : ICollectionFixture<Studio>;
