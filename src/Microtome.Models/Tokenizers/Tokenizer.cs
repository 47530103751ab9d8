namespace Microtome.Models.Tokenizers;

/// <summary>
/// Byte pair encoding as Hugging Face's tokenizer.json describes it: byte-level (GPT-2, Llama 3, Qwen and others) and in SentencePiece's
/// manner (Llama 2, Mistral, Gemma). Truncation and padding that a file asks for are left to the caller. Safe to use from several threads at once.
/// </summary>
public sealed class Tokenizer
{
    private const int MostBytes = 1 << 29;

    private readonly TokenizerParts _parts;
    private readonly Dictionary<int, AddedToken> _addedById = [];
    private readonly Dictionary<string, int> _addedByContent = new(StringComparer.Ordinal);
    private readonly AddedTokenFinder _rawTokens;
    private readonly AddedTokenFinder _normalizedTokens;
    private readonly bool _prependBeginning;

    private Tokenizer(TokenizerParts parts, TokenizerConfiguration? configuration)
    {
        _parts = parts;
        VocabularySize = Vocabulary.Size;
        foreach (AddedToken token in parts.AddedTokens)
        {
            _addedById[token.Id] = token;
            _addedByContent[token.Content] = token.Id;
            VocabularySize = Math.Max(VocabularySize, token.Id + 1);
        }
        _rawTokens = new AddedTokenFinder(_addedById.Values.Where(token => !token.Normalized));
        _normalizedTokens = new AddedTokenFinder(_addedById.Values.Where(token => token.Normalized));
        SpecialIds = [.. _addedById.Values.Where(token => token.Special).Select(token => token.Id).Order()];
        BeginningOfText = FindConfigured(configuration?.BeginningOfText);
        EndOfText = FindConfigured(configuration?.EndOfText);
        Padding = FindConfigured(configuration?.Padding);
        _prependBeginning = configuration is { AddBeginningOfText: true } && BeginningOfText is int beginning
            && !(parts.PostProcessor?.Prefix.Contains(beginning) ?? false);
    }

    /// <summary>The largest id and 1, added tokens included. A model's vocabulary may be larger, padded to a round number.</summary>
    public int VocabularySize { get; }

    /// <summary>The id of the token that begins a text; null when tokenizer_config.json names none.</summary>
    public int? BeginningOfText { get; }

    /// <summary>The id of the token that ends a text; null when tokenizer_config.json names none.</summary>
    public int? EndOfText { get; }

    /// <summary>The id of the token that fills up shorter texts; null when tokenizer_config.json names none.</summary>
    public int? Padding { get; }

    /// <summary>The ids of the added tokens that carry structure rather than text, ascending.</summary>
    public IReadOnlyList<int> SpecialIds { get; }

    internal DecoderPlan Decoder => _parts.Decoder;

    private Vocabulary Vocabulary => _parts.Model.Vocabulary;

    /// <summary>Reads <c>tokenizer.json</c>, and <c>tokenizer_config.json</c> if there is one, in a checkpoint's folder.</summary>
    /// <exception cref="FileNotFoundException">The folder has no tokenizer.json.</exception>
    /// <exception cref="InvalidDataException">A file is malformed or uses what is not supported; the message names the place.</exception>
    public static Tokenizer Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string file = Path.Combine(folder, "tokenizer.json");
        if (!File.Exists(file)) throw new FileNotFoundException($"{folder} has no tokenizer.json; download it from where the model came from.", file);
        TokenizerParts parts = TokenizerReader.Read(ReadBounded(file), file);
        string configurationFile = Path.Combine(folder, "tokenizer_config.json");
        return new Tokenizer(parts, File.Exists(configurationFile) ? TokenizerConfiguration.Read(ReadBounded(configurationFile), configurationFile) : null);
    }

    /// <summary>Reads a tokenizer.json. Without a tokenizer_config.json, the beginning, the end and padding are not known.</summary>
    /// <param name="tokenizerJson">Its bytes, read to the end.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InvalidDataException">It is malformed or uses what is not supported; the message names the place.</exception>
    public static Tokenizer Parse(Stream tokenizerJson, string name)
    {
        ArgumentNullException.ThrowIfNull(tokenizerJson);
        ArgumentException.ThrowIfNullOrEmpty(name);
        using MemoryStream bytes = new(tokenizerJson.CanSeek ? (int)Math.Clamp(tokenizerJson.Length - tokenizerJson.Position, 0, MostBytes) : 0);
        byte[] buffer = new byte[1 << 16];
        for (int count; (count = tokenizerJson.Read(buffer)) > 0;)
        {
            bytes.Write(buffer, 0, count);
            ThrowIfTooLarge(bytes.Length, name);
        }
        return new Tokenizer(TokenizerReader.Read(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), name), null);
    }

    /// <summary>The ids of the tokens that <paramref name="text"/> is made of.</summary>
    /// <param name="text">Any text; half of a surrogate pair counts as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether to put around them what the tokenizer puts around a text, such as its beginning.</param>
    /// <exception cref="InvalidDataException">A pattern of the tokenizer takes too many steps.</exception>
    public int[] Encode(string text, bool addSpecialTokens = false)
    {
        List<EncodedToken> tokens = EncodeTokens(text, addSpecialTokens, wantOffsets: false);
        int[] ids = new int[tokens.Count];
        for (int i = 0; i < ids.Length; i++) ids[i] = tokens[i].Id;
        return ids;
    }

    /// <summary>
    /// As <see cref="Encode"/>, with the range of <paramref name="text"/> that each token stands for, as it was before any
    /// normalization; (0, 0) for tokens put around it. <see cref="CodePointOffsets"/> converts to Python's units.
    /// </summary>
    public IReadOnlyList<Token> EncodeWithOffsets(string text, bool addSpecialTokens = false)
    {
        List<EncodedToken> encoded = EncodeTokens(text, addSpecialTokens, wantOffsets: true);
        Token[] tokens = new Token[encoded.Count];
        for (int i = 0; i < tokens.Length; i++) tokens[i] = new Token(encoded[i].Id, encoded[i].Start, encoded[i].End);
        return tokens;
    }

    /// <summary>The same tokens with ranges in Unicode code points of <paramref name="text"/>, as Python counts, in place of UTF-16 units.</summary>
    /// <exception cref="ArgumentException">The tokens are not those of the text.</exception>
    public static Token[] CodePointOffsets(string text, IReadOnlyList<Token> tokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Any(token => token.Start < 0 || token.Start > token.End || token.End > text.Length))
            throw new ArgumentException($"A token's range is not within the {text.Length} units of the text; give the text that was encoded.", nameof(tokens));
        int[] codePoints = new int[text.Length + 1];
        for (int at = 0, count = 0; at < text.Length;)
        {
            int start = at;
            CharacterSet.Next(text, ref at);
            codePoints.AsSpan(start..at).Fill(count);
            codePoints[at] = ++count;
        }
        return [.. tokens.Select(token => new Token(token.Id, codePoints[token.Start], codePoints[token.End]))];
    }

    /// <summary>The text that tokens stand for. Ids that no token has stand for none.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        (DecoderStage first, TextStage text) = Decoder.Build();
        foreach (int id in ids)
            if (Piece(id, skipSpecialTokens) is string piece) first.Push(piece);
        first.Finish();
        return text.Take();
    }

    /// <summary>
    /// The text that a token stands for in the middle of a text: " Once" for "▁Once", a line break for &lt;0x0A&gt;, U+FFFD for bytes that are
    /// not whole characters, its content for a special token; empty for an id that no token has.
    /// </summary>
    public string TokenText(int id)
    {
        if (_addedById.TryGetValue(id, out AddedToken? added)) return added.Content;
        if (Piece(id, skipSpecialTokens: false) is not string piece) return "";
        (DecoderStage first, TextStage text) = Decoder.Build(inMiddle: true);
        first.Push(piece);
        first.Finish();
        return text.Take();
    }

    /// <summary>The id of a piece exactly as the vocabulary writes it ("Ġthe", "▁the"), or of an added token; null when there is none.</summary>
    public int? Find(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        if (_addedByContent.TryGetValue(token, out int added)) return added;
        return Vocabulary.Find(token) is >= 0 and int id ? id : null;
    }

    /// <summary>The words of a text, as the model is given them to cut up: added tokens are left out.</summary>
    internal IEnumerable<string> Words(string text)
    {
        List<Word> words = FindAddedTokens(text);
        if (_parts.PreTokenizer is not null) words = _parts.PreTokenizer.Apply(words);
        foreach (Word word in words)
            if (word.Token is null) yield return word.Units.ToString();
    }

    /// <summary>A token as the decoder takes it; null when there is none, or when it is special and special tokens are skipped.</summary>
    internal string? Piece(int id, bool skipSpecialTokens)
    {
        if (_addedById.TryGetValue(id, out AddedToken? added)) return added.Special && skipSpecialTokens ? null : added.InText;
        return Vocabulary.Contains(id) ? Vocabulary.Text(id) : null;
    }

    private List<EncodedToken> EncodeTokens(string text, bool addSpecialTokens, bool wantOffsets)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<Word> words = FindAddedTokens(text);
        if (_parts.PreTokenizer is not null) words = _parts.PreTokenizer.Apply(words);

        List<EncodedToken> tokens = new(text.Length / 4 + 4);
        List<Symbol> symbols = [];
        foreach (Word word in words)
        {
            if (word.Token is AddedToken added)
            {
                (int start, int end) = word.Text.Origin(word.Start, word.End);
                tokens.Add(new EncodedToken(added.Id, start, end, wantOffsets ? word.Units.ToString() : null));
                continue;
            }
            symbols.Clear();
            _parts.Model.Encode(word.Units, symbols);
            foreach (Symbol symbol in symbols)
            {
                (int start, int end) = wantOffsets ? word.Text.Origin(word.Start + symbol.Start, word.Start + symbol.End) : default;
                tokens.Add(new EncodedToken(symbol.Id, start, end));
            }
        }
        _parts.PostProcessor?.Apply(text, tokens, Vocabulary, addSpecialTokens);
        if (addSpecialTokens && _prependBeginning) tokens.Insert(0, new EncodedToken(BeginningOfText!.Value, 0, 0));
        return tokens;
    }

    /// <summary>Cuts the text at added tokens, those that are looked for before normalization first, and normalizes the rest.</summary>
    private List<Word> FindAddedTokens(string text)
    {
        List<Word> words = [];
        List<AddedTokenFinder.Match> matches = [];
        _rawTokens.Find(text, matches);
        int covered = 0;
        foreach (AddedTokenFinder.Match match in matches)
        {
            AddNormalized(text, covered, match.Start, words);
            words.Add(new Word(new AlignedText(text.AsSpan(match.Start, match.End - match.Start), match.Start), 0, match.End - match.Start, match.Token));
            covered = match.End;
        }
        AddNormalized(text, covered, text.Length, words);
        return words;
    }

    private void AddNormalized(string text, int start, int end, List<Word> words)
    {
        if (start >= end) return;
        AlignedText normalized = new(text.AsSpan(start, end - start), start);
        if (_parts.Normalizer is not null) normalized = _parts.Normalizer.Apply(normalized);
        List<AddedTokenFinder.Match> matches = [];
        _normalizedTokens.Find(normalized.Units, matches);
        int covered = 0;
        foreach (AddedTokenFinder.Match match in matches)
        {
            if (match.Start > covered) words.Add(new Word(normalized, covered, match.Start));
            words.Add(new Word(normalized, match.Start, match.End, match.Token));
            covered = match.End;
        }
        if (covered < normalized.Length) words.Add(new Word(normalized, covered, normalized.Length));
    }

    private int? FindConfigured(string? content) => content is null ? null : Find(content);

    private static byte[] ReadBounded(string file)
    {
        ThrowIfTooLarge(new FileInfo(file).Length, file);
        return File.ReadAllBytes(file);
    }

    private static void ThrowIfTooLarge(long length, string name)
    {
        if (length > MostBytes) throw new InvalidDataException($"{name} has {length} bytes; a tokenizer's file should have at most {MostBytes}.");
    }
}
