using Microtome.Models.ChatTemplates;

namespace Microtome.Experiments;

/// <summary>The text of a question as its model reads it.</summary>
internal static class PromptTexts
{
    /// <summary>Fills a template, each <c>{name}</c> with its text.</summary>
    /// <returns>The text and its parts in the order in which they stand in it.</returns>
    /// <exception cref="ArgumentException">The template has no place for a part, or a place for one that there is not.</exception>
    public static (string Text, IReadOnlyList<(string Name, string Text)> Parts) Fill(string template, params IReadOnlyList<(string Name, string Text)> values)
    {
        List<(string, string)> parts = [];
        System.Text.StringBuilder text = new();
        int at = 0;
        while (at < template.Length)
        {
            int open = template.IndexOf('{', at), close = open < 0 ? -1 : template.IndexOf('}', open);
            if (close < 0) break;
            string name = template[(open + 1)..close];
            int which = values.ToList().FindIndex(value => value.Name == name);
            if (which < 0) throw new ArgumentException($"The template \"{template}\" has a place for {{{name}}}, which there is not; there are {string.Join(", ", values.Select(value => $"{{{value.Name}}}"))}.");
            text.Append(template, at, open - at).Append(values[which].Text);
            parts.Add(values[which]);
            at = close + 1;
        }
        text.Append(template, at, template.Length - at);
        foreach ((string name, string _) in values)
            if (!template.Contains($"{{{name}}}", StringComparison.Ordinal) && name != "context") throw new ArgumentException($"The template \"{template}\" has no place for {{{name}}}.");
        return (text.ToString(), [.. parts.Where(part => part.Item2.Length > 0)]);
    }

    /// <summary>A question with what is said before it: through the model's chat template, where it has one and the file gives no template of its own.</summary>
    /// <param name="values">In the order in which they are said; the last is the question.</param>
    /// <param name="prefill">How the answer begins.</param>
    /// <exception cref="ArgumentException">The template cannot be filled, or the chat template refuses the conversation.</exception>
    public static ComposedPrompt Compose(ExperimentContext context, string template, string prefill, params IReadOnlyList<(string Name, string Text)> values)
    {
        if (context.Chat is not { } chat || context.Settings.Prompts.ContainsKey("template"))
        {
            (string plain, IReadOnlyList<(string, string)> parts) = Fill(template, values);
            return new ComposedPrompt(plain, parts, IsRendered: false);
        }
        // What comes before the question is a turn of its own, which the assistant acknowledges.
        (string Name, string Text)[] before = [.. values.SkipLast(1).Where(value => value.Text.Length > 0)];
        List<ChatMessage> messages = before.Length == 0 ? [] : [new ChatMessage("user", string.Join("\n\n", before.Select(value => value.Text))), new ChatMessage("assistant", "Ok.")];
        messages.Add(new ChatMessage("user", values[^1].Text));
        if (prefill.Length > 0) messages.Add(new ChatMessage("assistant", prefill));
        string text = chat.Render(messages, new ChatOptions { AddGenerationPrompt = prefill.Length == 0, ContinueFinalMessage = prefill.Length > 0 });
        return new ComposedPrompt(text, [.. before, values[^1]], IsRendered: true);
    }
}

/// <summary>A question's text and its parts.</summary>
/// <param name="IsRendered">It comes from a chat template.</param>
internal sealed record ComposedPrompt(string Text, IReadOnlyList<(string Name, string Text)> Parts, bool IsRendered);
