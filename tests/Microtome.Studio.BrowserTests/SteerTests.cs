using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class SteerTests(Studio studio)
{
    [Fact]
    public async Task A_steered_and_an_unsteered_answer_stand_side_by_side_and_the_preset_is_kept()
    {
        await using StudioPage page = await studio.OpenAsync();
        await OpenSteeringAsync(page);
        await page.Labelled("Feature to add").FillAsync("4/142");
        await page.Button("Add").ClickAsync();
        await page.Labelled("Strength").FocusAsync();
        await page.Page.Keyboard.PressAsync("End");
        await page.Labelled("Prompt").FillAsync("Tom went to the park. He was");
        await page.Button("Continue").ClickAsync();
        ILocator steered = page.Page.GetByRole(AriaRole.Region, new() { Name = "Steered answer", Exact = true });
        ILocator unsteered = page.Page.GetByRole(AriaRole.Region, new() { Name = "Unsteered answer", Exact = true });
        await Expect(steered).ToHaveAttributeAsync("aria-busy", "false");
        string[] answers = [await steered.InnerTextAsync(), await unsteered.InnerTextAsync()];
        answers.ShouldAllBe(answer => answer.Length > 60);
        answers[0].ShouldNotBe(answers[1]);
        await page.PictureAsync("steer");

        await page.Labelled("Preset's name").FillAsync("names everywhere");
        await page.Button("Save").ClickAsync();
        await Expect(page.Page.Locator(".preset")).ToHaveCountAsync(1);
        await page.Page.ReloadAsync();
        await page.Page.Locator(".preset button").First.ClickAsync();
        await Expect(page.Page.Locator(".steering li")).ToHaveCountAsync(1);
        await page.Button("Delete preset names everywhere").ClickAsync();
        await Expect(page.Page.Locator(".preset")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_feature_that_does_not_exist_is_refused_in_words()
    {
        await using StudioPage page = await studio.OpenAsync();
        await studio.TraceAsync();
        await OpenSteeringAsync(page);
        await page.Labelled("Feature to add").FillAsync("the cat");
        await page.Button("Add").ClickAsync();
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("layer/feature");
    }

    private static Task OpenSteeringAsync(StudioPage page) => page.Page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Button, new() { Name = "Steer" }).ClickAsync();
}
