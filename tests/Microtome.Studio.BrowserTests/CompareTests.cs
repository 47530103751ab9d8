using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class CompareTests(Studio studio)
{
    [Fact]
    public async Task Two_prompts_stand_side_by_side_with_their_differences()
    {
        string boy = await studio.TraceAsync("Once upon a time, there was a little boy named");
        string girl = await studio.TraceAsync();
        await using StudioPage page = await studio.OpenAsync();
        await page.GoToAsync("Compare");
        await page.Labelled("Trace A").SelectOptionAsync(girl);
        await page.Labelled("Trace B").SelectOptionAsync(boy);
        await Expect(page.Page.Locator(".compare-side canvas")).ToHaveCountAsync(2);
        await Expect(page.Page.Locator(".compare-foot")).ToContainTextAsync("only in B");
        await Expect(page.Page.Locator(".compare-tables tbody").First).ToContainTextAsync("Lily");
        await Expect(page.Page.Locator("tr.state-both, tr.state-a, tr.state-b")).Not.ToHaveCountAsync(0);
        await Expect(page.Page.Locator(".compare-side .graph-canvas[data-drawn=true]")).ToHaveCountAsync(2);
        await page.PictureAsync("compare");
    }

    [Fact]
    public async Task Two_models_stand_side_by_side_with_a_word_on_what_matching_features_by_number_is_worth()
    {
        string stories = await studio.TraceAsync("Tom and Sue went to the park");
        string world = await studio.TraceWithAsync("shipped", "Tom and Sue went to the park");
        await using StudioPage page = await studio.OpenAsync();
        await page.GoToAsync("Compare");
        await page.Labelled("Trace A").SelectOptionAsync(world);
        await page.Labelled("Trace B").SelectOptionAsync(stories);
        await Expect(page.Page.Locator(".compare-side.is-a")).ToContainTextAsync("small-world");
        await Expect(page.Page.Locator(".compare-side.is-b")).ToContainTextAsync("stories260k");
        await Expect(page.Page.Locator(".compare-foot")).ToContainTextAsync("different transcoders");
        await Expect(page.Page.Locator(".compare-side .graph-canvas[data-drawn=true]")).ToHaveCountAsync(2);
        await Expect(page.Page.Locator(".compare-tables tbody").First.Locator("tr")).Not.ToHaveCountAsync(0);
        await page.PictureAsync("compare-models");
    }
}
