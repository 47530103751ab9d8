namespace Microtome.Models.Tokenizers;

internal sealed class SplitPreTokenizer(SplitPattern pattern, SplitBehavior behavior, bool invert) : PreTokenizer
{
    protected override void Split(Word word, List<Word> output) => Split(word, pattern, behavior, invert, output);
}

/// <summary>Replaces spaces by <paramref name="replacement"/> and puts one before the text, as SentencePiece does.</summary>
internal sealed class MetaspacePreTokenizer(string replacement, MetaspacePrefix prefix, bool split) : PreTokenizer
{
    private readonly ReplaceNormalizer _replace = new(new LiteralPattern(" "), replacement);
    private readonly LiteralPattern _pattern = new(replacement);

    protected override void Split(Word word, List<Word> output)
    {
        bool atStart = word.Text.StartOf(word.Start) == 0;
        AlignedText text = _replace.Replace(word.Text, word.Start, word.End);
        bool prepend = prefix == MetaspacePrefix.Always || (prefix == MetaspacePrefix.First && atStart);
        if (prepend && !text.Units.StartsWith(replacement, StringComparison.Ordinal)) text = PrependNormalizer.Prepend(text, 0, text.Length, replacement);
        Word whole = new(text, 0, text.Length);
        if (split) Split(whole, _pattern, SplitBehavior.MergedWithNext, invert: false, output);
        else output.Add(whole);
    }
}

/// <summary>Where a space is put before the text.</summary>
internal enum MetaspacePrefix { Always, First, Never }
