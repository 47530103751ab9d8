using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class TracingTests(Studio studio)
{
    [Fact]
    public async Task A_prompt_is_typed_and_traced()
    {
        await using StudioPage page = await studio.OpenAsync();
        await page.Labelled("Prompt").FillAsync(Studio.Prompt);
        await Expect(page.Page.Locator(".prompt-token")).ToHaveCountAsync(14);
        await Expect(page.Page.Locator("#trace-tokens-count")).ToContainTextAsync("14 tokens of at most 512");

        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Trace Ctrl" }).ClickAsync();
        await page.WaitForGraphAsync();
        await page.WaitForNodesAsync(nodes => nodes > 100);
        await Expect(page.Page.Locator(".trace-line.is-open .trace-answer")).ToContainTextAsync("Lily");
        await Expect(page.Page.Locator(".bar-scores")).ToContainTextAsync("replacement");
        await Expect(page.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("#trace="));
        await page.PictureAsync("trace");
    }

    [Fact]
    public async Task A_likely_next_token_is_chosen_as_what_to_explain()
    {
        await using StudioPage page = await studio.OpenAsync();
        await page.Labelled("Prompt").FillAsync(Studio.Prompt);
        await page.Button("Show next").ClickAsync();
        await page.Page.Locator(".chip", new() { HasText = "Lily" }).ClickAsync();
        await Expect(page.Page.Locator(".chip.is-chosen")).ToHaveCountAsync(1);
        await page.Labelled("Prompt").PressAsync("Control+Enter");
        await page.WaitForGraphAsync();
        await page.InGraphAsync("ArrowUp");
        await page.SelectedIsAsync("Lily");
    }

    [Fact]
    public async Task A_graph_of_some_of_the_active_features_says_so()
    {
        await using StudioPage page = await studio.OpenAsync();
        await page.Labelled("Prompt").FillAsync(Studio.Prompt);
        await page.Page.GetByText("Settings", new() { Exact = true }).ClickAsync();
        await page.Labelled("Features at most").FillAsync("200");
        await page.Labelled("Prompt").PressAsync("Control+Enter");
        await page.WaitForGraphAsync();
        await Expect(page.Page.Locator(".bar-scores")).ToContainTextAsync("200 of 1,323 features");
        await page.Labelled("Features at most").FillAsync("");
        await page.Labelled("Prompt").PressAsync("Control+Enter");
        await Expect(page.Page.Locator(".bar-scores")).Not.ToContainTextAsync("features");
        await page.WaitForGraphAsync();
    }

    [Fact]
    public async Task A_target_that_is_no_token_is_refused_in_words()
    {
        await using StudioPage page = await studio.OpenAsync();
        await page.Labelled("Prompt").FillAsync(Studio.Prompt);
        await page.Labelled("Explain").FillAsync("Constantinople");
        await page.Labelled("Explain").PressAsync("Enter");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Constantinople");
        page.Expected("400");
    }

    [Fact]
    public async Task A_graph_file_is_dropped_into_the_page()
    {
        await using StudioPage page = await studio.OpenAsync();
        string json = await File.ReadAllTextAsync(Path.Combine(TestFiles.Repository, "tests", "data", "golden", "attribution", "qwen3-plt-relu", "graph.json"));
        IJSHandle data = await page.Page.EvaluateHandleAsync(
            """
            text => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([text], "elsewhere.json", { type: "application/json" }));
              return transfer;
            }
            """,
            json);
        await page.Page.DispatchEventAsync("body", "dragenter", new { dataTransfer = data });
        await Expect(page.Page.GetByText("Drop the graph to open it")).ToBeVisibleAsync();
        await page.Page.DispatchEventAsync("body", "drop", new { dataTransfer = data });
        await page.WaitForGraphAsync();
        await page.WaitForEdgesAsync(edges => edges > 0);
        await Expect(page.Page.Locator(".trace-line.is-open")).ToContainTextAsync("elsewhere");
    }

    [Fact]
    public async Task A_file_that_is_no_graph_is_refused_in_words()
    {
        await using StudioPage page = await studio.OpenAsync();
        await page.Labelled("Graph file").SetInputFilesAsync(new FilePayload { Name = "notes.json", MimeType = "application/json", Buffer = "{\"a\": 1}"u8.ToArray() });
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("notes.json");
        page.Expected("400");
    }

    [Fact]
    public async Task A_waiting_trace_is_cancelled()
    {
        List<string> ids = await KeepBusyAsync(4);
        await using StudioPage page = await studio.OpenAsync();
        await page.Button("Cancel long 3").ClickAsync();
        await Expect(page.Page.Locator(".trace-line", new() { HasText = "long 3" })).ToContainTextAsync("cancelled");
        foreach (string id in ids) await studio.SendAsync(HttpMethod.Delete, $"/api/traces/{id}");
    }

    [Fact]
    public async Task A_closed_window_cancels_only_what_it_alone_waited_for()
    {
        await using StudioPage staying = await studio.OpenAsync();
        StudioPage leaving = await studio.OpenAsync();
        List<string> before = await KeepBusyAsync(6);
        string mine = await BeginAsync(leaving, "Sue was happy because she found her"), theirs = await BeginAsync(staying, "Tom was sad because he lost his");
        await leaving.DisposeAsync();
        await StateIsAsync(mine, "cancelled");
        (await studio.SendAsync(HttpMethod.Get, $"/api/traces/{theirs}")).GetProperty("state").GetString().ShouldNotBe("cancelled");
        foreach (string id in before) await studio.SendAsync(HttpMethod.Delete, $"/api/traces/{id}");
        await StateIsAsync(theirs, "done");
        await staying.WaitForGraphAsync();
        await Expect(staying.Page.Locator(".bar-title")).ToContainTextAsync("Tom was sad");

        async Task<string> BeginAsync(StudioPage page, string prompt)
        {
            await page.Labelled("Prompt").FillAsync(prompt);
            await page.Labelled("Prompt").PressAsync("Control+Enter");
            await Expect(page.Page.Locator(".trace-line", new() { HasText = prompt }).First).ToContainTextAsync("before it");
            JsonElement traces = (await studio.SendAsync(HttpMethod.Get, "/api/traces")).GetProperty("traces");
            return traces.EnumerateArray().First(trace => trace.GetProperty("prompt").GetString() == prompt).GetProperty("id").GetString()!;
        }

        Task StateIsAsync(string id, string state) =>
            StudioPage.EventuallyAsync(async () => (await studio.SendAsync(HttpMethod.Get, $"/api/traces/{id}")).GetProperty("state").GetString() == state, $"a trace that is {state}");
    }

    [Fact]
    public async Task An_earlier_trace_is_renamed_and_deleted()
    {
        await studio.TraceAsync("The dog ran to the");
        await using StudioPage page = await studio.OpenAsync();
        await page.Page.Locator(".trace-line", new() { HasText = "The dog ran" }).First.HoverAsync();
        await page.Button("Rename The dog ran to the").First.ClickAsync();
        await page.Labelled("Title").FillAsync("Dogs");
        await page.Labelled("Title").PressAsync("Enter");
        await page.Page.Locator(".trace-line", new() { HasText = "Dogs" }).HoverAsync();
        await page.Button("Delete Dogs").ClickAsync();
        await Expect(page.Page.Locator(".trace-line", new() { HasText = "Dogs" })).ToHaveCountAsync(0);
    }

    /// <summary>Starts traces that each take a second and more, named long 0, long 1, …; what is started after them has to wait.</summary>
    private async Task<List<string>> KeepBusyAsync(int count)
    {
        string model = await studio.DefaultModelAsync(), prompt = string.Join(' ', Enumerable.Repeat(Studio.Prompt, 16));
        List<string> ids = [];
        for (int i = 0; i < count; i++) ids.Add((await studio.SendAsync(HttpMethod.Post, "/api/traces", new { model, prompt, title = $"long {i}", keep = true, maxFeatures = 8000 })).GetProperty("id").GetString()!);
        return ids;
    }
}
