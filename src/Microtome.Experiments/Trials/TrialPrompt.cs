using Microtome.Models;
using Microtome.Models.Tokenizers;

namespace Microtome.Experiments;

/// <summary>A question as a model reads it, with the answers that are read after it.</summary>
public sealed class TrialPrompt
{
    private readonly IReadOnlyDictionary<string, PositionRange> _spans;

    private TrialPrompt(string name, string text, int[] tokens, IReadOnlyDictionary<string, PositionRange> spans, AnswerOptions options)
    {
        Name = name;
        Text = text;
        Tokens = tokens;
        _spans = spans;
        Options = options;
    }

    /// <summary>What results call it.</summary>
    public string Name { get; }

    public string Text { get; }

    public int[] Tokens { get; }

    public AnswerOptions Options { get; }

    /// <summary>The position at which the answer is read: the last.</summary>
    public int AnswerPosition => Tokens.Length - 1;

    /// <param name="text">The whole text.</param>
    /// <param name="parts">Named parts of the text in the order in which they stand there.</param>
    /// <param name="isRendered">The text is a rendered chat template.</param>
    /// <exception cref="ArgumentException">A part is not in the text, the text is empty or too long, or the options cannot be told apart.</exception>
    public static TrialPrompt Create(PromptEncoder encoder, string name, string text, IReadOnlyList<(string Name, string Text)> parts, IReadOnlyList<AnswerOption> options, bool isRendered = false)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(parts);
        string where = $"The question '{name}'";
        IReadOnlyList<Token> tokens = encoder.EncodeWithOffsets(text, isRendered);
        Dictionary<string, PositionRange> spans = [];
        int from = 0;
        foreach ((string part, string words) in parts)
        {
            int start = text.IndexOf(words, from, StringComparison.Ordinal);
            if (start < 0) throw new ArgumentException($"{where}: the model's template leaves out or changes \"{words}\".");
            from = start + words.Length;
            int[] inside = [.. Enumerable.Range(0, tokens.Count).Where(i => tokens[i].End > start && tokens[i].Start < start + words.Length && tokens[i].End > tokens[i].Start)];
            if (inside.Length > 0) spans[part] = new PositionRange(inside[0], inside[^1]);
        }
        int[] ids = [.. tokens.Select(token => token.Id)];
        return new TrialPrompt(name, text, ids, spans, AnswerOptions.After(encoder, text, ids, options, where, isRendered));
    }

    /// <summary>The positions that a name or numbers stand for: a part's name, <c>part-</c> for it and everything after it, <c>last</c>, or what <see cref="PositionRange.TryParse"/> reads.</summary>
    /// <exception cref="ArgumentException">It is none of these, or beyond the text.</exception>
    public PositionRange Positions(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text == "last") return new PositionRange(AnswerPosition, null);
        if (_spans.TryGetValue(text, out PositionRange span)) return span;
        if (text.EndsWith('-') && _spans.TryGetValue(text[..^1], out span)) return new PositionRange(span.First, null);
        if (!PositionRange.TryParse(text, out PositionRange range))
            throw new ArgumentException($"'{text}' names no positions of the question '{Name}'; there are all, last, numbers such as 3, 3- and 3-9, and {string.Join(", ", _spans.Keys.SelectMany(key => new[] { key, key + "-" }))}.");
        if (range.First >= Tokens.Length) throw new ArgumentException($"The question '{Name}' has positions 0 to {Tokens.Length - 1}, not {text}.");
        return range;
    }
}
