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

    /// <summary>A question with what is said before it.</summary>
    public static (string Text, IReadOnlyList<(string Name, string Text)> Parts) Compose(ExperimentContext context, string template, params IReadOnlyList<(string Name, string Text)> values) =>
        Fill(template, values);
}
