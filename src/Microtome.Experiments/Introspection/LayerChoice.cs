using System.Globalization;

namespace Microtome.Experiments;

/// <summary>Layers as experiment files name them: <c>all</c>, <c>3</c>, <c>2-5</c>, <c>25%-75%</c>, <c>spread 8</c> (so many, evenly, the last layer left out: after it no layer reads what is added), or several of these with commas.</summary>
public static class LayerChoice
{
    /// <param name="layers">How many the model has.</param>
    /// <returns>Ascending.</returns>
    /// <exception cref="ArgumentException">The text is none of these, or names a layer that the model does not have.</exception>
    public static IReadOnlyList<int> Parse(string text, int layers)
    {
        ArgumentNullException.ThrowIfNull(text);
        SortedSet<int> chosen = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = part.Split('-', StringSplitOptions.TrimEntries);
            if (part == "all") chosen.UnionWith(Enumerable.Range(0, layers));
            else if (part.StartsWith("spread ", StringComparison.Ordinal) && int.TryParse(part.AsSpan(7), NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0)
            {
                int read = Math.Max(1, layers - 1);
                chosen.UnionWith(Enumerable.Range(0, Math.Min(count, read)).Select(i => count >= read ? i : (int)Math.Round((i + 0.5) * read / count - 0.5)));
            }
            else if (ends.Length is 1 or 2 && ends.Select(end => Layer(end, layers)).ToArray() is var numbers && Array.TrueForAll(numbers, number => number >= 0))
            {
                if (numbers[^1] < numbers[0]) throw new ArgumentException($"The layers '{part}' run backwards.");
                foreach (int number in numbers)
                    if (number >= layers) throw new ArgumentException($"There is no layer {number}; the model's are 0 to {layers - 1}.");
                chosen.UnionWith(Enumerable.Range(numbers[0], numbers[^1] - numbers[0] + 1));
            }
            else throw new ArgumentException($"'{part}' names no layers; write all, 3, 2-5, 25%-75%, spread 8, or several of these with commas.");
        }
        return [.. chosen];
    }

    /// <summary>-1 where it is no layer.</summary>
    private static int Layer(string text, int layers)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return number;
        return text.EndsWith('%') && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double share) && share is >= 0 and <= 100
            ? (int)Math.Round(share / 100 * (layers - 1))
            : -1;
    }
}
