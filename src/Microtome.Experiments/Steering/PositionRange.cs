using System.Globalization;

namespace Microtome.Experiments;

/// <summary>Positions of a text, those of generated tokens included, counted from its first token.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last; null for all that follow.</param>
public readonly record struct PositionRange(int First, int? Last)
{
    public static PositionRange All { get; } = new(0, null);

    /// <summary>The default: models treat the first token as a resting place for attention.</summary>
    public static PositionRange AllButFirst { get; } = new(1, null);

    public bool Contains(int position) => position >= First && !(position > Last);

    public bool Overlaps(PositionRange other) => !(First > other.Last) && !(other.First > Last);

    /// <summary>Which of the rows of a sequence, whose first is at <paramref name="past"/>, lie in the range.</summary>
    /// <returns>The first of them and the one after the last; both equal where there is none.</returns>
    internal (int Begin, int End) Within(int past, int length)
    {
        int begin = Math.Clamp(First - past, 0, length);
        int end = Last is { } last ? (int)Math.Clamp((long)last - past + 1, begin, length) : length;
        return (begin, end);
    }

    /// <summary>Reads <c>all</c>, <c>3-</c> (3 and all after it), <c>7</c> or <c>2-9</c>.</summary>
    public static bool TryParse(string text, out PositionRange range)
    {
        range = All;
        if (text == "all") return true;
        string[] ends = text.Split('-');
        if (ends.Length > 2 || !TryPosition(ends[0], out int first)) return false;
        int? last = first;
        if (ends.Length == 2)
        {
            last = null;
            if (ends[1].Length > 0)
            {
                if (!TryPosition(ends[1], out int end) || end < first) return false;
                last = end;
            }
        }
        range = new PositionRange(first, last);
        return true;
    }

    public override string ToString() => this == All ? "all" : Last is null ? $"{First}-" : Last == First ? $"{First}" : $"{First}-{Last}";

    private static bool TryPosition(string text, out int position) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out position);
}
