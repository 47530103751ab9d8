namespace Microtome.Models.Tokenizers;

/// <summary>A part of a text, in UTF-16 units, and whether a pattern matched it.</summary>
internal readonly record struct Section(int Start, int End, bool IsMatch);

/// <summary>What texts are split at, and what normalizers replace.</summary>
internal abstract class SplitPattern
{
    /// <summary>Adds sections that cover <paramref name="text"/> in order: matches and what lies between them.</summary>
    public abstract void Find(ReadOnlySpan<char> text, List<Section> sections);
}

/// <summary>A literal string; an empty one is found nowhere.</summary>
internal sealed class LiteralPattern(string literal) : SplitPattern
{
    public string Literal => literal;

    public override void Find(ReadOnlySpan<char> text, List<Section> sections)
    {
        int at = 0;
        while (literal.Length > 0 && text[at..].IndexOf(literal, StringComparison.Ordinal) is >= 0 and int distance)
        {
            if (distance > 0) sections.Add(new Section(at, at + distance, false));
            at += distance + literal.Length;
            sections.Add(new Section(at - literal.Length, at, true));
        }
        if (at < text.Length) sections.Add(new Section(at, text.Length, false));
    }
}

/// <summary>Every single code point of a set.</summary>
internal sealed class CharacterPattern(CharacterSet set) : SplitPattern
{
    public override void Find(ReadOnlySpan<char> text, List<Section> sections)
    {
        int covered = 0;
        for (int at = 0; at < text.Length;)
        {
            int start = at;
            if (!set.Contains(CharacterSet.Next(text, ref at))) continue;
            if (start > covered) sections.Add(new Section(covered, start, false));
            sections.Add(new Section(start, at, true));
            covered = at;
        }
        if (covered < text.Length) sections.Add(new Section(covered, text.Length, false));
    }
}
