using Microsoft.Playwright;
using Microtome.Experiments;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class SteerTests(Studio studio)
{
    [Fact]
    public async Task A_steered_and_an_unsteered_answer_stand_side_by_side_and_the_preset_is_kept()
    {
        await using StudioPage page = await studio.OpenAsync();
        await page.GoToAsync("Steer");
        await page.Labelled("Feature to add").FillAsync("4/142");
        await page.Button("Add").ClickAsync();
        await page.Labelled("Strength").FocusAsync();
        await page.Page.Keyboard.PressAsync("End");
        await page.Labelled("Prompt").FillAsync("Tom went to the park. He was");
        await page.Button("Continue").ClickAsync();
        await AnswersDifferAsync(page);
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
    public async Task An_uploaded_vector_changes_the_answer()
    {
        string file = studio.PathFor("upwards.safetensors");
        float[] direction = new float[64];
        for (int i = 0; i < direction.Length; i++) direction[i] = i % 3 == 0 ? 0.5f : -0.25f;
        VectorFile.Save(new SteeringVector([KeyValuePair.Create(2, direction)]), file);
        await using StudioPage page = await studio.OpenAsync();
        await page.GoToAsync("Steer");
        await page.Labelled("Vector file").SetInputFilesAsync(file);
        await page.Page.Locator(".chip", new() { HasText = "upwards" }).ClickAsync();
        await Expect(page.Page.Locator(".steering li")).ToContainTextAsync("upwards");
        await Expect(page.Page.Locator(".steering .kind-tag")).ToHaveTextAsync("vector");
        await page.Labelled("Strength").FocusAsync();
        await page.Page.Keyboard.PressAsync("End");
        await page.Labelled("Prompt").FillAsync("Tom went to the park. He was");
        await page.Button("Continue").ClickAsync();
        await AnswersDifferAsync(page);

        // A file that is no vector is refused in words, and what was there stays.
        await page.Labelled("Vector file").SetInputFilesAsync(new FilePayload { Name = "notes.safetensors", MimeType = "application/octet-stream", Buffer = "not a vector"u8.ToArray() });
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The file");
        await Expect(page.Page.Locator(".steering li")).ToHaveCountAsync(1);
        page.Expected("400");
        await studio.SendAsync(HttpMethod.Delete, $"/api/vectors/upwards?model={await studio.DefaultModelAsync()}");
    }

    [Fact]
    public async Task A_feature_that_does_not_exist_is_refused_in_words()
    {
        await using StudioPage page = await studio.OpenAsync();
        await studio.TraceAsync();
        await page.GoToAsync("Steer");
        await page.Labelled("Feature to add").FillAsync("the cat");
        await page.Button("Add").ClickAsync();
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("layer/feature");
    }

    private static async Task AnswersDifferAsync(StudioPage page)
    {
        ILocator[] sides = [.. new[] { "Steered answer", "Unsteered answer" }.Select(name => page.Page.GetByRole(AriaRole.Region, new() { Name = name, Exact = true }))];
        foreach (ILocator side in sides) await Expect(side).ToHaveAttributeAsync("aria-busy", "false"); // from then on it stays as it is
        string[] answers = [await sides[0].InnerTextAsync(), await sides[1].InnerTextAsync()];
        answers.ShouldAllBe(answer => answer.Length > 60);
        answers[0].ShouldNotBe(answers[1]);
    }
}
