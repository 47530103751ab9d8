using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
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
    public async Task Pins_are_put_into_a_group_by_the_keyboard_alone()
    {
        await using StudioPage page = await OpenWithPinsAsync();
        IKeyboard keyboard = page.Page.Keyboard;
        ILocator tray = page.Story.Locator(".tray .pin-move"), group = page.Story.Locator(".group-card");
        await tray.First.FocusAsync();
        await keyboard.PressAsync("ArrowDown"); // "new group…", which is the only other choice
        await Expect(group.Locator(".pin")).ToHaveCountAsync(1);
        await tray.First.FocusAsync();
        await keyboard.PressAsync("ArrowDown"); // the group there is now
        await Expect(group.Locator(".pin")).ToHaveCountAsync(2);
        await page.Labelled("Group's name").FocusAsync();
        await keyboard.PressAsync("Control+A");
        await keyboard.TypeAsync("both");
        await keyboard.PressAsync("Enter");
        await Expect(page.Story.Locator(".arrow")).Not.ToHaveCountAsync(0);
        await Expect(page.Story.Locator(".story-state")).ToHaveTextAsync("saved");
        ILocator box = page.Story.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^Group both") });
        await Expect(box).ToBeVisibleAsync();
        string before = (await box.GetAttributeAsync("transform"))!;
        await box.FocusAsync();
        await keyboard.PressAsync("ArrowRight");
        await Expect(box).Not.ToHaveAttributeAsync("transform", before);
        await group.Locator(".pin-move").First.FocusAsync();
        await keyboard.PressAsync("Home");
        await Expect(group.Locator(".pin")).ToHaveCountAsync(1);
        await Expect(page.Story.Locator(".story-state")).ToHaveTextAsync("saved");
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

    [Fact]
    public async Task A_story_is_exported_as_a_drawing_that_needs_no_page()
    {
        await using StudioPage page = await OpenWithGroupAsync();
        XElement svg = XDocument.Parse(Encoding.UTF8.GetString(await ExportAsync(page, "SVG"))).Root!;
        svg.Name.ShouldBe(XName.Get("svg", "http://www.w3.org/2000/svg"));
        string[] texts = [.. svg.Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value)];
        texts.ShouldContain("a <name> & more");
        texts.ShouldContain("“ Lily”");
        texts.ShouldContain(text => text.EndsWith("% of influence", StringComparison.Ordinal));
        string[] arrows = [.. svg.Descendants().Where(element => element.Attribute("marker-end") is not null).Select(element => element.Attribute("stroke")!.Value)];
        arrows.Length.ShouldBe(await page.Story.Locator(".arrow").CountAsync());
        arrows.ShouldAllBe(colour => colour == "rgb(0, 114, 178)" || colour == "rgb(213, 94, 0)");
        svg.DescendantsAndSelf().Attributes().Select(attribute => attribute.Name.LocalName).ShouldNotContain(name => name == "class" || name == "style");
        svg.Descendants().Select(element => element.Name.LocalName).Distinct().ShouldBeSubsetOf(["defs", "marker", "path", "title", "g", "rect", "text"]);
    }

    [Fact]
    public async Task A_story_is_exported_as_a_picture_at_twice_its_size()
    {
        await using StudioPage page = await OpenWithGroupAsync();
        byte[] png = await ExportAsync(page, "PNG");
        png.AsSpan(0, 8).ToArray().ShouldBe([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        int width = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), height = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20));
        string[] size = (await page.Story.Locator(".diagram").GetAttributeAsync("viewBox"))!.Split(' ');
        (width, height).ShouldBe(((int)(2 * double.Parse(size[2], CultureInfo.InvariantCulture)), (int)(2 * double.Parse(size[3], CultureInfo.InvariantCulture))));
        int colours = await page.Page.EvaluateAsync<int>(
            """
            async base64 => {
              const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
              const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
              const canvas = new OffscreenCanvas(picture.width, picture.height);
              const context = canvas.getContext("2d");
              context.drawImage(picture, 0, 0);
              const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
              const colours = new Set();
              for (let i = 0; i < pixels.length; i += 4) colours.add((pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2]);
              return colours.size;
            }
            """,
            Convert.ToBase64String(png));
        colours.ShouldBeGreaterThan(30); // boxes, arrows and letters with their smooth edges
    }

    [Fact]
    public async Task A_story_is_exported_as_JSON_with_its_sums_and_in_Neuronpedias_form()
    {
        await using StudioPage page = await OpenWithGroupAsync();
        JsonElement exported = JsonDocument.Parse(await ExportAsync(page, "JSON")).RootElement;
        JsonElement story = exported.GetProperty("story");
        string[] pinned = [.. story.GetProperty("pinned").EnumerateArray().Select(id => id.GetString()!)];
        pinned.Length.ShouldBe(3);
        JsonElement group = story.GetProperty("groups").EnumerateArray().ShouldHaveSingleItem();
        group.GetProperty("name").GetString().ShouldBe("a <name> & more");
        string member = group.GetProperty("nodes")[0].GetString()!;
        pinned.ShouldContain(member);

        string trace = Regex.Match(page.Page.Url, "trace=([^&]+)").Groups[1].Value;
        var groups = exported.GetProperty("sums").GetProperty("groups").EnumerateArray().Select(one => one.GetProperty("name").GetString()!)
            .Select(name => new { name, nodes = new[] { name == "a <name> & more" ? member : name } });
        JsonElement sums = await studio.SendAsync(HttpMethod.Post, $"/api/traces/{trace}/sums", new { groups });
        JsonElement.DeepEquals(exported.GetProperty("sums"), sums).ShouldBeTrue();

        JsonElement subgraph = exported.GetProperty("subgraph");
        string InInterchange(string id) => id.StartsWith("L_", StringComparison.Ordinal) ? "6" + id[1..] : id; // an output's layer is the number of layers and one
        subgraph.GetProperty("pinnedIds").EnumerateArray().Select(id => id.GetString()!).ShouldBe(pinned.Select(InInterchange));
        subgraph.GetProperty("supernodes").EnumerateArray().ShouldHaveSingleItem().EnumerateArray().Select(part => part.GetString()).ShouldBe(["a <name> & more", member]);
    }

    private async Task<StudioPage> OpenWithGroupAsync()
    {
        StudioPage page = await OpenWithPinsAsync();
        await page.Story.Locator(".pin-move").Last.SelectOptionAsync("new");
        await page.Labelled("Group's name").FillAsync("a <name> & more");
        await page.Labelled("Group's name").PressAsync("Enter");
        await Expect(page.Story.Locator(".box.is-group .box-title")).ToHaveTextAsync("a <name> & more");
        await Expect(page.Story.Locator(".arrow")).Not.ToHaveCountAsync(0);
        await Expect(page.Story.Locator(".story-state")).ToHaveTextAsync("saved");
        return page;
    }

    private static async Task<byte[]> ExportAsync(StudioPage page, string format)
    {
        await page.Story.GetByRole(AriaRole.Button, new() { Name = "Export" }).ClickAsync();
        IDownload download = await page.Page.RunAndWaitForDownloadAsync(() => page.Story.GetByRole(AriaRole.Button, new() { Name = format, Exact = true }).ClickAsync());
        download.SuggestedFilename.ShouldEndWith("." + format.ToLowerInvariant());
        return await File.ReadAllBytesAsync(await download.PathAsync());
    }

    private async Task<StudioPage> OpenWithPinsAsync()
    {
        string id = await studio.TraceAsync();
        StudioPage page = await studio.OpenAsync(1440, 900);
        await page.OpenTraceAsync(id);
        await page.InGraphAsync("ArrowUp", "Enter", "[", "Enter", "[", "[", "Enter");
        await Expect(page.Story.Locator(".pin")).ToHaveCountAsync(3);
        return page;
    }
}
