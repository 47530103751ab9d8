namespace Microtome.Models.Tokenizers;

/// <summary>Finds added tokens in a text: the leftmost, and of those the longest.</summary>
internal sealed class AddedTokenFinder
{
    private readonly AddedToken[] _sorted;
    private readonly ulong[] _firstUnits = new ulong[0x10000 / 64];

    /// <param name="tokens">What to look for; what is empty is never found.</param>
    public AddedTokenFinder(IEnumerable<AddedToken> tokens)
    {
        List<AddedToken> sorted = [];
        foreach (AddedToken token in tokens)
            if (token.InText.Length > 0) sorted.Add(token);
        sorted.Sort((left, right) => string.CompareOrdinal(left.InText, right.InText));
        _sorted = [.. sorted];
        foreach (AddedToken token in sorted) _firstUnits[token.InText[0] / 64] |= 1UL << token.InText[0];
    }

    /// <summary>The range of <paramref name="text"/> that a token takes, white space that it strips included.</summary>
    public readonly record struct Match(int Start, int End, AddedToken Token);

    public void Find(ReadOnlySpan<char> text, List<Match> matches)
    {
        if (_sorted.Length == 0) return;
        int taken = 0, at = 0;
        while (at < text.Length)
        {
            if ((_firstUnits[text[at] / 64] >> text[at] & 1) == 0 || Longest(text[at..]) is not AddedToken token)
            {
                at++;
                continue;
            }
            int start = at, end = at + token.InText.Length;
            at = end;
            if (token.SingleWord && (TouchesWordBefore(text, start) || TouchesWordAfter(text, end))) continue;
            if (token.StripLeft)
                while (start > taken && char.IsWhiteSpace(text[start - 1])) start--;
            if (token.StripRight)
                while (end < text.Length && char.IsWhiteSpace(text[end])) end++;
            matches.Add(new Match(start, end, token));
            taken = end;
        }
    }

    private static bool TouchesWordBefore(ReadOnlySpan<char> text, int at)
    {
        if (at == 0) return false;
        at = CharacterSet.Previous(text, at);
        return CharacterSet.WordOrJoiner.Contains(CharacterSet.Next(text, ref at));
    }

    private static bool TouchesWordAfter(ReadOnlySpan<char> text, int at) => at < text.Length && CharacterSet.WordOrJoiner.Contains(CharacterSet.Next(text, ref at));

    /// <summary>The longest token that <paramref name="text"/> begins with: narrows the range of sorted tokens unit by unit.</summary>
    private AddedToken? Longest(ReadOnlySpan<char> text)
    {
        AddedToken? longest = null;
        int low = 0, high = _sorted.Length;
        for (int i = 0; i < text.Length && low < high; i++)
        {
            low = FirstAtOrAbove(low, high, i, text[i]);
            high = FirstAtOrAbove(low, high, i, text[i] + 1);
            // Sorted, the text that ends here comes before those that go on.
            if (low < high && _sorted[low].InText.Length == i + 1) longest = _sorted[low];
        }
        return longest;
    }

    private int FirstAtOrAbove(int low, int high, int unit, int value)
    {
        while (low < high)
        {
            int middle = (low + high) / 2;
            string candidate = _sorted[middle].InText;
            if (unit < candidate.Length && candidate[unit] >= value) high = middle;
            else low = middle + 1;
        }
        return low;
    }
}
