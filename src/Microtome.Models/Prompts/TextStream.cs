using Microtome.Models.Tokenizers;

namespace Microtome.Models;

/// <summary>
/// The text of tokens as they come, no character ever split. All that <see cref="Append"/> and <see cref="Finish"/> return, joined, is
/// what <see cref="PromptEncoder.Decode"/> returns for all tokens.
/// </summary>
public sealed class TextStream
{
    private readonly StreamingDecoder? _decoder;
    private string _separator = "";

    internal TextStream(Tokenizer? tokenizer) => _decoder = tokenizer is null ? null : new StreamingDecoder(tokenizer, skipSpecialTokens: true);

    /// <summary>The text that this token completes; empty while it is the beginning of something.</summary>
    public string Append(int token)
    {
        if (_decoder is not null) return _decoder.Append(token);
        string text = $"{_separator}t{token}";
        _separator = " ";
        return text;
    }

    /// <summary>What was held back, when no more tokens come.</summary>
    public string Finish() => _decoder?.Finish() ?? "";
}
