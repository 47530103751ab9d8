using System.Globalization;
using System.Text;

namespace Microtome.Models.Tokenizers;

/// <summary>A set of Unicode code points: ranges, general categories and other sets, possibly inverted.</summary>
internal sealed class CharacterSet
{
    // In the order of UnicodeCategory's values.
    private static readonly string[] s_categoryNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc",
        "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    /// <summary>The symbols that Unicode calls alphabetic.</summary>
    public static (int, int)[] CircledLetters { get; } = [(0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189)];

    /// <summary>Unicode's White_Space.</summary>
    public static CharacterSet WhiteSpace { get; } = new(ranges:
        [(9, 13), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)]);

    /// <summary>What <c>\w</c> is in Oniguruma: alphabetic, marks, decimal digits and connectors.</summary>
    public static CharacterSet Word { get; } = new(ranges: CircledLetters,
        categories: Categories("L") | Categories("M") | Categories("Nd") | Categories("Nl") | Categories("Pc"));

    /// <summary><see cref="Word"/> and the two zero-width joiners, which single-word added tokens count as parts of words.</summary>
    public static CharacterSet WordOrJoiner { get; } = new(ranges: [(0x200C, 0x200D)], union: [Word]);

    public static CharacterSet Any { get; } = new(ranges: [(0, 0x10FFFF)]);

    private readonly (int First, int Last)[] _ranges;
    private readonly uint _categories;
    private readonly CharacterSet[] _union;
    private readonly CharacterSet? _intersection;
    private readonly bool _negated;
    private readonly bool _ignoreCase;
    private readonly ulong _ascii0;
    private readonly ulong _ascii1;

    /// <param name="ranges">Inclusive ranges of code points.</param>
    /// <param name="categories">Bit i: the general category whose <see cref="UnicodeCategory"/> is i.</param>
    /// <param name="union">Further members.</param>
    /// <param name="intersection">When given, members must be in it too.</param>
    /// <param name="negated">Whether the set is everything else.</param>
    /// <param name="ignoreCase">Whether a code point is a member when one of its simple case variants is.</param>
    public CharacterSet((int First, int Last)[]? ranges = null, uint categories = 0, CharacterSet[]? union = null,
        CharacterSet? intersection = null, bool negated = false, bool ignoreCase = false)
    {
        _ranges = ranges ?? [];
        _categories = categories;
        _union = union ?? [];
        _intersection = intersection;
        _negated = negated;
        _ignoreCase = ignoreCase;
        for (int i = 0; i < 64; i++)
        {
            if (Evaluate(i)) _ascii0 |= 1UL << i;
            if (Evaluate(64 + i)) _ascii1 |= 1UL << i;
        }
    }

    public static CharacterSet Of(int codePoint, bool ignoreCase = false) => new(ranges: [(codePoint, codePoint)], ignoreCase: ignoreCase);

    public CharacterSet Negate() => new(union: [this], negated: true);

    public bool Contains(int codePoint)
    {
        if ((uint)codePoint < 64) return (_ascii0 >> codePoint & 1) != 0;
        if ((uint)codePoint < 128) return (_ascii1 >> codePoint & 1) != 0;
        return Evaluate(codePoint);
    }

    /// <summary>The categories that <paramref name="name"/> stands for, as bits: a general category of one or two letters, or a long name; 0 when unknown.</summary>
    public static uint Categories(string name)
    {
        uint categories = 0;
        string wanted = name.ToUpperInvariant() switch
        {
            "LETTER" => "L",
            "UPPERCASE_LETTER" or "UPPER" => "Lu",
            "LOWERCASE_LETTER" or "LOWER" => "Ll",
            "MARK" => "M",
            "NUMBER" => "N",
            "DECIMAL_NUMBER" or "DIGIT" => "Nd",
            "PUNCTUATION" => "P",
            "SYMBOL" => "S",
            "SEPARATOR" => "Z",
            "OTHER" => "C",
            _ => name,
        };
        for (int i = 0; i < s_categoryNames.Length; i++)
            if (s_categoryNames[i].Equals(wanted, StringComparison.OrdinalIgnoreCase) || (wanted.Length == 1 && char.ToUpperInvariant(wanted[0]) == s_categoryNames[i][0]))
                categories |= 1u << i;
        return categories;
    }

    /// <summary>Reads the code point at <paramref name="index"/> and steps over it; a lone surrogate is U+FFFD.</summary>
    public static int Next(ReadOnlySpan<char> text, ref int index)
    {
        int unit = text[index++];
        if ((unit & 0xF800) != 0xD800) return unit;
        if (unit < 0xDC00 && index < text.Length && char.IsLowSurrogate(text[index])) return char.ConvertToUtf32((char)unit, text[index++]);
        return 0xFFFD;
    }

    /// <summary>The index of the code point before <paramref name="index"/>, which must be above 0.</summary>
    public static int Previous(ReadOnlySpan<char> text, int index) =>
        index >= 2 && char.IsLowSurrogate(text[index - 1]) && char.IsHighSurrogate(text[index - 2]) ? index - 2 : index - 1;

    private bool Evaluate(int codePoint)
    {
        bool member = HasMember(codePoint);
        if (!member && _ignoreCase)
            foreach (int variant in CaseVariants(codePoint))
                member |= HasMember(variant);
        return member != _negated;
    }

    private bool HasMember(int codePoint)
    {
        bool member = false;
        foreach ((int first, int last) in _ranges)
            if (codePoint >= first && codePoint <= last)
            {
                member = true;
                break;
            }
        if (!member && _categories != 0) member = (_categories >> (int)CharUnicodeInfo.GetUnicodeCategory(codePoint) & 1) != 0;
        for (int i = 0; !member && i < _union.Length; i++) member = _union[i].Contains(codePoint);
        return member && (_intersection is null || _intersection.Contains(codePoint));
    }

    private static int[] CaseVariants(int codePoint)
    {
        // Simple case folding joins these with ASCII letters, which .NET's invariant casing leaves apart.
        if (codePoint == 0x17F || codePoint is 's' or 'S') return ['s', 'S', 0x17F];
        if (codePoint == 0x212A || codePoint is 'k' or 'K') return ['k', 'K', 0x212A];
        if (!Rune.TryCreate(codePoint, out Rune rune)) return [];
        return [Rune.ToLowerInvariant(rune).Value, Rune.ToUpperInvariant(rune).Value];
    }
}
