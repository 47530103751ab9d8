using System.Text.Json;
using Microtome.Models.ChatTemplates;

namespace Microtome.Models.Tests.ChatTemplates;

/// <summary>Templates against what Jinja2 renders as transformers sets it up.</summary>
public class ChatTemplateTests
{
    private static readonly string Folder = Path.Combine(TestFiles.Repository, "tests", "data", "chat-templates");
    private static readonly JsonElement Expected = Read("expected.json"), Conversations = Read("cases.json"), Snippets = Read("snippets.json");
    private static readonly DateTimeOffset Now = new(2026, 3, 9, 14, 5, 6, TimeSpan.Zero);
    private static readonly Dictionary<string, string> Special = new() { ["bos_token"] = "<bos>", ["eos_token"] = "<eos>" };

    public static TheoryData<string, string> AllCases()
    {
        TheoryData<string, string> cases = [];
        foreach (JsonProperty file in Expected.EnumerateObject().Where(file => file.Name != "snippets"))
            foreach (JsonProperty one in file.Value.EnumerateObject()) cases.Add(file.Name, one.Name);
        return cases;
    }

    public static TheoryData<int> AllSnippets() => [.. Enumerable.Range(0, Snippets.GetArrayLength())];

    [Theory, MemberData(nameof(AllCases))]
    public void A_published_template_renders_a_conversation_as_the_reference(string file, string name)
    {
        JsonElement conversation = Conversations.EnumerateArray().Single(one => one.GetProperty("name").GetString() == name);
        ChatMessage[] messages = [.. conversation.GetProperty("messages").EnumerateArray().Select(ChatMessage.Parse)];
        ChatOptions options = new()
        {
            AddGenerationPrompt = conversation.TryGetProperty("add_generation_prompt", out JsonElement add) && add.GetBoolean(),
            Tools = conversation.TryGetProperty("tools", out JsonElement tools) ? [.. tools.EnumerateArray()] : [],
            Variables = conversation.TryGetProperty("variables", out JsonElement variables) ? variables.EnumerateObject().ToDictionary(one => one.Name, one => one.Value) : [],
            Now = Now,
        };
        Check(() => Load(file).Render(messages, options), Expected.GetProperty(file).GetProperty(name));
    }

    [Theory, MemberData(nameof(AllSnippets))]
    public void A_part_of_the_language_renders_as_the_reference(int index)
    {
        string source = Snippets[index].GetString()!;
        ChatOptions options = new()
        {
            Now = Now,
            Variables = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>("""{"n": 3, "word": " Été ", "data": {"b": 1, "a": [1, 2.5, null, true, "x'y"]}}""")!,
        };
        Check(() => ChatTemplate.Parse(source, "snippet").Render([new ChatMessage("user", "Hi"), new ChatMessage("assistant", "Ho")], options), Expected.GetProperty("snippets")[index]);
    }

    [Theory]
    [InlineData("qwen3.jinja", "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\nThe answer is ")]
    [InlineData("gemma3.jinja", "<bos><start_of_turn>user\n2+2?<end_of_turn>\n<start_of_turn>model\nThe answer is ")]
    [InlineData("llama3-short.jinja", "<bos><|start_header_id|>user<|end_header_id|>\n\n2+2?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nThe answer is ")]
    [InlineData("harmony.jinja", "<|start|>user<|message|>2+2?<|end|><|start|>assistant<|channel|>final<|message|>The answer is ")]
    public void An_answer_that_is_begun_ends_where_the_model_goes_on(string file, string ending)
    {
        string text = Load(file).Render([new ChatMessage("user", "2+2?"), new ChatMessage("assistant", "The answer is ")], new ChatOptions { ContinueFinalMessage = true, Now = Now });
        text.TrimEnd().ShouldEndWith(ending.TrimEnd());
        text.ShouldNotContain("CONTINUES");
    }

    [Fact]
    public void Only_a_message_that_is_written_can_be_continued()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ messages[0].content }}", "t");
        ChatOptions options = new() { ContinueFinalMessage = true };
        Should.Throw<ArgumentException>(() => template.Render([new ChatMessage("user", "a"), new ChatMessage("assistant", "b")], options)).Message.ShouldContain("does not write the last message");
        Should.Throw<ArgumentException>(() => template.Render([], options)).Message.ShouldContain("no message to continue");
        Should.Throw<ArgumentException>(() => template.Render([new ChatMessage("user", "a")], options with { AddGenerationPrompt = true })).Message.ShouldContain("both begun and continued");
    }

    [Fact]
    public void An_objection_of_the_template_is_passed_on() =>
        Should.Throw<ArgumentException>(() => Load("gemma3.jinja").Render([new ChatMessage("user", "a"), new ChatMessage("user", "b")])).Message
            .ShouldBe("gemma3.jinja refuses the conversation: Conversation roles must alternate user/assistant/user/assistant/...");

    [Fact]
    public void Templates_are_found_where_checkpoints_keep_them()
    {
        using TemporaryFolder folder = new();
        ChatTemplateFiles.Load(folder.Path).ShouldBeNull();
        folder.Write("tokenizer_config.json", """{"bos_token": {"content": "<s>"}, "eos_token": "</s>", "chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"}""");
        Render().ShouldBe("<s>Hi</s>");
        folder.Write("tokenizer_config.json", """{"bos_token": "<s>", "chat_template": [{"name": "tool_use", "template": "no"}, {"name": "default", "template": "{{ bos_token }}!"}]}""");
        Render().ShouldBe("<s>!");
        folder.Write("chat_template.jinja", "file {{ messages | length }}\n");
        Render().ShouldBe("file 1");
        folder.Write("chat_template.jinja", "{% include 'x' %}");
        Should.Throw<InvalidDataException>(() => ChatTemplateFiles.Load(folder.Path)).Message.ShouldContain("chat_template.jinja, line 1: the statement 'include' is not supported");
        folder.Write("tokenizer_config.json", "{");
        Should.Throw<InvalidDataException>(() => ChatTemplateFiles.Load(folder.Path)).Message.ShouldContain("is not JSON");

        string Render() => ChatTemplateFiles.Load(folder.Path)!.Render([new ChatMessage("user", "Hi")]);
    }

    private static void Check(Func<string> render, JsonElement expected)
    {
        string? text = null, refusal = null;
        try
        {
            text = render();
        }
        catch (Exception exception) when (exception is InvalidDataException or ArgumentException)
        {
            refusal = exception.Message;
        }
        text.ShouldBe(expected.GetString(), refusal);
    }

    private static ChatTemplate Load(string file) => ChatTemplate.Parse(File.ReadAllText(Path.Combine(Folder, file)), file, Special);

    private static JsonElement Read(string file)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, file)));
        return document.RootElement.Clone();
    }
}
