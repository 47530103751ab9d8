using System.Runtime.InteropServices;
using System.Text;

namespace Microtome.Models.Tokenizers;

/// <summary>A step that rewrites text before it is split into words.</summary>
internal abstract class Normalizer
{
    public abstract AlignedText Apply(AlignedText text);
}

internal sealed class NormalizerSequence(Normalizer[] steps) : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        foreach (Normalizer step in steps) text = step.Apply(text);
        return text;
    }
}

/// <summary>Puts <paramref name="prefix"/> before any text that is not empty; it shares the origin of the first character.</summary>
internal sealed class PrependNormalizer(string prefix) : Normalizer
{
    public override AlignedText Apply(AlignedText text) => Prepend(text, 0, text.Length, prefix);

    public static AlignedText Prepend(AlignedText text, int start, int end, string prefix)
    {
        AlignedText.Builder builder = new(end - start + prefix.Length);
        if (end > start)
        {
            int afterFirst = start;
            CharacterSet.Next(text.Units[..end], ref afterFirst);
            (int originStart, int originEnd) = text.Origin(start, afterFirst);
            builder.Append(prefix, originStart, originEnd);
        }
        builder.Append(text, start, end);
        return builder.Build();
    }
}

/// <summary>Replaces what a pattern matches; the replacement has the origin of the last character it replaces.</summary>
internal sealed class ReplaceNormalizer(SplitPattern pattern, string replacement) : Normalizer
{
    public override AlignedText Apply(AlignedText text) => Replace(text, 0, text.Length);

    public AlignedText Replace(AlignedText text, int start, int end)
    {
        ReadOnlySpan<char> units = text.Units[start..end];
        if (pattern is LiteralPattern { Literal: [char from] } && replacement is [char to] && start == 0 && end == text.Length)
        {
            if (!units.Contains(from)) return text;
            char[] replaced = units.ToArray();
            replaced.AsSpan().Replace(from, to);
            return text.With(replaced);
        }

        List<Section> sections = [];
        pattern.Find(units, sections);
        AlignedText.Builder builder = new(units.Length);
        foreach (Section section in sections)
        {
            if (!section.IsMatch)
            {
                builder.Append(text, start + section.Start, start + section.End);
                continue;
            }
            if (section.End == 0)
            {
                builder.Append(replacement, 0, 0);
                continue;
            }
            int last = CharacterSet.Previous(units, section.End);
            (int originStart, int originEnd) = text.Origin(start + last, start + section.End);
            builder.Append(replacement, originStart, originEnd);
        }
        return builder.Build();
    }
}

internal sealed class LowercaseNormalizer : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        ReadOnlySpan<char> units = text.Units;
        AlignedText.Builder builder = new(units.Length);
        for (int at = 0; at < units.Length;)
        {
            int start = at;
            int codePoint = CharacterSet.Next(units, ref at);
            (int originStart, int originEnd) = text.Origin(start, at);
            // The one character whose lower case is two characters in every language.
            if (codePoint == 0x130) builder.Append("i\u0307", originStart, originEnd);
            else builder.AppendCodePoint(Rune.ToLowerInvariant(new Rune(codePoint)).Value, originStart, originEnd);
        }
        return builder.Build();
    }
}

/// <summary>Removes white space at the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        int start = 0, end = text.Length;
        while (left && start < end && char.IsWhiteSpace(text.Units[start])) start++;
        while (right && end > start && char.IsWhiteSpace(text.Units[end - 1])) end--;
        if (end - start == text.Length) return text;
        AlignedText.Builder builder = new(end - start);
        builder.Append(text, start, end);
        return builder.Build();
    }
}

/// <summary>One of Unicode's four normalization forms.</summary>
internal sealed class UnicodeNormalizer(NormalizationForm form) : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        ReadOnlySpan<char> units = text.Units;
        if (UnicodeNormalization.IsNormalized(units, form)) return text;

        List<(int Start, int End)> origins = new(units.Length);
        List<int> codePoints = new(units.Length);
        for (int at = 0; at < units.Length;)
        {
            int start = at;
            codePoints.Add(CharacterSet.Next(units, ref at));
            origins.Add(text.Origin(start, at));
        }
        AlignedText.Builder builder = new(units.Length + 16);
        int next = 0;
        foreach ((int codePoint, int change) in UnicodeNormalization.Normalize(CollectionsMarshal.AsSpan(codePoints), form))
        {
            // A character that was inserted has the origin of the one before it; one that replaces several, that of the first.
            int origin = change > 0 ? next - 1 : next;
            (int start, int end) = origin < 0 ? (0, 0) : origins[Math.Min(origin, origins.Count - 1)];
            if (change <= 0) next += 1 - change;
            builder.AppendCodePoint(codePoint, start, end);
        }
        return builder.Build();
    }
}
