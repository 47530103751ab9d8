using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class AddressTests(Studio studio)
{
    private const string Other = "The cat sat on the";

    [Fact]
    public async Task A_changed_address_shows_its_trace_and_node_without_a_reload()
    {
        (string girl, string cat) = (await studio.TraceAsync(), await studio.TraceAsync(Other));
        await using StudioPage page = await OpenAsync(girl);
        await page.SelectStrongestFeatureAsync();
        string node = await NodeInAddressAsync(page);
        await GoAsync(page, $"#trace={cat}");
        await OpenIsAsync(page, Other);
        await Expect(page.Selected).ToHaveCountAsync(0);
        await GoAsync(page, $"#trace={girl}&node={node}");
        await OpenIsAsync(page, Studio.Prompt);
        await page.SelectedIsAsync("^Feature " + node.Split('_')[0] + "/");
        await GoAsync(page, $"#trace={girl}");
        await Expect(page.Selected).ToHaveCountAsync(0);
        (await page.Page.EvaluateAsync<bool>("window.sameDocument")).ShouldBeTrue();
    }

    [Fact]
    public async Task Back_and_forward_go_through_the_traces_and_views_that_were_opened_and_not_through_every_node()
    {
        (string girl, string cat) = (await studio.TraceAsync(), await studio.TraceAsync(Other));
        await using StudioPage page = await OpenAsync(girl);
        await page.InGraphAsync("ArrowUp", "[", "[");
        await page.Page.Locator(".trace-open", new() { HasText = Other }).First.ClickAsync();
        await OpenIsAsync(page, Other);
        await page.InGraphAsync("ArrowUp", "[");
        await page.GoToAsync("Steer");
        await page.Page.GoBackAsync();
        await Expect(page.Page.Locator("#main.explore")).ToBeVisibleAsync();
        await OpenIsAsync(page, Other);
        await page.SelectedIsAsync(".");
        await page.Page.GoBackAsync();
        await OpenIsAsync(page, Studio.Prompt);
        await Expect(page.Page).ToHaveURLAsync(new Regex($"trace={girl}&node="));
        await page.Page.GoForwardAsync();
        await OpenIsAsync(page, Other);
        await Expect(page.Page).ToHaveURLAsync(new Regex($"trace={cat}&node="));
        await page.Page.GoForwardAsync();
        await Expect(page.Page.Locator("#main.steer")).ToBeVisibleAsync();
        (await page.Page.EvaluateAsync<bool>("window.sameDocument")).ShouldBeTrue();
    }

    [Fact]
    public async Task What_is_pinned_just_before_leaving_a_trace_is_kept_and_shown_again_on_return()
    {
        (string girl, string cat) = (await studio.TraceAsync(), await studio.TraceAsync(Other));
        await using StudioPage page = await OpenAsync(girl);
        await page.InGraphAsync("ArrowUp", "Enter", "[", "Enter");
        await GoAsync(page, $"#trace={cat}");
        await OpenIsAsync(page, Other);
        await Expect(page.Story.Locator(".pin")).ToHaveCountAsync(0);
        await page.Page.GoBackAsync();
        await OpenIsAsync(page, Studio.Prompt);
        await Expect(page.Story.Locator(".pin")).ToHaveCountAsync(2);
        await Expect(page.Story.Locator(".story-state")).ToHaveTextAsync("saved");
        await StudioPage.EventuallyAsync(async () => await PinnedAsync(girl) == 2, "the saved story");

        // The story of an entry that the page wrote is the one that was saved last, not what it was when the entry was left.
        await page.Page.Locator(".trace-open", new() { HasText = Other }).First.ClickAsync();
        await OpenIsAsync(page, Other);
        await page.Page.Locator(".trace-open", new() { HasText = Studio.Prompt }).First.ClickAsync();
        await OpenIsAsync(page, Studio.Prompt);
        await page.Story.GetByRole(AriaRole.Button, new() { Name = "Unpin" }).First.ClickAsync();
        await Expect(page.Story.Locator(".story-state")).ToHaveTextAsync("saved");
        for (int i = 0; i < 2; i++) await page.Page.GoBackAsync();
        await OpenIsAsync(page, Studio.Prompt);
        await Expect(page.Story.Locator(".pin")).ToHaveCountAsync(1);
        await Expect(page.Story.Locator(".story-state")).ToHaveTextAsync("saved");
    }

    [Fact]
    public async Task A_link_shows_its_story_and_leaves_the_saved_one_until_it_is_kept()
    {
        string girl = await studio.TraceAsync();
        await using StudioPage page = await OpenAsync(girl);
        await page.InGraphAsync("ArrowUp", "Enter", "[", "Enter", "[", "Enter");
        await Expect(page.Story.Locator(".story-state")).ToHaveTextAsync("saved");
        string pin = await NodeInAddressAsync(page);
        await GoAsync(page, $"#trace={girl}&pins={pin}&group=mine:{pin}");
        await Expect(page.Story.Locator(".story-state")).ToContainTextAsync("from the link");
        await Expect(page.Story.Locator(".pin")).ToHaveCountAsync(1);
        (await PinnedAsync(girl)).ShouldBe(3);
        await page.Page.GoBackAsync();
        await Expect(page.Story.Locator(".pin")).ToHaveCountAsync(3);
        await page.Page.GoForwardAsync();
        await Expect(page.Story.Locator(".story-state")).ToContainTextAsync("from the link");
        await page.Button("Keep").ClickAsync();
        await Expect(page.Story.Locator(".story-state")).ToHaveTextAsync("saved");
        await StudioPage.EventuallyAsync(async () => await PinnedAsync(girl) == 1, "the saved story");
    }

    [Fact]
    public async Task A_link_names_the_traces_that_are_compared()
    {
        (string girl, string cat) = (await studio.TraceAsync(), await studio.TraceAsync(Other));
        await studio.TraceAsync("Tom was sad because he lost his");
        await using StudioPage page = await OpenAsync(girl);
        await page.GoToAsync("Compare");
        await page.Labelled("Trace B").SelectOptionAsync(cat);
        await page.Labelled("Trace A").SelectOptionAsync(girl);
        await Expect(page.Page).ToHaveURLAsync(new Regex($"view=compare&a={girl}&b={cat}"));
        await using StudioPage other = await studio.OpenAsync(hash: new Uri(page.Page.Url).Fragment);
        await Expect(other.Labelled("Trace A")).ToHaveValueAsync(girl);
        await Expect(other.Labelled("Trace B")).ToHaveValueAsync(cat);
        await other.Page.EvaluateAsync("hash => { location.hash = hash; }", $"#view=compare&a={cat}&b={girl}");
        await Expect(other.Labelled("Trace A")).ToHaveValueAsync(cat);
        await Expect(other.Page.Locator(".compare-side.is-b")).ToContainTextAsync(Studio.Prompt);
    }

    [Fact]
    public async Task What_is_set_up_in_one_view_is_still_there_after_a_look_at_another()
    {
        string girl = await studio.TraceAsync();
        await using StudioPage page = await OpenAsync(girl);
        await page.Labelled("Prompt").FillAsync("Sue found a");
        await page.SelectStrongestFeatureAsync();
        await page.Page.GetByRole(AriaRole.Tab, new() { Name = "Check" }).ClickAsync();
        await page.Button("Add a change").ClickAsync();
        await page.Button("Run").ClickAsync();
        await Expect(page.Page.Locator(".chances tbody tr")).Not.ToHaveCountAsync(0);
        await page.GoToAsync("Steer");
        await Expect(page.Labelled("Prompt")).ToHaveValueAsync(Studio.Prompt); // the open trace's
        await page.Labelled("Prompt").FillAsync("Lily had a");
        await page.Labelled("Feature to add").FillAsync("4/142");
        await page.Button("Add").ClickAsync();
        await page.GoToAsync("Graph");
        await Expect(page.Labelled("Prompt")).ToHaveValueAsync("Sue found a");
        await Expect(page.Page.Locator(".chances tbody tr")).Not.ToHaveCountAsync(0);
        await page.WaitForGraphAsync();
        await page.GoToAsync("Steer");
        await Expect(page.Page.Locator(".steering li")).ToHaveCountAsync(1);
        await Expect(page.Labelled("Prompt")).ToHaveValueAsync("Lily had a");
    }

    [Fact]
    public async Task An_address_of_a_trace_that_is_not_there_is_answered_in_words()
    {
        string girl = await studio.TraceAsync();
        await using StudioPage page = await OpenAsync(girl);
        await GoAsync(page, "#trace=nosuchtrace");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("no trace “nosuchtrace”");
        await page.Page.GoBackAsync();
        await OpenIsAsync(page, Studio.Prompt);
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_trace_that_another_window_made_is_opened_by_its_address()
    {
        await using StudioPage page = await studio.OpenAsync();
        string later = await studio.TraceAsync("Tom was sad because he lost his");
        await GoAsync(page, $"#trace={later}");
        await OpenIsAsync(page, "Tom was sad because he lost his");
    }

    private async Task<StudioPage> OpenAsync(string trace)
    {
        StudioPage page = await studio.OpenAsync();
        await page.OpenTraceAsync(trace);
        await page.Page.EvaluateAsync("window.sameDocument = true");
        return page;
    }

    /// <summary>As who edits the address or follows a link does.</summary>
    private static Task GoAsync(StudioPage page, string hash) => page.Page.EvaluateAsync("hash => { location.hash = hash; }", hash);

    private static async Task OpenIsAsync(StudioPage page, string title)
    {
        await Expect(page.Page.Locator(".bar-title")).ToContainTextAsync(title);
        await Expect(page.Page).ToHaveTitleAsync(new Regex(Regex.Escape(title)));
        await page.WaitForGraphAsync();
    }

    private static async Task<string> NodeInAddressAsync(StudioPage page)
    {
        await Expect(page.Page).ToHaveURLAsync(new Regex("node=[^&]+"));
        return Regex.Match(page.Page.Url, "node=([^&]+)").Groups[1].Value;
    }

    private async Task<int> PinnedAsync(string trace)
    {
        JsonElement story = await studio.SendAsync(HttpMethod.Get, $"/api/traces/{trace}/story");
        return story.GetProperty("pinned").GetArrayLength();
    }
}
