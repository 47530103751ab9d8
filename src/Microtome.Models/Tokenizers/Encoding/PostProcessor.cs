using System.Text;

namespace Microtome.Models.Tokenizers;

/// <summary>A token of an encoded text, and for added tokens what it looked like there.</summary>
internal record struct EncodedToken(int Id, int Start, int End, string? AddedText = null);

/// <summary>What is done to the tokens of a whole text: white space is trimmed off their ranges, special tokens are put around them.</summary>
internal abstract class PostProcessor
{
    /// <summary>The tokens that <see cref="Apply"/> puts before the text.</summary>
    public virtual ReadOnlySpan<int> Prefix => default;

    public abstract void Apply(string text, List<EncodedToken> tokens, Vocabulary vocabulary, bool addSpecialTokens);

    protected static void Surround(List<EncodedToken> tokens, ReadOnlySpan<int> before, ReadOnlySpan<int> after)
    {
        EncodedToken[] prefix = new EncodedToken[before.Length];
        for (int i = 0; i < before.Length; i++) prefix[i] = new EncodedToken(before[i], 0, 0);
        tokens.InsertRange(0, prefix);
        foreach (int id in after) tokens.Add(new EncodedToken(id, 0, 0));
    }
}

internal sealed class PostProcessorSequence(PostProcessor[] steps) : PostProcessor
{
    // The last step is outermost.
    public override ReadOnlySpan<int> Prefix
    {
        get
        {
            for (int i = steps.Length - 1; i >= 0; i--)
                if (steps[i].Prefix is { Length: > 0 } prefix) return prefix;
            return default;
        }
    }

    public override void Apply(string text, List<EncodedToken> tokens, Vocabulary vocabulary, bool addSpecialTokens)
    {
        foreach (PostProcessor step in steps) step.Apply(text, tokens, vocabulary, addSpecialTokens);
    }
}

/// <summary>Puts fixed tokens before and after the text.</summary>
internal sealed class TemplatePostProcessor(int[] before, int[] after) : PostProcessor
{
    public override ReadOnlySpan<int> Prefix => before;

    public override void Apply(string text, List<EncodedToken> tokens, Vocabulary vocabulary, bool addSpecialTokens)
    {
        if (addSpecialTokens) Surround(tokens, before, after);
    }
}

/// <summary>Leaves white space out of the ranges of byte-level tokens, but for a space that the pre-tokenizer put before the text.</summary>
internal sealed class TrimOffsetsPostProcessor(bool addPrefixSpace) : PostProcessor
{
    public override void Apply(string text, List<EncodedToken> tokens, Vocabulary vocabulary, bool addSpecialTokens)
    {
        for (int i = 0; i < tokens.Count; i++)
        {
            EncodedToken token = tokens[i];
            if (token.Start == token.End) continue;
            string piece = token.AddedText ?? vocabulary.Text(token.Id);
            int leading = 0, trailing = 0;
            while (leading < piece.Length && IsSpace(piece[leading])) leading++;
            while (trailing < piece.Length && IsSpace(piece[^(trailing + 1)])) trailing++;
            if (leading == 1 && addPrefixSpace && (i == 0 || token.Start == 0)) leading = 0;
            tokens[i] = Trim(text, token, leading, trailing);
        }
    }

    /// <summary>Takes whole characters off both ends, which are not always the spaces themselves: a space put before the text has the range of what it precedes.</summary>
    private static EncodedToken Trim(string text, EncodedToken token, int leading, int trailing)
    {
        (int start, int end) = (token.Start, token.End);
        while (leading-- > 0 && start < end) CharacterSet.Next(text, ref start);
        while (trailing-- > 0 && end > start) end = CharacterSet.Previous(text, end);
        return token with { Start = start, End = end };
    }

    private static bool IsSpace(char unit) => unit == ByteAlphabet.Space || char.IsWhiteSpace(unit);
}
