using Microtome.Models.Tokenizers;

namespace Microtome.Models;

/// <summary>
/// Turns prompts into a model's token ids and ids into text. A checkpoint without <c>tokenizer.json</c> is spoken to in ids: its prompts
/// are numbers, <c>1 81 187</c> or <c>t1 t81 t187</c>, and its tokens' texts are <c>t1</c>, <c>t81</c>.
/// </summary>
public sealed class PromptEncoder
{
    private static readonly char[] Separators = [' ', ',', '\t', '\n', '\r'];
    private readonly ModelSpecification _model;
    private readonly Tokenizer? _tokenizer;

    /// <param name="tokenizer">Null for a checkpoint that has none.</param>
    public PromptEncoder(ModelSpecification model, Tokenizer? tokenizer)
    {
        _model = model;
        _tokenizer = tokenizer;
    }

    /// <summary>The encoder of the checkpoint in a folder.</summary>
    /// <exception cref="InvalidDataException">The tokenizer's files are damaged.</exception>
    public static PromptEncoder Load(string folder, ModelSpecification model) =>
        new(model, File.Exists(Path.Combine(folder, "tokenizer.json")) ? Tokenizer.Load(folder) : null);

    /// <summary>Whether prompts are text, not ids.</summary>
    public bool HasTokenizer => _tokenizer is not null;

    /// <summary>The ids to generate from: with the special tokens that the tokenizer puts around a text.</summary>
    /// <exception cref="ArgumentException">The prompt has no tokens, or names ids outside the vocabulary.</exception>
    public int[] Encode(string prompt) => NotEmpty(_tokenizer is null ? Numbers(prompt) : _tokenizer.Encode(prompt, addSpecialTokens: true));

    /// <summary>The ids of a text that has its special tokens already, as chat templates write it.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Encode"/>.</exception>
    public int[] EncodeRendered(string text) => NotEmpty(_tokenizer is null ? Numbers(text) : _tokenizer.Encode(text));

    /// <summary>
    /// The ids to trace. Features are not looked for at the first position, so that a special token stands there: where the prompt does not
    /// begin with one, the tokenizer's beginning of text is put before it, else padding, else end of text, else any special token.
    /// </summary>
    /// <exception cref="ArgumentException">As for <see cref="Encode"/>.</exception>
    public int[] EncodeForTracing(string prompt)
    {
        if (_tokenizer is null) return NotEmpty(Numbers(prompt));
        int[] tokens = NotEmpty(_tokenizer.Encode(prompt));
        return !_tokenizer.SpecialIds.Contains(tokens[0]) && FirstToken is { } special ? [special, .. tokens] : tokens;
    }

    /// <summary>How many tokens a text has of its own, without any that are put around it.</summary>
    public int CountOwn(string text) => _tokenizer is null ? Numbers(text).Length : _tokenizer.Encode(text).Length;

    /// <summary>The special token that traced prompts and texts begin with: beginning of text, else padding, else end of text, else any special token; null where there is none.</summary>
    public int? FirstToken
    {
        get
        {
            int? first = _tokenizer?.BeginningOfText ?? _model.BeginningOfText ?? _tokenizer?.Padding ?? _model.Padding ?? _tokenizer?.EndOfText;
            first ??= _model.EndOfText.Count > 0 ? _model.EndOfText[0] : _tokenizer?.SpecialIds.Count > 0 ? _tokenizer.SpecialIds[0] : null;
            return first < _model.VocabularySize ? first : null;
        }
    }

    /// <summary>The ids of a text of any length, without special tokens around it.</summary>
    /// <exception cref="ArgumentException">Without a tokenizer: the text is not token ids.</exception>
    public int[] EncodeText(string text) => _tokenizer is null ? Numbers(text) : _tokenizer.Encode(text);

    /// <summary>As <see cref="Encode"/>, with the range of the text that each token stands for; (0, 0) for tokens put around it.</summary>
    /// <param name="isRendered">The text is a rendered chat template, which has its special tokens already.</param>
    /// <exception cref="ArgumentException">As for <see cref="Encode"/>.</exception>
    public IReadOnlyList<Token> EncodeWithOffsets(string prompt, bool isRendered = false)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        if (_tokenizer is not null)
        {
            IReadOnlyList<Token> tokens = _tokenizer.EncodeWithOffsets(prompt, addSpecialTokens: !isRendered);
            NotEmpty([.. tokens.Select(token => token.Id)]);
            return tokens;
        }
        int[] ids = NotEmpty(Numbers(prompt));
        List<Token> numbers = [];
        for (int at = 0; numbers.Count < ids.Length;)
        {
            while (IsSeparator(prompt[at])) at++;
            int start = at;
            while (at < prompt.Length && !IsSeparator(prompt[at])) at++;
            numbers.Add(new Token(ids[numbers.Count], start, at));
        }
        return numbers;
    }

    public string Decode(ReadOnlySpan<int> tokens) => _tokenizer?.Decode(tokens, skipSpecialTokens: true) ?? string.Join(' ', tokens.ToArray().Select(TextOf));

    /// <summary>The text that a token stands for in the middle of a text.</summary>
    public string TextOf(int token) => _tokenizer?.TokenText(token) ?? $"t{token}";

    /// <summary>Text as tokens are generated.</summary>
    public TextStream Stream() => new(_tokenizer);

    /// <summary>The token that has this text; null where none has.</summary>
    public int? FindToken(string text)
    {
        try
        {
            return Token(text);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The one token that has this text.</summary>
    /// <exception cref="ArgumentException">No token has, or only several together; the message says what is near.</exception>
    public int Token(string text)
    {
        if (_tokenizer is null)
        {
            int[] ids = Numbers(text);
            return ids.Length == 1 ? ids[0] : throw new ArgumentException($"The target '{text}' is not one token id.");
        }
        if (text.Length == 0) throw new ArgumentException("The target has no text.");
        int[] tokens = _tokenizer.Encode(text);
        if (tokens.Length == 1 && TextOf(tokens[0]) == text) return tokens[0];
        for (int id = 0; id < Math.Min(_tokenizer.VocabularySize, _model.VocabularySize); id++) // SentencePiece marks the start of a text with a space
            if (TextOf(id) == text) return id;
        string pieces = string.Join(", ", tokens.Select(token => $"\"{TextOf(token)}\""));
        throw new ArgumentException($"The target \"{text}\" is not one token but {tokens.Length}: {pieces}. Give one token's text; most words begin with a space.");
    }

    private static bool IsSeparator(char c) => Separators.Contains(c);

    private int[] Numbers(string prompt) =>
    [
        .. prompt.Split(Separators, StringSplitOptions.RemoveEmptyEntries).Select(word =>
            int.TryParse(word.AsSpan(word[0] == 't' ? 1 : 0), out int id) && id >= 0 && id < _model.VocabularySize
                ? id
                : throw new ArgumentException($"The checkpoint has no tokenizer.json, so prompts are token ids from 0 to {_model.VocabularySize - 1}; '{word}' is none.")),
    ];

    private int[] NotEmpty(int[] tokens)
    {
        if (tokens.Length == 0) throw new ArgumentException("The prompt has no text.");
        return tokens.Length <= _model.ContextLength ? tokens : throw new ArgumentException($"The prompt has {tokens.Length} tokens; the model's context holds {_model.ContextLength}.");
    }
}
