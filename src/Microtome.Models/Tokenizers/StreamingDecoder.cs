namespace Microtome.Models.Tokenizers;

/// <summary>
/// Decodes tokens one by one while they are being generated. No character is ever split: what is not whole yet comes with a later token.
/// All that <see cref="Append"/> and <see cref="Finish"/> return, joined, is what <see cref="Tokenizer.Decode"/> returns for all ids.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly DecoderStage _first;
    private readonly TextStage _text;

    /// <param name="tokenizer">Whose tokens they are.</param>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    public StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
        (_first, _text) = tokenizer.Decoder.Build();
    }

    /// <summary>The text that this token completes; empty while it is the beginning of something.</summary>
    public string Append(int id)
    {
        if (_tokenizer.Piece(id, _skipSpecialTokens) is string piece) _first.Push(piece);
        return _text.Take();
    }

    /// <summary>What was held back, when no more tokens come: U+FFFD for an unfinished character.</summary>
    public string Finish()
    {
        _first.Finish();
        return _text.Take();
    }
}
