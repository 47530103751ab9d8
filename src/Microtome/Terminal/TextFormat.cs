using System.Globalization;
using System.Text;

namespace Microtome.Terminal;

/// <summary>How numbers and tokens are printed.</summary>
internal static class TextFormat
{
    /// <summary>A token's text in quotes, with control characters spelled out and long texts cut.</summary>
    public static string Token(string text, int most = 24)
    {
        StringBuilder shown = new();
        foreach (Rune rune in text.EnumerateRunes())
        {
            shown.Append(rune.Value switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '"' => "\\\"",
                _ => Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned ? $"\\u{{{rune.Value:X}}}" : rune.ToString(),
            });
            if (shown.Length <= most) continue;
            shown.Length = most - 1;
            shown.Append('…');
            break;
        }
        return $"\"{shown}\"";
    }

    public static string Bytes(long bytes) => bytes switch
    {
        < 1 << 10 => $"{bytes} B",
        < 1 << 20 => FormattableString.Invariant($"{bytes / 1024.0:0.#} KB"),
        < 1 << 30 => FormattableString.Invariant($"{bytes / 1048576.0:0.#} MB"),
        _ => FormattableString.Invariant($"{bytes / 1073741824.0:0.##} GB"),
    };

    public static string Duration(TimeSpan time) => time.TotalSeconds switch
    {
        < 10 => FormattableString.Invariant($"{time.TotalSeconds:0.#} s"),
        < 120 => FormattableString.Invariant($"{time.TotalSeconds:0} s"),
        < 7200 => FormattableString.Invariant($"{time.TotalMinutes:0} min"),
        _ => FormattableString.Invariant($"{time.TotalHours:0.#} h"),
    };

    public static string Percent(double share) => share.ToString(share is > 0 and < 0.001 ? "0.000%" : "0.0%", CultureInfo.InvariantCulture);

    public static string Number(double value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Value(double value) => value.ToString(Math.Abs(value) >= 100 ? "0.0" : "0.000", CultureInfo.InvariantCulture);
}
