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
        await page.Page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Button, new() { Name = "Compare" }).ClickAsync();
        await page.Labelled("Trace A").SelectOptionAsync(girl);
        await page.Labelled("Trace B").SelectOptionAsync(boy);
        await Expect(page.Page.Locator(".compare-side canvas")).ToHaveCountAsync(2);
        await Expect(page.Page.Locator(".compare-foot")).ToContainTextAsync("only in B");
        await Expect(page.Page.Locator(".compare-tables tbody").First).ToContainTextAsync("Lily");
        await Expect(page.Page.Locator("tr.state-both, tr.state-a, tr.state-b")).Not.ToHaveCountAsync(0);
        await Expect(page.Page.Locator(".compare-side .graph-canvas[data-drawn=true]")).ToHaveCountAsync(2);
        await page.PictureAsync("compare");
    }
}
