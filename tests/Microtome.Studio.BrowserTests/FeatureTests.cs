using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class FeatureTests(Studio studio)
{
    [Fact]
    public async Task A_feature_shows_where_it_fires_what_it_promotes_and_its_neighbours()
    {
        await using StudioPage page = await OpenAsync();
        await Expect(page.Feature).ToContainTextAsync("In this prompt");
        await Expect(page.Feature.Locator(".words li")).Not.ToHaveCountAsync(0);
        await Expect(page.Feature.GetByText("Promotes")).ToBeVisibleAsync();
        await Expect(page.Feature.GetByText("Suppresses")).ToBeVisibleAsync();
        await Expect(page.Feature.GetByText("by decoder direction")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_features_number_is_copied_and_its_share_of_influence_is_that_of_the_story()
    {
        await using StudioPage page = await OpenAsync();
        await page.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        string feature = (await page.Page.Locator(".feature-id").TextContentAsync())!["Feature ".Length..];
        await page.Button("Copy the feature's number").ClickAsync();
        await StudioPage.EventuallyAsync(async () => await page.Page.EvaluateAsync<string>("navigator.clipboard.readText()") == feature, "the clipboard");
        string share = System.Text.RegularExpressions.Regex.Match((await page.Page.Locator(".feature-place").TextContentAsync())!, "[0-9.]+ %").Value;
        await page.InGraphAsync("Enter");
        await Expect(page.Story).ToContainTextAsync($"{share} of all influence");
    }

    [Fact]
    public async Task A_label_is_written_once_and_found_everywhere()
    {
        await using StudioPage page = await OpenAsync();
        string feature = (await page.Page.Locator(".feature-id").First.TextContentAsync())!.Replace("Feature ", "");
        await page.Labelled("Label").FillAsync("says a girl's name");
        await page.Labelled("Label").PressAsync("Enter");
        await Expect(page.Page.Locator("#selected-node")).ToHaveAttributeAsync("aria-label", new System.Text.RegularExpressions.Regex($"{feature}, says a girl's name"));
        await page.Page.ReloadAsync();
        await page.WaitForGraphAsync();
        await page.Labelled("Search labels, tokens and feature ids").FillAsync("girl's name");
        await Expect(page.Page.Locator(".search-count")).Not.ToHaveTextAsync("0 found");
        await page.Labelled("Search labels, tokens and feature ids").PressAsync("Enter");
        await Expect(page.Labelled("Label")).ToHaveValueAsync("says a girl's name");
    }

    [Fact]
    public async Task Html_in_a_label_stays_text()
    {
        const string Html = "<img src=x onerror=\"window.injected=1\"><b>bold</b>";
        await using StudioPage page = await OpenAsync();
        await page.Labelled("Label").FillAsync(Html);
        await page.Labelled("Label").PressAsync("Enter");
        await page.InGraphAsync("Enter");
        await Expect(page.Story.Locator(".pin-name")).ToContainTextAsync("<b>bold</b>");
        await Expect(page.Story.Locator(".diagram")).ToContainTextAsync("<img");
        await page.PointAtSelectedAsync();
        await Expect(page.Page.GetByRole(AriaRole.Tooltip)).ToContainTextAsync(Html);
        await page.PictureAsync("html-in-a-label");
        await Expect(page.Page.Locator("#studio b, #studio img")).ToHaveCountAsync(0);
        (await page.Page.EvaluateAsync<bool>("window.injected === undefined")).ShouldBeTrue();
        await page.Labelled("Label").FillAsync("");
        await page.Labelled("Label").PressAsync("Enter");
        await Expect(page.Story.Locator(".pin-name")).Not.ToContainTextAsync("<b>");
    }

    [Fact]
    public async Task Examples_come_from_the_top_and_from_lower_intervals_once_texts_have_been_run()
    {
        string model = await studio.DefaultModelAsync();
        if ((await studio.SendAsync(HttpMethod.Get, $"/api/models/{model}")).GetProperty("index").GetProperty("state").GetString() != "ready")
        {
            JsonElement job = await studio.SendAsync(HttpMethod.Post, $"/api/models/{model}/index", new { tokens = 6000 });
            string id = job.GetProperty("id").GetString()!;
            using CancellationTokenSource patience = new(TimeSpan.FromMinutes(4));
            while (job.GetProperty("state").GetString() is "queued" or "running")
            {
                await Task.Delay(100, patience.Token);
                job = await studio.SendAsync(HttpMethod.Get, $"/api/jobs/{id}");
            }
            job.GetProperty("state").GetString().ShouldBe("done");
        }
        await using StudioPage page = await OpenAsync();
        await Expect(page.Feature.Locator(".histogram")).ToBeVisibleAsync();
        await Expect(page.Feature.Locator(".passages li")).Not.ToHaveCountAsync(0);
        await Expect(page.Feature.Locator(".interval")).Not.ToHaveCountAsync(1);
        await page.Feature.Locator(".examples").ScrollIntoViewIfNeededAsync();
        await page.PictureAsync("examples");
    }

    private async Task<StudioPage> OpenAsync()
    {
        string id = await studio.TraceAsync();
        StudioPage page = await studio.OpenAsync();
        await page.OpenTraceAsync(id);
        await page.SelectStrongestFeatureAsync();
        return page;
    }
}
