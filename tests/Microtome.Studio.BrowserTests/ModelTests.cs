using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Microtome.Studio.BrowserTests;

[Collection(nameof(Studio))]
public sealed class ModelTests(Studio studio)
{
    private const string Template = "{% for message in messages %}{{ message['role'] }} said: {{ message['content'] }}\n{% endfor %}{% if add_generation_prompt %}assistant said:{% endif %}";

    [Fact]
    public async Task A_model_is_added_from_a_folder_and_traced()
    {
        studio.CopyModel("stories260k", "copies/model");
        studio.CopyModel("stories260k-transcoders", "copies/transcoders");
        await using StudioPage page = await studio.OpenAsync();
        await AddAsync(page, "copies/model", "copies/transcoders");
        await Expect(page.Labelled("Model").Locator("option:checked")).ToHaveTextAsync("model");
        await page.Labelled("Prompt").FillAsync(Studio.Prompt);
        await page.Labelled("Prompt").PressAsync("Control+Enter");
        await page.WaitForGraphAsync();
        await Expect(page.Page.Locator(".trace-line.is-open")).ToContainTextAsync("Lily");
    }

    [Fact]
    public async Task A_folder_that_is_no_model_is_refused_in_words()
    {
        await using StudioPage page = await studio.OpenAsync();
        await page.Button("Add…").ClickAsync();
        ILocator dialog = page.Page.GetByRole(AriaRole.Dialog, new() { Name = "Add a model" });
        await dialog.GetByLabel("Model", new() { Exact = true }).FillAsync("/etc");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
        await Expect(dialog.GetByRole(AriaRole.Alert)).ToContainTextAsync("--models");
        page.Expected("403");
        await page.Page.Keyboard.PressAsync("Escape");
        await Expect(dialog).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_model_with_a_chat_template_answers_messages_steered_and_unsteered_and_goes_on_from_a_begun_answer()
    {
        studio.CopyModel("stories260k", "chatty");
        studio.CopyModel("stories260k-transcoders", "chatty-transcoders");
        studio.AddChatTemplate("chatty", Template);
        await using StudioPage page = await studio.OpenAsync();
        await AddAsync(page, "chatty", "chatty-transcoders");
        await page.GoToAsync("Steer");
        await page.Labelled("Model").SelectOptionAsync(new SelectOptionValue { Label = "chatty" });
        await page.Button("Chat").ClickAsync();
        await page.Labelled("Tokens").FocusAsync();
        await page.Page.Keyboard.PressAsync("Home");
        for (int i = 0; i < 3; i++) await page.Page.Keyboard.PressAsync("ArrowRight");

        // Without steering both sides say the same, and go on from the beginning that is given.
        await page.Labelled("Answer begins").FillAsync(" Once upon");
        await SendAsync(page, "Tell me a story", turns: 1);
        await Expect(Answers(page, "Unsteered answer").First).ToContainTextAsync("Once upon a time");
        await Expect(Answers(page, "Steered answer").First).ToHaveTextAsync(await Answers(page, "Unsteered answer").First.InnerTextAsync());

        // With it they differ, and each side goes on with its own conversation.
        await page.Labelled("Answer begins").FillAsync("");
        await page.Labelled("Feature to add").FillAsync("4/142");
        await page.Button("Add").ClickAsync();
        await page.Labelled("Strength").FocusAsync();
        await page.Page.Keyboard.PressAsync("End");
        await SendAsync(page, "And what did the girl do?", turns: 2);
        await Expect(Answers(page, "Steered answer").Last).Not.ToHaveTextAsync(await Answers(page, "Unsteered answer").Last.InnerTextAsync());
        await SendAsync(page, "And then?", turns: 3);
        await Expect(page.Page.Locator(".answer-user")).ToHaveTextAsync(["Tell me a story", "And what did the girl do?", "And then?"]);
        await page.PictureAsync("chat");
        await page.Button("New chat").ClickAsync();
        await Expect(page.Page.Locator(".answer")).ToHaveCountAsync(0);
    }

    private static async Task SendAsync(StudioPage page, string message, int turns)
    {
        await page.Labelled("Message").FillAsync(message);
        await page.Labelled("Message").PressAsync("Enter");
        await Expect(page.Labelled("Message")).ToHaveValueAsync("");
        await Expect(page.Page.Locator(".answer[aria-busy=false]")).ToHaveCountAsync(2 * turns);
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToHaveCountAsync(0);
    }

    private static ILocator Answers(StudioPage page, string name) => page.Page.GetByRole(AriaRole.Region, new() { Name = name, Exact = true });

    private static async Task AddAsync(StudioPage page, string model, string transcoders)
    {
        await page.Button("Add…").ClickAsync();
        ILocator dialog = page.Page.GetByRole(AriaRole.Dialog, new() { Name = "Add a model" });
        await Expect(dialog.Locator("#add-model-list option")).Not.ToHaveCountAsync(0); // folders there are to choose from
        await dialog.GetByLabel("Model", new() { Exact = true }).FillAsync(model);
        await dialog.GetByLabel("Transcoders", new() { Exact = true }).FillAsync(transcoders);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
        await Expect(dialog).ToHaveCountAsync(0);
    }
}
