using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

/// <summary>
/// The page as a person uses it. The page draws when it likes, so nothing is read once after an action: a test says what it waits for, with
/// <c>Expect</c> or with a method here that tries again.
/// </summary>
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

    /// <summary>How many nodes the graph at rest has: for comparing with later, when something was done to it.</summary>
    public async Task<int> NodesAsync()
    {
        await WaitForGraphAsync();
        return int.Parse((await Canvas.GetAttributeAsync("data-nodes"))!, CultureInfo.InvariantCulture);
    }

    public Task WaitForNodesAsync(Func<int, bool> holds) => WaitForCountAsync("data-nodes", holds);

    public Task WaitForEdgesAsync(Func<int, bool> holds) => WaitForCountAsync("data-edges", holds);

    private Task WaitForCountAsync(string attribute, Func<int, bool> holds) =>
        EventuallyAsync(async () => int.TryParse(await Canvas.GetAttributeAsync(attribute), CultureInfo.InvariantCulture, out int count) && holds(count), attribute);

    /// <summary>Tries again until something holds.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> holds, string what)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(1)); // a guard against hanging, not an expectation
        while (!await holds())
        {
            if (patience.IsCancellationRequested) throw new TimeoutException($"It did not come to what was expected of {what}.");
            await Task.Delay(50);
        }
    }

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

    /// <summary>The selected node as assistive technology is told of it.</summary>
    public ILocator Selected => Page.Locator("#selected-node");

    /// <summary>Waits until what is selected is described like this.</summary>
    public Task SelectedIsAsync(string pattern) => Expect(Selected).ToHaveAttributeAsync("aria-label", new Regex(pattern));

    /// <summary>Points at the selected node until its card is there, wherever the graph has moved it to meanwhile. Returns where it is on the screen.</summary>
    public async Task<(float X, float Y)> PointAtSelectedAsync()
    {
        (float x, float y) = (0, 0);
        await EventuallyAsync(
            async () =>
            {
                await WaitForGraphAsync();
                if (await Selected.BoundingBoxAsync() is not { } box) return false;
                (x, y) = (box.X + box.Width / 2, box.Y + box.Height / 2);
                await Page.Mouse.MoveAsync(x + 2, y);
                await Page.Mouse.MoveAsync(x, y);
                await Task.Delay(50);
                return await Page.GetByRole(AriaRole.Tooltip).CountAsync() == 1 && await Selected.BoundingBoxAsync() is { } after && after.X == box.X && after.Y == box.Y;
            },
            "the card of the selected node");
        return (x, y);
    }

    /// <summary>Goes to another view and waits until it is there.</summary>
    public async Task GoToAsync(string view)
    {
        await Page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Button, new() { Name = view, Exact = true }).ClickAsync();
        await Expect(Page.Locator(view == "Graph" ? "#main.explore" : $"#main.{view.ToLowerInvariant()}")).ToBeVisibleAsync();
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
