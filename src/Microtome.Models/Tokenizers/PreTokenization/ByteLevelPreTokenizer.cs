using System.Text;

namespace Microtome.Models.Tokenizers;

/// <summary>Splits at GPT-2's pattern, if wanted, and writes each byte of the words' UTF-8 as one character of the <see cref="ByteAlphabet"/>.</summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    // Radford et al., Language Models are Unsupervised Multitask Learners (2019): encoder.py.
    private static readonly Lazy<Pattern> s_gpt2 = new(() =>
        new Pattern(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", "GPT-2"));

    public override List<Word> Apply(List<Word> words)
    {
        if (addPrefixSpace || useRegex) words = base.Apply(words);

        // The bytes of all words go into one text, since there may be very many words.
        AlignedText.Builder builder = new(words.Sum(word => word.Token is null ? word.End - word.Start : 0));
        List<int> ends = new(words.Count);
        foreach (Word word in words)
        {
            if (word.Token is null) AppendBytes(word, builder);
            ends.Add(builder.Length);
        }
        AlignedText bytes = builder.Build();
        List<Word> result = new(words.Count);
        for (int i = 0, start = 0; i < words.Count; start = ends[i++])
            result.Add(words[i].Token is null ? new Word(bytes, start, ends[i]) : words[i]);
        return result;
    }

    protected override void Split(Word word, List<Word> output)
    {
        if (addPrefixSpace && word.Units[0] != ' ')
        {
            AlignedText prefixed = PrependNormalizer.Prepend(word.Text, word.Start, word.End, " ");
            word = new Word(prefixed, 0, prefixed.Length);
        }
        if (useRegex) Split(word, s_gpt2.Value, SplitBehavior.Isolated, invert: false, output);
        else output.Add(word);
    }

    private static void AppendBytes(Word word, AlignedText.Builder output)
    {
        ReadOnlySpan<char> units = word.Units;
        Span<byte> utf8 = stackalloc byte[4];
        for (int at = 0; at < units.Length;)
        {
            int from = at;
            int codePoint = CharacterSet.Next(units, ref at);
            (int start, int end) = word.Text.Origin(word.Start + from, word.Start + at);
            if (codePoint < 0x80)
            {
                output.Append(ByteAlphabet.Character((byte)codePoint), start, end);
                continue;
            }
            foreach (byte value in utf8[..new Rune(codePoint).EncodeToUtf8(utf8)]) output.Append(ByteAlphabet.Character(value), start, end);
        }
    }
}
