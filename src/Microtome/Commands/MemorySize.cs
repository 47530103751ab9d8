using System.Globalization;

namespace Microtome.Commands;

/// <summary>Sizes as people write them: <c>8GB</c>, <c>512 MB</c>, <c>1.5G</c>; powers of 1024.</summary>
internal static class MemorySize
{
    private static readonly (string Suffix, long Scale)[] Units = [("KB", 1L << 10), ("MB", 1L << 20), ("GB", 1L << 30), ("TB", 1L << 40), ("K", 1L << 10), ("M", 1L << 20), ("G", 1L << 30), ("T", 1L << 40), ("B", 1)];

    public static bool TryParse(string text, out long bytes)
    {
        string number = text.Trim();
        long scale = 1;
        foreach ((string suffix, long unit) in Units)
            if (number.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                (number, scale) = (number[..^suffix.Length].TrimEnd(), unit);
                break;
            }
        bool parsed = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value * scale is >= 1 and < long.MaxValue;
        bytes = parsed ? (long)(value * scale) : 0;
        return parsed;
    }
}
