using System.Text;

namespace Microtome.Models.ChatTemplates;

/// <summary>Turns conversations into a model's tokens: with its chat template, or, where it has none, as plain text with the speakers' names.</summary>
public sealed class ChatPrompts
{
    private readonly PromptEncoder _prompts;

    /// <param name="template">Null for a model that has none.</param>
    public ChatPrompts(PromptEncoder prompts, ChatTemplate? template)
    {
        _prompts = prompts;
        Template = template;
    }

    /// <summary>Those of a checkpoint.</summary>
    /// <exception cref="InvalidDataException">Its template is damaged or uses what is not supported.</exception>
    public static ChatPrompts Load(LoadedModel model) => new(model.Prompts, ChatTemplateFiles.Load(model.Checkpoint.Folder));

    public ChatTemplate? Template { get; }

    /// <summary>What begins another speaker's turn in plain text, where an answer ends; null where special tokens end it.</summary>
    public string? AnswerEnd => Template is null ? "\nUser:" : null;

    /// <summary>The text of a conversation up to where the assistant goes on: at its answer's beginning, or within the last message with <see cref="ChatOptions.ContinueFinalMessage"/>.</summary>
    /// <exception cref="ArgumentException">The template refuses the conversation.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, ChatOptions? options = null)
    {
        options ??= new ChatOptions();
        options = options with { AddGenerationPrompt = !options.ContinueFinalMessage };
        return Template?.Render(messages, options) ?? Plain(messages, options);
    }

    /// <summary>The tokens of <see cref="Render"/>.</summary>
    /// <exception cref="ArgumentException">The template refuses the conversation, or it is longer than the context.</exception>
    public int[] Encode(IReadOnlyList<ChatMessage> messages, ChatOptions? options = null) =>
        Template is null ? _prompts.Encode(Render(messages, options)) : _prompts.EncodeRendered(Render(messages, options));

    private static string Plain(IReadOnlyList<ChatMessage> messages, ChatOptions options)
    {
        StringBuilder text = new();
        for (int i = 0; i < messages.Count; i++)
        {
            (string role, string content) = (messages[i].Role, messages[i].Content);
            bool continued = options.ContinueFinalMessage && i == messages.Count - 1;
            text.Append(role switch { "system" => content, "user" => $"User: {content}", "assistant" => $"Assistant: {content}", _ => $"{role}: {content}" });
            if (!continued) text.Append(role == "system" ? "\n\n" : "\n");
        }
        if (options.AddGenerationPrompt) text.Append("Assistant:");
        return text.ToString();
    }
}
