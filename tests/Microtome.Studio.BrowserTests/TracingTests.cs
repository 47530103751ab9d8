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
        (await page.NodesAsync()).ShouldBeGreaterThan(100);
        await Expect(page.Page.Locator(".trace-line.is-open .trace-answer")).ToContainTextAsync("Lily");
        await Expect(page.Page.Locator(".bar-scores")).ToContainTextAsync("replacement");
        page.Page.Url.ShouldContain("#trace=");
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
        (await page.SelectedAsync()).ShouldContain("Lily");
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
        (await page.EdgesAsync()).ShouldBeGreaterThan(0);
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
        string model = await studio.DefaultModelAsync();
        string text = string.Join(' ', Enumerable.Repeat(Studio.Prompt, 16));
        for (int i = 0; i < 3; i++) await studio.SendAsync(HttpMethod.Post, "/api/traces", new { model, prompt = text, title = $"long {i}", keep = true, maxFeatures = 4000 });
        await using StudioPage page = await studio.OpenAsync();
        await page.Button("Cancel long 2").ClickAsync();
        await Expect(page.Page.Locator(".trace-line", new() { HasText = "long 2" })).ToContainTextAsync("cancelled");
        foreach (string title in new[] { "long 1", "long 0" })
        {
            ILocator cancel = page.Button($"Cancel {title}");
            if (await cancel.CountAsync() > 0) await cancel.ClickAsync();
        }
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
}
