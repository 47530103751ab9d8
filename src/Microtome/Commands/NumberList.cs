using System.Globalization;

namespace Microtome.Commands;

/// <summary>Lists of numbers on the command line: <c>512,1024</c>, <c>0-3,5</c>.</summary>
internal static class NumberList
{
    private const int Most = 4096;

    public static bool TryWhole(string text, out int[] numbers)
    {
        List<int> found = [];
        numbers = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            int dash = part.IndexOf('-', StringComparison.Ordinal);
            string first = dash > 0 ? part[..dash] : part, last = dash > 0 ? part[(dash + 1)..] : part;
            if (!int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out int from) || !int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out int to)) return false;
            if (to < from || to - from > Most) return false;
            for (int i = from; i <= to; i++) found.Add(i);
        }
        numbers = [.. found.Distinct()];
        return numbers.Length is > 0 and <= Most;
    }

    public static bool TryReal(string text, out double[] numbers)
    {
        numbers = [];
        List<double> found = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) || !double.IsFinite(number)) return false;
            found.Add(number);
        }
        numbers = [.. found.Distinct()];
        return numbers.Length is > 0 and <= Most;
    }
}
