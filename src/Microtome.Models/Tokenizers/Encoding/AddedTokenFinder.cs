using System.Buffers;

namespace Microtome.Models.Tokenizers;

/// <summary>Finds added tokens in a text: the leftmost, and of those the longest.</summary>
internal sealed class AddedTokenFinder
{
    private readonly (string Text, AddedToken Token)[] _sorted;
    private readonly SearchValues<char> _firstUnits;

    /// <param name="tokens">What to look for and which token it is; empty texts are never found.</param>
    public AddedTokenFinder(IEnumerable<(AddedToken Token, string InText)> tokens)
    {
        _sorted = [.. tokens.Where(token => token.InText.Length > 0).Select(token => (token.InText, token.Token))];
        // Stable, so that the first of equal texts comes first.
        _sorted = [.. _sorted.OrderBy(token => token.Text, StringComparer.Ordinal)];
        _firstUnits = SearchValues.Create([.. _sorted.Select(token => token.Text[0]).Distinct()]);
    }

    /// <summary>The range of <paramref name="text"/> that a token takes, white space that it strips included.</summary>
    public readonly record struct Match(int Start, int End, AddedToken Token);

    public void Find(ReadOnlySpan<char> text, List<Match> matches)
    {
        if (_sorted.Length == 0) return;
        int taken = 0, at = 0;
        while (at < text.Length && text[at..].IndexOfAny(_firstUnits) is >= 0 and int distance)
        {
            at += distance;
            if (Longest(text[at..]) is not (string found, AddedToken token))
            {
                at++;
                continue;
            }
            int start = at, end = at + found.Length;
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
    private (string Text, AddedToken Token)? Longest(ReadOnlySpan<char> text)
    {
        (string, AddedToken)? longest = null;
        int low = 0, high = _sorted.Length;
        for (int i = 0; i < text.Length && low < high; i++)
        {
            low = FirstAtOrAbove(low, high, i, text[i]);
            high = FirstAtOrAbove(low, high, i, text[i] + 1);
            // Sorted, the text that ends here comes before those that go on.
            if (low < high && _sorted[low].Text.Length == i + 1) longest = _sorted[low];
        }
        return longest;
    }

    private int FirstAtOrAbove(int low, int high, int unit, int value)
    {
        while (low < high)
        {
            int middle = (low + high) / 2;
            string candidate = _sorted[middle].Text;
            if (unit < candidate.Length && candidate[unit] >= value) high = middle;
            else low = middle + 1;
        }
        return low;
    }
}
