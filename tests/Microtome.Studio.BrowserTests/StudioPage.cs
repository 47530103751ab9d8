using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

/// <summary>The page as a person uses it.</summary>
public sealed class StudioPage : IAsyncDisposable
{
    private readonly List<string> _errors = [];

    public StudioPage(IPage page)
    {
        Page = page;
        page.PageError += (_, error) => _errors.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error") _errors.Add(message.Text);
        };
    }

    public IPage Page { get; }

    public ILocator Canvas => Page.Locator(".graph-pane .graph-canvas");

    public ILocator Feature => Page.GetByRole(AriaRole.Tabpanel);

    public ILocator Story => Page.GetByRole(AriaRole.Region, new() { Name = "Story", Exact = true });

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public ILocator Labelled(string name) => Page.GetByLabel(name, new() { Exact = true });

    /// <summary>Opens a trace that the API has made.</summary>
    public async Task OpenTraceAsync(string id)
    {
        await WaitUntilOpenAsync();
        await Page.EvaluateAsync("id => history.replaceState(null, '', '#trace=' + id)", id);
        await Page.ReloadAsync();
        await WaitForGraphAsync();
    }

    /// <summary>Waits until the page has its models and traces.</summary>
    public async Task WaitUntilOpenAsync() => await Expect(Page.Locator("#main:not(.fatal)")).ToBeVisibleAsync();

    public async Task WaitForGraphAsync() => await Expect(Page.Locator(".graph-pane .graph-canvas[data-nodes][data-drawn=true]")).ToBeVisibleAsync();

    public async Task<int> NodesAsync() => int.Parse(await Canvas.GetAttributeAsync("data-nodes") ?? "0");

    public async Task<int> EdgesAsync() => int.Parse(await Canvas.GetAttributeAsync("data-edges") ?? "0");

    /// <summary>Goes to the graph and presses keys there.</summary>
    public async Task InGraphAsync(params string[] keys)
    {
        await Canvas.FocusAsync();
        foreach (string key in keys) await Page.Keyboard.PressAsync(key);
    }

    /// <summary>Selects the strongest feature that feeds the most probable output.</summary>
    public async Task SelectStrongestFeatureAsync()
    {
        await InGraphAsync("ArrowUp", "[");
        await Expect(Page.Locator(".feature-id")).ToContainTextAsync("Feature");
    }

    public async Task<string> SelectedAsync() => await Page.Locator("#selected-node").GetAttributeAsync("aria-label") ?? "";

    /// <summary>Where the selected node is on the screen.</summary>
    public async Task<(float X, float Y)> SelectedPlaceAsync()
    {
        LocatorBoundingBoxResult box = (await Page.Locator("#selected-node").BoundingBoxAsync())!;
        return (box.X + box.Width / 2, box.Y + box.Height / 2);
    }

    /// <summary>Says that the test caused an error on purpose, which the browser writes into its console.</summary>
    public void Expected(string text) => _errors.RemoveAll(error => error.Contains(text, StringComparison.Ordinal));

    /// <summary>Keeps a picture of the page in artifacts/screenshots.</summary>
    public async Task PictureAsync(string name)
    {
        string path = Path.Combine(TestFiles.Repository, "artifacts", "screenshots", name + ".png");
        await Page.ScreenshotAsync(new PageScreenshotOptions { Path = path });
    }

    /// <summary>The page did nothing that a browser complains about.</summary>
    public async ValueTask DisposeAsync()
    {
        await Page.Context.CloseAsync();
        _errors.ShouldBeEmpty();
    }
}
