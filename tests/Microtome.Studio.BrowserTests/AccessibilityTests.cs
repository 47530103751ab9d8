using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class AccessibilityTests(Studio studio)
{
    [Fact]
    public async Task The_main_path_needs_no_pointer()
    {
        await using StudioPage page = await studio.OpenAsync();
        IKeyboard keyboard = page.Page.Keyboard;
        await keyboard.PressAsync("n");
        await Expect(page.Labelled("Prompt")).ToBeFocusedAsync();
        await keyboard.TypeAsync(Studio.Prompt);
        await keyboard.PressAsync("Control+Enter");
        await page.WaitForGraphAsync();
        await page.Labelled("Prompt").BlurAsync();
        await keyboard.PressAsync("e");
        await Expect(page.Canvas).ToBeFocusedAsync();
        foreach (string key in new[] { "ArrowUp", "Enter", "[", "Enter" }) await keyboard.PressAsync(key);
        await Expect(page.Story.Locator(".pin")).ToHaveCountAsync(2);
        await keyboard.PressAsync("c");
        await Expect(page.Page.GetByRole(AriaRole.Tab, new() { Name = "Check" })).ToBeFocusedAsync();
        await TabToAsync(page, page.Button("Add a change"));
        await keyboard.PressAsync("Enter");
        await Expect(page.Page.Locator(".change")).ToHaveCountAsync(1);
        await TabToAsync(page, page.Button("Run"));
        await keyboard.PressAsync("Enter");
        await Expect(page.Page.Locator(".chances tbody tr")).Not.ToHaveCountAsync(0);
        await keyboard.PressAsync("?");
        await Expect(page.Page.GetByRole(AriaRole.Dialog, new() { Name = "Keyboard shortcuts" })).ToBeVisibleAsync();
        await page.PictureAsync("shortcuts");
        await keyboard.PressAsync("Escape");
        await Expect(page.Page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task Contrast_and_labels_are_as_they_should_be(int width, ColorScheme scheme)
    {
        string id = await studio.TraceAsync();
        await studio.TraceAsync("The cat sat on the");
        await using StudioPage page = await studio.OpenAsync(width, 844, scheme);
        await CheckAsync(page, "start");
        await page.OpenTraceAsync(id);
        await page.SelectStrongestFeatureAsync();
        await page.InGraphAsync("Enter");
        await Expect(page.Story.Locator(".pin")).ToHaveCountAsync(1);
        await Expect(page.Feature.GetByText("by decoder direction")).ToBeVisibleAsync();
        await CheckAsync(page, "graph");
        await page.PictureAsync($"graph-{width}-{scheme.ToString().ToLowerInvariant()}");
        await page.Page.GetByRole(AriaRole.Tab, new() { Name = "Check" }).ClickAsync();
        await page.Button("Add a change").ClickAsync();
        await page.Button("Run").ClickAsync();
        await Expect(page.Page.Locator(".chances tbody tr")).Not.ToHaveCountAsync(0);
        await CheckAsync(page, "check");
        foreach (string view in new[] { "Compare", "Steer" })
        {
            await page.GoToAsync(view);
            if (view == "Compare") await Expect(page.Page.Locator(".compare-tables")).ToBeVisibleAsync();
            await CheckAsync(page, view);
            await page.PictureAsync($"{view.ToLowerInvariant()}-{width}-{scheme.ToString().ToLowerInvariant()}");
        }
        await StudioPage.EventuallyAsync(async () => await page.Page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width, "the width of the page");
    }

    [Fact]
    public async Task The_theme_is_chosen_and_remembered()
    {
        await using StudioPage page = await studio.OpenAsync();
        await page.Button("Theme: system").ClickAsync();
        await page.Button("Theme: light").ClickAsync();
        await Expect(page.Page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
        await page.Page.ReloadAsync();
        await Expect(page.Page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
    }

    private static async Task TabToAsync(StudioPage page, ILocator goal)
    {
        await Expect(goal).ToBeEnabledAsync();
        for (int i = 0; i < 30; i++)
        {
            await page.Page.Keyboard.PressAsync("Tab");
            if (await goal.EvaluateAsync<bool>("element => element === document.activeElement")) return;
        }
        throw new InvalidOperationException("Tab does not lead there.");
    }

    /// <summary>axe finds nothing wrong.</summary>
    private static async Task CheckAsync(StudioPage page, string part)
    {
        string axe = Path.Combine(TestFiles.Repository, "src", "Microtome.Studio", "Page", "node_modules", "axe-core", "axe.min.js");
        if (!File.Exists(axe)) throw new FileNotFoundException("axe-core is not installed: run npm ci in src/Microtome.Studio/Page.", axe);
        await page.Page.EvaluateAsync(await File.ReadAllTextAsync(axe));
        string found = await page.Page.EvaluateAsync<string>(
            """
            async () => JSON.stringify((await axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] })).violations
              .map(one => ({ id: one.id, nodes: one.nodes.slice(0, 4).map(node => node.html.slice(0, 160) + " " + (node.any[0]?.message ?? node.failureSummary)) })))
            """);
        JsonDocument.Parse(found).RootElement.GetArrayLength().ShouldBe(0, $"{part}: {found}");
    }
}
