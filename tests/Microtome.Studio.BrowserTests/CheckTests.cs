using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class CheckTests(Studio studio)
{
    [Fact]
    public async Task Removing_a_feature_shows_what_follows_with_attention_frozen_and_not_beside_the_prediction()
    {
        string id = await studio.TraceAsync();
        await using StudioPage page = await studio.OpenAsync();
        await page.OpenTraceAsync(id);
        await page.SelectStrongestFeatureAsync();
        await page.Page.GetByRole(AriaRole.Tab, new() { Name = "Check" }).ClickAsync();
        await page.Button("Add a change").ClickAsync();
        await page.Labelled("How").SelectOptionAsync("scale");
        await page.Labelled("Factor").FillAsync("-1");
        await page.Button("Run").ClickAsync();
        ILocator chances = page.Page.Locator(".chances");
        await Expect(chances.GetByRole(AriaRole.Columnheader)).ToHaveTextAsync(["Token", "Before", "Attention frozen", "Not frozen"]);
        await Expect(chances).ToContainTextAsync("Lily");
        await Expect(page.Page.Locator(".continuations dd")).ToHaveCountAsync(3);
        await Expect(page.Page.Locator(".predictions tbody tr")).Not.ToHaveCountAsync(0);
        await page.PictureAsync("check");
    }
}
