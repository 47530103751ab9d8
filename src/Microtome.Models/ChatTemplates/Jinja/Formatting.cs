using System.Globalization;
using System.Text;

namespace Microtome.Models.ChatTemplates;

/// <summary>Python's <c>%</c> formatting, of the kinds that templates use, and dates.</summary>
internal static class Formatting
{
    /// <summary><c>%s</c>, <c>%d</c>, <c>%i</c>, <c>%r</c>, <c>%f</c> with digits, <c>%%</c></summary>
    public static string Percent(Rendering rendering, string format, IReadOnlyList<object?> values)
    {
        StringBuilder text = new();
        int next = 0;
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                text.Append(format[i]);
                continue;
            }
            int end = i + 1;
            while (end < format.Length && (char.IsAsciiDigit(format[end]) || format[end] == '.')) end++;
            char kind = end < format.Length ? format[end] : ' ';
            string digits = format[(i + 1)..Math.Min(end, format.Length)];
            i = end;
            if (kind == '%')
            {
                text.Append('%');
                continue;
            }
            if (next == values.Count) throw rendering.Error("a format asks for more values than there are");
            object? value = values[next++];
            if (kind is 's' && digits.Length == 0) text.Append(PythonText.Of(value));
            else if (kind is 'r' && digits.Length == 0) text.Append(PythonText.Of(new List<object?> { value })[1..^1]);
            else if (kind is 'd' or 'i' && digits.Length == 0 && Operations.Number(value) is { } whole) text.Append(Math.Truncate(whole).ToString("F0", CultureInfo.InvariantCulture));
            else if (kind is 'f' && Operations.Number(value) is { } number && (digits.Length == 0 || (digits[0] == '.' && int.TryParse(digits.AsSpan(1), out _))))
                text.Append(number.ToString($"F{Math.Min(40, digits.Length == 0 ? 6 : int.Parse(digits.AsSpan(1), CultureInfo.InvariantCulture))}", CultureInfo.InvariantCulture));
            else throw rendering.Error($"the format '%{digits}{kind}' is not supported for {PythonText.TypeOf(value)}");
            rendering.CheckLength(text.Length);
        }
        return next == values.Count ? rendering.Made(text.ToString()) : throw rendering.Error("a format has fewer places than there are values");
    }

    /// <summary><c>strftime</c>, in English.</summary>
    public static string Date(Rendering rendering, DateTimeOffset date, string format)
    {
        StringBuilder text = new();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            bool unpadded = format[++i] == '-' && i + 1 < format.Length;
            if (unpadded) i++;
            string? part = format[i] switch
            {
                'Y' => "yyyy",
                'y' => "yy",
                'm' => "MM",
                'd' => "dd",
                'B' => "MMMM",
                'b' or 'h' => "MMM",
                'A' => "dddd",
                'a' => "ddd",
                'H' => "HH",
                'I' => "hh",
                'M' => "mm",
                'S' => "ss",
                'p' => "tt",
                'F' => "yyyy-MM-dd",
                'T' => "HH:mm:ss",
                _ => null,
            };
            string written = part is not null ? date.ToString(part, CultureInfo.InvariantCulture)
                : format[i] == 'j' ? date.DayOfYear.ToString("000", CultureInfo.InvariantCulture)
                : format[i] == '%' ? "%"
                : throw rendering.Error($"strftime's '%{format[i]}' is not supported");
            text.Append(unpadded ? written.TrimStart('0') is { Length: > 0 } trimmed ? trimmed : "0" : written);
        }
        return text.ToString();
    }
}
