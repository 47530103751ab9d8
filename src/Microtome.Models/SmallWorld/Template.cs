using System.Text;

namespace Microtome.Models.SmallWorld;

/// <summary>
/// A sentence with places to fill, <c>{0}</c>, <c>{1}</c>, and one bar before its answer: <c>The capital of {0} is| {1}.</c> A prompt is what stands
/// before the bar; the answer ends with the first full stop after it, or with the first place, whichever is first.
/// </summary>
public sealed class Template
{
    private readonly string _prompt, _answer, _rest;

    internal Template(string text)
    {
        Text = text;
        int bar = text.IndexOf('|', StringComparison.Ordinal), place = text.IndexOf('}', bar);
        _prompt = text[..bar];
        int end = place + 1 < text.Length && text[place + 1] == '.' ? place + 2 : place + 1;
        _answer = text[(bar + 1)..end];
        _rest = text[end..];
    }

    /// <summary>The sentence with its places and its bar.</summary>
    public string Text { get; }

    /// <summary>What a model is given.</summary>
    public string Prompt(Filling filling) => Fill(_prompt, filling.Values);

    /// <summary>What it is to say, from its space to its full stop where it ends the sentence.</summary>
    public string Answer(Filling filling) => Fill(_answer, filling.Values);

    /// <summary>Every answer that is right: one, or those of <see cref="Filling.AlsoRight"/> too.</summary>
    public IReadOnlyList<string> Answers(Filling filling)
    {
        if (filling.AlsoRight.Count == 0) return [Answer(filling)];
        int place = _answer[_answer.IndexOf('{', StringComparison.Ordinal) + 1] - '0';
        return [.. filling.AlsoRight.Select(right => Fill(_answer, [.. filling.Values.Select((value, index) => index == place ? right : value)]))];
    }

    /// <summary>The whole sentence.</summary>
    public string Sentence(Filling filling) => Prompt(filling) + Answer(filling) + Fill(_rest, filling.Values);

    private static string Fill(string text, IReadOnlyList<string> values)
    {
        StringBuilder filled = new(text.Length + 32);
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != '{')
            {
                filled.Append(text[at]);
                continue;
            }
            filled.Append(values[text[at + 1] - '0']);
            at += 2;
        }
        return filled.ToString();
    }
}
