using Microtome.Models;

namespace Microtome.Circuits;

/// <summary>Targets as people write them: <c>" Paris"</c>, or <c>" Paris - Rome"</c> for a difference of logits.</summary>
public static class TargetParser
{
    private const string Minus = " - ";

    /// <exception cref="ArgumentException">A part is not one token.</exception>
    public static TargetRequest Parse(string text, PromptEncoder encoder)
    {
        int at = text.Length > 3 ? text.IndexOf(Minus, 1, StringComparison.Ordinal) : -1;
        if (at < 0) return new TargetRequest(encoder.Token(text), text);

        string left = text[..at], right = text[(at + Minus.Length)..];
        if (right.Length == 0) throw new ArgumentException($"The target has no text after the minus: \"{text}\".");
        // Where the first token begins with a space, so does the second, unless only the bare word is a token.
        if (left[0] == ' ' && right[0] != ' ' && encoder.FindToken(" " + right) is not null) right = " " + right;
        return new TargetRequest(encoder.Token(left), encoder.Token(right), $"{left} −{(right[0] == ' ' ? "" : " ")}{right}");
    }
}
