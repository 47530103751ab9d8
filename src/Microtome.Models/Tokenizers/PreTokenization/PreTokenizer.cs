using System.Runtime.InteropServices;

namespace Microtome.Models.Tokenizers;

/// <summary>A stretch of a text: a word still to be encoded, or an added token.</summary>
internal readonly record struct Word(AlignedText Text, int Start, int End, AddedToken? Token = null)
{
    public ReadOnlySpan<char> Units => Text.Units[Start..End];
}

/// <summary>Splits texts into words, which the model then encodes one by one. Added tokens pass through.</summary>
internal abstract class PreTokenizer
{
    public virtual List<Word> Apply(List<Word> words)
    {
        List<Word> result = new(words.Count);
        foreach (Word word in words)
        {
            if (word.Token is not null) result.Add(word);
            else Split(word, result);
        }
        return result;
    }

    /// <summary>Appends the parts of a word that is not an added token; none of them empty.</summary>
    protected abstract void Split(Word word, List<Word> output);

    /// <summary>Splits a word at a pattern.</summary>
    protected static void Split(Word word, SplitPattern pattern, SplitBehavior behavior, bool invert, List<Word> output)
    {
        List<Section> sections = [];
        pattern.Find(word.Units, sections);
        if (invert)
            foreach (ref Section section in CollectionsMarshal.AsSpan(sections)) section = section with { IsMatch = !section.IsMatch };
        if (behavior is not (SplitBehavior.Isolated or SplitBehavior.Removed)) sections = Join(sections, behavior);
        foreach (Section section in sections)
            if (section.End > section.Start && !(section.IsMatch && behavior == SplitBehavior.Removed))
                output.Add(new Word(word.Text, word.Start + section.Start, word.Start + section.End));
    }

    private static List<Section> Join(List<Section> sections, SplitBehavior behavior)
    {
        List<Section> joined = new(sections.Count);
        bool backwards = behavior == SplitBehavior.MergedWithNext;
        if (backwards) sections.Reverse();
        bool previousMatched = false;
        foreach (Section section in sections)
        {
            bool join = behavior == SplitBehavior.Contiguous ? section.IsMatch == previousMatched : section.IsMatch && !previousMatched;
            previousMatched = section.IsMatch;
            if (!join || joined.Count == 0) joined.Add(section);
            else joined[^1] = backwards ? joined[^1] with { Start = section.Start } : joined[^1] with { End = section.End };
        }
        if (backwards) joined.Reverse();
        return joined;
    }
}

internal sealed class PreTokenizerSequence(PreTokenizer[] steps) : PreTokenizer
{
    public override List<Word> Apply(List<Word> words)
    {
        foreach (PreTokenizer step in steps) words = step.Apply(words);
        return words;
    }

    protected override void Split(Word word, List<Word> output) => output.AddRange(Apply([word]));
}

/// <summary>What becomes of what a split pattern matches.</summary>
internal enum SplitBehavior
{
    /// <summary>It is dropped.</summary>
    Removed,

    /// <summary>Each match is a word of its own.</summary>
    Isolated,

    /// <summary>It ends the word before it.</summary>
    MergedWithPrevious,

    /// <summary>It begins the word after it.</summary>
    MergedWithNext,

    /// <summary>Matches that touch are one word.</summary>
    Contiguous,
}
