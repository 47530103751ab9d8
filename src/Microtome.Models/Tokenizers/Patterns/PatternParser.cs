using System.Globalization;

namespace Microtome.Models.Tokenizers;

/// <summary>
/// Reads the part of Oniguruma's syntax that tokenizers are published with. Groups never capture. What it does not know, it refuses
/// with a <see cref="FormatException"/>.
/// </summary>
internal sealed class PatternParser
{
    private const int DeepestGroup = 32;

    private readonly string _source;
    private int _at;
    private int _depth;
    private bool _ignoreCase;
    private bool _dotMatchesNewline;

    private PatternParser(string source) => _source = source;

    public static PatternNode Parse(string source)
    {
        PatternParser parser = new(source);
        PatternNode node = parser.ParseChoice();
        if (parser._at < source.Length) throw parser.Error("has a ')' that closes nothing");
        return node;
    }

    private bool More => _at < _source.Length;

    private FormatException Error(string what) => new($"{what} (at character {_at})");

    private bool TryTake(string text)
    {
        if (string.CompareOrdinal(_source, _at, text, 0, text.Length) != 0) return false;
        _at += text.Length;
        return true;
    }

    private int TakeCodePoint()
    {
        if (!More) throw Error("ends too early");
        return CharacterSet.Next(_source, ref _at);
    }

    private PatternNode ParseChoice()
    {
        if (++_depth > DeepestGroup) throw Error($"nests groups more than {DeepestGroup} deep");
        bool ignoreCase = _ignoreCase, dotMatchesNewline = _dotMatchesNewline;
        List<PatternNode> alternatives = [ParseSequence()];
        while (TryTake("|")) alternatives.Add(ParseSequence());
        (_ignoreCase, _dotMatchesNewline) = (ignoreCase, dotMatchesNewline);
        _depth--;
        return alternatives.Count == 1 ? alternatives[0] : new PatternNode.Choice([.. alternatives]);
    }

    private PatternNode ParseSequence()
    {
        List<PatternNode> parts = [];
        while (More && _source[_at] is not ('|' or ')'))
        {
            PatternNode? atom = ParseAtom();
            if (atom is not null) parts.Add(ParseQuantifiers(atom));
        }
        return parts.Count == 1 ? parts[0] : new PatternNode.Sequence([.. parts]);
    }

    private PatternNode ParseQuantifiers(PatternNode atom)
    {
        for (int stacked = 0; More; stacked++)
        {
            int minimum, maximum;
            bool interval = false;
            if (TryTake("?")) (minimum, maximum) = (0, 1);
            else if (TryTake("*")) (minimum, maximum) = (0, int.MaxValue);
            else if (TryTake("+")) (minimum, maximum) = (1, int.MaxValue);
            else if (_source[_at] == '{' && TryTakeInterval(out minimum, out maximum)) interval = true;
            else return atom;

            // After an interval, '+' repeats it again; only after ?, * and + does it mean "possessive".
            Greed greed = TryTake("?") ? Greed.Lazy : !interval && TryTake("+") ? Greed.Possessive : Greed.Greedy;
            if (stacked == 4) throw Error("stacks more than four quantifiers");
            if (maximum > 1 && atom.CanBeEmpty) throw Error("repeats a part that can be empty, which is not supported");
            atom = new PatternNode.Repeat(atom, minimum, maximum, greed);
        }
        return atom;
    }

    private bool TryTakeInterval(out int minimum, out int maximum)
    {
        (minimum, maximum) = (0, 0);
        int close = _source.IndexOf('}', _at);
        if (close < 0) return false;
        string[] bounds = _source[(_at + 1)..close].Split(',');
        const NumberStyles Digits = NumberStyles.None;
        bool valid = bounds.Length switch
        {
            1 => int.TryParse(bounds[0], Digits, CultureInfo.InvariantCulture, out minimum),
            2 => (bounds[0].Length == 0 ? bounds[1].Length > 0 : int.TryParse(bounds[0], Digits, CultureInfo.InvariantCulture, out minimum))
                & (bounds[1].Length == 0 || int.TryParse(bounds[1], Digits, CultureInfo.InvariantCulture, out maximum)),
            _ => false,
        };
        if (!valid) return false;
        if (bounds.Length == 1) maximum = minimum;
        else if (bounds[1].Length == 0) maximum = int.MaxValue;
        if (minimum > 1000 || (maximum > 1000 && maximum != int.MaxValue) || minimum > maximum) throw Error("has a repeat count that is reversed or above 1000");
        _at = close + 1;
        return true;
    }

    private PatternNode? ParseAtom()
    {
        if (TryTake("(")) return ParseGroup();
        if (TryTake("[")) return new PatternNode.One(ParseClass());
        if (TryTake(".")) return new PatternNode.One(_dotMatchesNewline ? CharacterSet.Any : CharacterSet.Of('\n').Negate());
        if (TryTake("^")) return new PatternNode.Assertion(Anchor.LineStart);
        if (TryTake("$")) return new PatternNode.Assertion(Anchor.LineEnd);
        if (_source[_at] is '?' or '*' or '+') throw Error($"has a '{_source[_at]}' that repeats nothing");
        if (TryTake(@"\A")) return new PatternNode.Assertion(Anchor.TextStart);
        if (TryTake(@"\z")) return new PatternNode.Assertion(Anchor.TextEnd);
        if (TryTake(@"\Z")) return new PatternNode.Assertion(Anchor.TextEndOrLastNewline);
        if (TryTake(@"\b")) return new PatternNode.Assertion(Anchor.WordBoundary);
        if (TryTake(@"\B")) return new PatternNode.Assertion(Anchor.NoWordBoundary);
        if (_source[_at] == '\\') return new PatternNode.One(ParseEscape(out int codePoint) ?? CharacterSet.Of(codePoint, _ignoreCase));
        return new PatternNode.One(CharacterSet.Of(TakeCodePoint(), _ignoreCase));
    }

    private PatternNode? ParseGroup()
    {
        if (TryTake("?#"))
        {
            int close = _source.IndexOf(')', _at);
            if (close < 0) throw Error("has a comment that is not closed");
            _at = close + 1;
            return null;
        }
        if (TryTake("?:")) return CloseGroup(ParseChoice());
        if (TryTake("?=")) return new PatternNode.Look(CloseGroup(ParseChoice()), Behind: false, Negative: false);
        if (TryTake("?!")) return new PatternNode.Look(CloseGroup(ParseChoice()), Behind: false, Negative: true);
        if (TryTake("?<=")) return LookBehind(negative: false);
        if (TryTake("?<!")) return LookBehind(negative: true);
        if (TryTake("?>")) return new PatternNode.Atomic(CloseGroup(ParseChoice()));
        if (TryTake("?<"))
        {
            int close = _source.IndexOf('>', _at);
            if (close < 0) throw Error("has a group name that is not closed");
            _at = close + 1;
            return CloseGroup(ParseChoice());
        }
        return TryTake("?") ? ParseOptions() : CloseGroup(ParseChoice());
    }

    /// <summary><c>(?i:…)</c>, or <c>(?i)</c>, which holds to the end of the enclosing group.</summary>
    private PatternNode? ParseOptions()
    {
        bool ignoreCase = _ignoreCase, dotMatchesNewline = _dotMatchesNewline, on = true;
        while (true)
        {
            if (TryTake("-")) on = false;
            else if (TryTake("i")) _ignoreCase = on;
            else if (TryTake("m")) _dotMatchesNewline = on;
            else break;
        }
        if (TryTake(")"))
            // Everything up to the end of the group is the body, alternatives too.
            return ParseChoice();
        if (!TryTake(":")) throw Error("has a kind of group or an option that is not supported");
        PatternNode body = CloseGroup(ParseChoice());
        (_ignoreCase, _dotMatchesNewline) = (ignoreCase, dotMatchesNewline);
        return body;
    }

    private PatternNode.Look LookBehind(bool negative)
    {
        PatternNode body = CloseGroup(ParseChoice());
        if (body.FixedLength is null) throw Error("looks behind for something of varying length, which is not supported");
        return new PatternNode.Look(body, Behind: true, negative);
    }

    private PatternNode CloseGroup(PatternNode body) => TryTake(")") ? body : throw Error("has a group that is not closed");

    /// <summary>A class, after its '['.</summary>
    private CharacterSet ParseClass()
    {
        if (++_depth > DeepestGroup) throw Error($"nests classes more than {DeepestGroup} deep");
        bool negated = TryTake("^");
        List<(int, int)> ranges = [];
        List<CharacterSet> sets = [];
        CharacterSet? intersection = null;
        bool first = true;
        while (first || !TryTake("]"))
        {
            if (!More) throw Error("has a class that is not closed");
            if (TryTake("&&"))
            {
                CharacterSet left = new([.. ranges], union: [.. sets], intersection: intersection, ignoreCase: _ignoreCase);
                (ranges, sets, intersection, first) = ([], [], left, false);
                continue;
            }
            first = false;
            if (_source[_at] == '[')
            {
                if (TryTake("[:")) sets.Add(ParsePosixName());
                else
                {
                    _at++;
                    sets.Add(ParseClass());
                }
                continue;
            }
            if (ParseClassMember(out int low) is CharacterSet set)
            {
                sets.Add(set);
                continue;
            }
            int high = low;
            if (_at + 1 < _source.Length && _source[_at] == '-' && _source[_at + 1] is not (']' or '['))
            {
                int dash = _at++;
                if (ParseClassMember(out high) is not null) (_at, high) = (dash, low);
                if (high < low) throw Error("has a range that runs backwards");
            }
            ranges.Add((low, high));
        }
        _depth--;
        return new CharacterSet([.. ranges], union: [.. sets], intersection: intersection, negated: negated, ignoreCase: _ignoreCase);
    }

    private CharacterSet? ParseClassMember(out int codePoint)
    {
        codePoint = 0;
        if (More && _source[_at] == '\\')
        {
            if (TryTake(@"\b")) codePoint = '\b';
            else return ParseEscape(out codePoint);
            return null;
        }
        codePoint = TakeCodePoint();
        return null;
    }

    /// <summary>An escape outside of anchors: a set, or null and the code point that it stands for.</summary>
    private CharacterSet? ParseEscape(out int codePoint)
    {
        _at++;
        codePoint = TakeCodePoint();
        switch (codePoint)
        {
            case 's': return CharacterSet.WhiteSpace;
            case 'S': return CharacterSet.WhiteSpace.Negate();
            case 'd': return new CharacterSet(categories: CharacterSet.Categories("Nd"));
            case 'D': return new CharacterSet(categories: CharacterSet.Categories("Nd"), negated: true);
            case 'w': return CharacterSet.Word;
            case 'W': return CharacterSet.Word.Negate();
            case 'h': return HexadecimalDigits;
            case 'H': return HexadecimalDigits.Negate();
            case 'p': return ParseProperty(negated: false);
            case 'P': return ParseProperty(negated: true);
            case 'n': codePoint = '\n'; return null;
            case 'r': codePoint = '\r'; return null;
            case 't': codePoint = '\t'; return null;
            case 'f': codePoint = '\f'; return null;
            case 'v': codePoint = '\v'; return null;
            case 'a': codePoint = '\a'; return null;
            case 'e': codePoint = 0x1B; return null;
            case '0': codePoint = 0; return null;
            case 'u': codePoint = ParseHexadecimal(4, 4); return null;
            case 'x':
                if (TryTake("{"))
                {
                    codePoint = ParseHexadecimal(1, 6);
                    if (!TryTake("}") || codePoint > 0x10FFFF) throw Error("has a malformed \\x{…}");
                }
                else codePoint = ParseHexadecimal(1, 2);
                return null;
            default:
                if (codePoint < 128 && char.IsAsciiLetterOrDigit((char)codePoint)) throw Error($"uses \\{(char)codePoint}, which is not supported");
                return null;
        }
    }

    private static CharacterSet HexadecimalDigits { get; } = new(ranges: [('0', '9'), ('a', 'f'), ('A', 'F')]);

    private int ParseHexadecimal(int least, int most)
    {
        int start = _at;
        while (_at - start < most && More && char.IsAsciiHexDigit(_source[_at])) _at++;
        if (_at - start < least) throw Error("has an escape with too few hexadecimal digits");
        return int.Parse(_source.AsSpan(start, _at - start), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }

    private CharacterSet ParseProperty(bool negated)
    {
        int close = _source.IndexOf('}', _at);
        if (!TryTake("{") || close < 0) throw Error(@"has a \p without {…}");
        if (TryTake("^")) negated = !negated;
        string name = _source[_at..close];
        _at = close + 1;
        return Named(name, negated);
    }

    private CharacterSet ParsePosixName()
    {
        bool negated = TryTake("^");
        int close = _source.IndexOf(":]", _at, StringComparison.Ordinal);
        if (close < 0) throw Error("has a [: that is not closed");
        string name = _source[_at..close];
        _at = close + 2;
        return Named(name, negated);
    }

    private CharacterSet Named(string name, bool negated)
    {
        CharacterSet? set = name.ToUpperInvariant() switch
        {
            "HAN" or "SCRIPT=HAN" => Han,
            "SPACE" or "WHITE_SPACE" => CharacterSet.WhiteSpace,
            "WORD" => CharacterSet.Word,
            "ALNUM" => new CharacterSet(categories: CharacterSet.Categories("Nd"), union: [Alphabetic]),
            "ALPHA" or "ALPHABETIC" => Alphabetic,
            "ANY" => CharacterSet.Any,
            "PUNCT" => new CharacterSet(categories: CharacterSet.Categories("P"), ranges: [('$', '$'), ('+', '+'), ('<', '>'), ('^', '^'), ('`', '`'), ('|', '|'), ('~', '~')]),
            "XDIGIT" => HexadecimalDigits,
            _ => null,
        };
        uint categories = set is null ? CharacterSet.Categories(name) : 0;
        if (set is null && categories == 0) throw Error($"names the Unicode property '{name}', which is not supported");
        set ??= new CharacterSet(categories: categories);
        return negated ? set.Negate() : set;
    }

    private static CharacterSet Alphabetic { get; } = new(categories: CharacterSet.Categories("L") | CharacterSet.Categories("Nl"), ranges: CharacterSet.CircledLetters);

    // Unicode's Scripts.txt, Script=Han.
    private static CharacterSet Han { get; } = new(ranges:
    [
        (0x2E80, 0x2E99), (0x2E9B, 0x2EF3), (0x2F00, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B),
        (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFA6D), (0xFA70, 0xFAD9), (0x16FE2, 0x16FE3), (0x16FF0, 0x16FF1), (0x20000, 0x2A6DF),
        (0x2A700, 0x2B739), (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1), (0x2CEB0, 0x2EBE0), (0x2EBF0, 0x2EE5D), (0x2F800, 0x2FA1D), (0x30000, 0x3134A), (0x31350, 0x323AF),
    ]);
}
