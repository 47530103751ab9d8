using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class StoryTests(Studio studio)
{
    [Fact]
    public async Task Pinned_features_are_dragged_into_a_named_group_whose_edges_are_summed()
    {
        await using StudioPage page = await OpenWithPinsAsync();
        await page.Button("New group").ClickAsync();
        await page.Labelled("Group's name").FillAsync("girls' names");
        await page.Labelled("Group's name").PressAsync("Enter");
        ILocator group = page.Story.GetByRole(AriaRole.Region, new() { Name = "Group girls' names" });
        for (int i = 0; i < 2; i++)
        {
            await page.Story.Locator(".tray .pin").First.DragToAsync(group);
            await Expect(group.Locator(".pin")).ToHaveCountAsync(i + 1);
        }
        await Expect(page.Story.Locator(".box.is-group .box-title")).ToHaveTextAsync("girls' names");
        await Expect(page.Story.Locator(".arrow")).Not.ToHaveCountAsync(0);
        await Expect(page.Story.Locator(".story-state")).ToHaveTextAsync("saved");
        await page.PictureAsync("story");
    }

    [Fact]
    public async Task A_story_is_kept_with_the_graph_and_in_the_address()
    {
        string address;
        await using (StudioPage page = await OpenWithPinsAsync())
        {
            await page.Story.Locator(".pin-move").First.SelectOptionAsync("new");
            await Expect(page.Story.Locator(".group-card .pin")).ToHaveCountAsync(1);
            await Expect(page.Story.Locator(".story-state")).ToHaveTextAsync("saved");
            address = page.Page.Url;
            address.ShouldContain("group=");
        }
        await using StudioPage other = await studio.OpenAsync(hash: new Uri(address).Fragment);
        await other.WaitForGraphAsync();
        await Expect(other.Story.Locator(".group-card .pin")).ToHaveCountAsync(1);
        await Expect(other.Story.Locator(".story-state")).ToHaveTextAsync("saved");
    }

    [Theory]
    [InlineData("SVG", "<svg")]
    [InlineData("PNG", "PNG")]
    [InlineData("JSON", "supernodes")]
    public async Task A_story_is_exported(string format, string mark)
    {
        await using StudioPage page = await OpenWithPinsAsync();
        await Expect(page.Story.Locator(".arrow")).Not.ToHaveCountAsync(0);
        await page.Story.GetByRole(AriaRole.Button, new() { Name = "Export" }).ClickAsync();
        IDownload download = await page.Page.RunAndWaitForDownloadAsync(() => page.Story.GetByRole(AriaRole.Button, new() { Name = format, Exact = true }).ClickAsync());
        byte[] bytes = await File.ReadAllBytesAsync(await download.PathAsync());
        string text = System.Text.Encoding.Latin1.GetString(bytes);
        text.ShouldContain(mark);
        if (format == "SVG") System.Xml.Linq.XDocument.Parse(text).Root!.Name.LocalName.ShouldBe("svg");
        if (format == "JSON") JsonDocument.Parse(bytes).RootElement.GetProperty("story").GetProperty("pinned").GetArrayLength().ShouldBe(3);
    }

    private async Task<StudioPage> OpenWithPinsAsync()
    {
        string id = await studio.TraceAsync();
        StudioPage page = await studio.OpenAsync(1440, 900);
        await page.OpenTraceAsync(id);
        await page.InGraphAsync("ArrowUp", "Enter", "[", "Enter", "[", "[");
        await page.InGraphAsync("Enter");
        await Expect(page.Story.Locator(".pin")).ToHaveCountAsync(3);
        return page;
    }
}
