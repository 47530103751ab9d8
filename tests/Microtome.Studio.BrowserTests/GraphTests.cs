using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using Xunit.Abstractions;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class GraphTests(Studio studio, ITestOutputHelper output)
{
    [Fact]
    public async Task The_pointer_shows_a_nodes_strongest_inputs_and_outputs_and_pins_it()
    {
        await using StudioPage page = await OpenAsync();
        await page.SelectStrongestFeatureAsync();
        (float x, float y) = await page.PointAtSelectedAsync();
        ILocator card = page.Page.GetByRole(AriaRole.Tooltip);
        await Expect(card).ToContainTextAsync("Strongest inputs");
        await Expect(card).ToContainTextAsync("Strongest outputs");
        await Expect(card).ToContainTextAsync("writes towards");
        await page.PictureAsync("hover");
        await page.Page.Mouse.ClickAsync(x, y);
        await Expect(page.Story.Locator(".pin")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task The_sliders_prune_again()
    {
        await using StudioPage page = await OpenAsync();
        int nodes = await page.NodesAsync();
        string edges = (await page.Canvas.GetAttributeAsync("data-edges"))!;
        await page.Labelled("Edges").FocusAsync();
        for (int i = 0; i < 20; i++) await page.Page.Keyboard.PressAsync("ArrowLeft");
        await Expect(page.Canvas).Not.ToHaveAttributeAsync("data-edges", edges);
        await page.Labelled("Nodes").FocusAsync();
        await page.Page.Keyboard.PressAsync("Home");
        await page.WaitForNodesAsync(left => left < nodes / 4);
    }

    [Fact]
    public async Task A_search_finds_features_by_id_and_tokens_by_text()
    {
        await using StudioPage page = await OpenAsync();
        ILocator search = page.Labelled("Search labels, tokens and feature ids");
        await search.FillAsync("4/142");
        await Expect(page.Page.Locator(".search-count")).ToContainTextAsync("1 found");
        await search.PressAsync("Enter");
        await page.SelectedIsAsync("4/142");
        await search.FillAsync("named");
        await Expect(page.Page.Locator(".search-count")).Not.ToContainTextAsync("1 found");
        await search.FillAsync("no such thing");
        await Expect(page.Page.GetByText("Nothing matches")).ToBeVisibleAsync();
        await page.Button("Clear the filters").ClickAsync();
        await Expect(search).ToHaveValueAsync("");
    }

    [Fact]
    public async Task Nodes_are_filtered_by_token_and_layer()
    {
        await using StudioPage page = await OpenAsync();
        await page.Button("Filter").ClickAsync();
        await page.Labelled("Layer").SelectOptionAsync("2");
        await page.InGraphAsync("Home");
        await page.InGraphAsync("ArrowRight");
        await page.SelectedIsAsync("(Feature 2/|layer 2)");
    }

    [Fact]
    public async Task Nodes_are_filtered_by_whether_they_have_a_label()
    {
        string trace = await studio.TraceAsync();
        JsonElement detail = await studio.SendAsync(HttpMethod.Get, $"/api/features/4/402?trace={trace}");
        object Label(string text) => new { dictionary = detail.GetProperty("dictionary").GetString(), layer = 4, feature = 402, text };
        await studio.SendAsync(HttpMethod.Put, "/api/labels", Label("the only one with a name"));
        await using StudioPage page = await studio.OpenAsync();
        await page.OpenTraceAsync(trace);
        await page.Button("Filter").ClickAsync();
        await page.Labelled("Nodes to show").SelectOptionAsync("labelled");
        foreach (string key in new[] { "Home", "ArrowRight", "End" })
        {
            await page.InGraphAsync(key);
            await page.SelectedIsAsync("Feature 4/402, the only one with a name");
        }
        await page.Labelled("Nodes to show").SelectOptionAsync("all");
        await page.InGraphAsync("End", "ArrowDown");
        await page.SelectedIsAsync("layer [0-3]|Feature [0-3]/");
        await studio.SendAsync(HttpMethod.Put, "/api/labels", Label(""));
    }

    [Fact]
    public async Task The_picture_follows_the_theme()
    {
        await using StudioPage page = await OpenAsync();
        await DrawnInAsync("rgb(255, 255, 255)");
        await page.Page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = ColorScheme.Dark });
        await DrawnInAsync("rgb(24, 25, 28)");
        await page.Button("Theme: system").ClickAsync();
        await DrawnInAsync("rgb(255, 255, 255)");
        await page.Button("Theme: light").ClickAsync();
        await DrawnInAsync("rgb(24, 25, 28)");

        // The corner beneath the axes has the surface's colour, the edges' colours lie somewhere in the picture.
        Task DrawnInAsync(string surface) => StudioPage.EventuallyAsync(
            async () => await page.Page.EvaluateAsync<bool>(
                """
                surface => {
                  const canvas = document.querySelector(".graph-pane canvas");
                  const [r, g, b] = canvas.getContext("2d").getImageData(4, canvas.height - 4, 1, 1).data;
                  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
                  const colours = new Set();
                  for (let i = 0; i < pixels.length; i += 4) colours.add((pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2]);
                  return `rgb(${r}, ${g}, ${b})` === surface && colours.size > 50;
                }
                """,
                surface),
            $"a picture on {surface}");
    }

    [Fact]
    public async Task What_steering_added_has_a_mark_and_words_of_its_own()
    {
        string folder = studio.PathFor("steered");
        await Studio.RunAsync("trace", "-m", Studio.Model, "-t", Studio.Transcoders, "--prompt", "Lily had a", "--steer", "random:7@2:8u@3-", "--out", folder);
        await using StudioPage page = await OpenAsync();
        ILocator legend = page.Page.GetByRole(AriaRole.List, new() { Name = "Legend" });
        await Expect(legend).ToContainTextAsync("error");
        await Expect(legend).Not.ToContainTextAsync("steering");
        await page.Labelled("Graph file").SetInputFilesAsync(Path.Combine(folder, "graph.json"));
        await Expect(page.Page.Locator(".bar-title")).ToContainTextAsync("Lily had a");
        await Expect(legend).ToContainTextAsync("steering");
        await page.WaitForGraphAsync();
        await page.Labelled("Search labels, tokens and feature ids").FillAsync("steering");
        await page.Labelled("Search labels, tokens and feature ids").PressAsync("Enter");
        await page.SelectedIsAsync("^Steering in layer 2 at “ had”|^Steering in layer 2 at “ a”");
        await Expect(page.Feature).ToContainTextAsync("What steering added to the stream");
        await page.PointAtSelectedAsync();
        await Expect(page.Page.GetByRole(AriaRole.Tooltip)).ToContainTextAsync("a cause from outside");
        await Expect(page.Page.GetByRole(AriaRole.Tooltip)).ToContainTextAsync("Strongest outputs");
        await page.PictureAsync("steering-nodes");
    }

    [Fact]
    public async Task The_features_of_a_token_are_shown_as_one_node_a_layer()
    {
        await using StudioPage page = await OpenAsync();
        int nodes = await page.NodesAsync();
        await page.SelectStrongestFeatureAsync();
        await page.InGraphAsync("g");
        await page.WaitForNodesAsync(left => left < nodes - 20);
        await page.PictureAsync("grouped");
    }

    [Theory]
    [InlineData(1280, "Filter", "Filter nodes")]
    [InlineData(390, "Filter", "Filter nodes")]
    [InlineData(1280, "Group the features of tokens", "Group the features of tokens")]
    [InlineData(390, "Group the features of tokens", "Group the features of tokens")]
    public async Task What_a_button_opens_lies_within_its_pane(int width, string button, string name)
    {
        string id = await studio.TraceAsync();
        await using StudioPage page = await studio.OpenAsync(width, 844);
        await page.OpenTraceAsync(id);
        await page.Button(button).ClickAsync();
        await StudioPage.EventuallyAsync(
            async () => await page.Page.Locator(".graph-pane").BoundingBoxAsync() is { } pane && await page.Page.GetByRole(AriaRole.Group, new() { Name = name, Exact = true }).BoundingBoxAsync() is { } panel
                && panel.X >= pane.X && panel.X + panel.Width <= pane.X + pane.Width && panel.Y + panel.Height <= pane.Y + pane.Height,
            $"the panel \"{name}\"");
        await page.PictureAsync($"panel-{width}-{button.Split(' ')[0].ToLowerInvariant()}");
    }

    [Fact]
    public async Task A_pane_fills_the_window_and_gives_it_back()
    {
        await using StudioPage page = await OpenAsync();
        await page.Button("Full window: Graph").ClickAsync();
        await WidthIsAsync(width => width == 1280);
        await page.PictureAsync("full-window");
        await page.Page.Keyboard.PressAsync("Escape");
        await WidthIsAsync(width => width < 1000);

        Task WidthIsAsync(Func<float, bool> holds) =>
            StudioPage.EventuallyAsync(async () => await page.Page.Locator(".graph-pane").BoundingBoxAsync() is { } box && holds(box.Width), "the pane's width");
    }

    [Fact]
    public async Task A_large_graph_is_panned_and_zoomed()
    {
        await using StudioPage page = await studio.OpenAsync();
        await page.Labelled("Graph file").SetInputFilesAsync(new FilePayload { Name = "large.json", MimeType = "application/json", Buffer = LargeGraph(nodes: 1500, edges: 60_000) });
        await page.WaitForGraphAsync();
        await page.WaitForEdgesAsync(edges => edges > 59_900);
        LocatorBoundingBoxResult box = (await page.Canvas.BoundingBoxAsync())!;
        await page.Page.EvaluateAsync(
            """
            () => {
              window.frameTimes = [];
              const note = (time) => { window.frameTimes.push(time); requestAnimationFrame(note); };
              requestAnimationFrame(note);
            }
            """);
        (float x, float y) = (box.X + box.Width / 2, box.Y + box.Height / 2);
        await page.Page.Mouse.MoveAsync(x, y);
        await page.Page.Mouse.DownAsync();
        for (int i = 0; i < 120; i++) await page.Page.Mouse.MoveAsync(x + 140 * MathF.Sin(i * 0.1f), y + 90 * MathF.Sin(i * 0.07f));
        await page.Page.Mouse.UpAsync();
        double[] times = await page.Page.EvaluateAsync<double[]>("window.frameTimes");
        double[] gaps = [.. times.Zip(times.Skip(1), (a, b) => b - a).Order()];
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Panning 1,500 nodes and 60,000 edges: {gaps.Length * 1000 / gaps.Sum():0} frames a second, median {gaps[gaps.Length / 2]:0.0} ms, 95th percentile {gaps[gaps.Length * 95 / 100]:0.0} ms."));
        await page.Page.Mouse.WheelAsync(0, -400);
        await page.WaitForGraphAsync();
        await page.PictureAsync("large");
    }

    private async Task<StudioPage> OpenAsync()
    {
        string id = await studio.TraceAsync();
        StudioPage page = await studio.OpenAsync();
        await page.OpenTraceAsync(id);
        return page;
    }

    /// <summary>A graph.json of 24 tokens and 12 layers, with random edges that go upwards and never to an earlier token.</summary>
    private static byte[] LargeGraph(int nodes, int edges)
    {
        const int Tokens = 24, Layers = 12;
        Random random = new(5);
        StringBuilder json = new("""{"metadata":{"slug":"large","scan":"large","prompt":"large","node_threshold":1,"schema_version":1,"prompt_tokens":[""");
        json.AppendJoin(',', Enumerable.Range(0, Tokens).Select(i => $"\" t{i}\"")).Append("""]},"qParams":{"pinnedIds":[],"supernodes":[],"linkType":"both","clickedId":"","sg_pos":""},"nodes":[""");
        List<(string Id, int Layer, int Position)> made = [];
        void Add(string id, string layer, int atLayer, int position, string type, int feature, double probability)
        {
            if (made.Count > 0) json.Append(',');
            made.Add((id, atLayer, position));
            json.Append(CultureInfo.InvariantCulture, $$"""{"node_id":"{{id}}","feature":{{feature}},"layer":"{{layer}}","ctx_idx":{{position}},"feature_type":"{{type}}","token_prob":{{probability}},"is_target_logit":{{(probability > 0 ? "true" : "false")}},"run_idx":0,"reverse_ctx_idx":0,"jsNodeId":"{{id}}-0","clerp":"","influence":{{random.NextDouble():0.####}},"activation":1.5}""");
        }
        for (int i = 0; i < Tokens; i++) Add($"E_{i}_{i}", "E", -1, i, "embedding", i, 0);
        for (int i = 0; i < nodes - Tokens - 1; i++)
        {
            (int layer, int position) = (random.Next(Layers), random.Next(Tokens));
            Add($"{layer}_{i}_{position}", $"{layer}", layer, position, "cross layer transcoder", i, 0);
        }
        Add($"{Layers + 1}_7_{Tokens - 1}", $"{Layers + 1}", Layers, Tokens - 1, "logit", 7, 0.9);
        json.Append("],\"links\":[");
        HashSet<(int, int)> seen = [];
        void Link(int source, int target)
        {
            if (made[source].Layer >= made[target].Layer || made[source].Position > made[target].Position || !seen.Add((source, target))) return;
            if (seen.Count > 1) json.Append(',');
            json.Append(CultureInfo.InvariantCulture, $$"""{"source":"{{made[source].Id}}","target":"{{made[target].Id}}","weight":{{Math.Pow(random.NextDouble(), 6) * random.Next(-1, 2) + 1e-4:0.######}}}""");
        }
        // Each feature is fed and feeds the output, so that pruning leaves no edge out.
        for (int i = Tokens; i < nodes - 1; i++)
        {
            Link(made[i].Position, i);
            Link(i, nodes - 1);
        }
        while (seen.Count < edges) Link(random.Next(nodes), random.Next(nodes));
        return Encoding.UTF8.GetBytes(json.Append("]}").ToString());
    }
}
