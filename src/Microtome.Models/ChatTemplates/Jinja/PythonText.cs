using System.Globalization;
using System.Text;

namespace Microtome.Models.ChatTemplates;

/// <summary>Values as Python prints them.</summary>
internal static class PythonText
{
    private const int Deepest = 64;

    /// <summary><c>str(value)</c></summary>
    public static string Of(object? value) => value switch
    {
        string text => text,
        Undefined => "",
        _ => Written(value, json: false),
    };

    /// <summary>What Python calls a value's type.</summary>
    public static string TypeOf(object? value) => value switch
    {
        null => "None",
        bool => "a boolean",
        long => "an integer",
        double => "a number",
        string => "a text",
        List<object?> => "a list",
        Map => "a dictionary",
        Undefined undefined => $"{undefined.What}, which is not defined,",
        Namespace => "a namespace",
        Callable => "a function",
        _ => "a loop",
    };

    /// <summary><c>json.dumps(value, ensure_ascii=False)</c></summary>
    /// <param name="indent">How many spaces; null for one line.</param>
    public static string Json(object? value, int? indent = null, string? itemSeparator = null, string? keySeparator = null, bool sorted = false)
    {
        StringBuilder text = new();
        new Writer(text, json: true, indent, itemSeparator ?? (indent is null ? ", " : ","), keySeparator ?? ": ", sorted).Write(value, 0);
        return text.ToString();
    }

    /// <summary>As Python writes floating-point numbers: the shortest digits, with an exponent below 1e-4 and from 1e16.</summary>
    public static string Number(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        if (value == 0) return double.IsNegative(value) ? "-0.0" : "0.0";
        string digits = value.ToString("E16", CultureInfo.InvariantCulture);
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        int exponent = int.Parse(digits.AsSpan(digits.IndexOf('E') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent is < -4 or >= 16)
        {
            string mantissa = new([.. shortest.Split('E')[0].Where(char.IsAsciiDigit)]);
            mantissa = mantissa.TrimStart('0').TrimEnd('0');
            return $"{(value < 0 ? "-" : "")}{mantissa[0]}{(mantissa.Length > 1 ? "." + mantissa[1..] : "")}e{(exponent < 0 ? "-" : "+")}{Math.Abs(exponent):00}";
        }
        if (shortest.Contains('E')) shortest = ((decimal)value).ToString(CultureInfo.InvariantCulture);
        return shortest.Contains('.') ? shortest : shortest + ".0";
    }

    private static string Written(object? value, bool json)
    {
        StringBuilder text = new();
        new Writer(text, json, null, ", ", ": ", false).Write(value, 0);
        return text.ToString();
    }

    private sealed class Writer(StringBuilder text, bool json, int? indent, string itemSeparator, string keySeparator, bool sorted)
    {
        public void Write(object? value, int depth)
        {
            if (depth > Deepest) throw new InvalidOperationException($"a value is nested more than {Deepest} deep");
            if (text.Length > Rendering.LongestText) throw new InvalidOperationException($"a text has more than {Rendering.LongestText:N0} characters");
            switch (value)
            {
                case null: text.Append(json ? "null" : "None"); break;
                case bool truth: text.Append(json ? truth ? "true" : "false" : truth ? "True" : "False"); break;
                case long number: text.Append(number.ToString(CultureInfo.InvariantCulture)); break;
                case double number: text.Append(json && !double.IsFinite(number) ? double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity" : Number(number)); break;
                case string words when json: WriteJson(words); break;
                case string words: WriteRepresentation(words); break;
                case List<object?> list:
                    text.Append('[');
                    for (int i = 0; i < list.Count; i++)
                    {
                        Separate(i, depth + 1);
                        Write(list[i], depth + 1);
                    }
                    Close(list.Count, depth);
                    text.Append(']');
                    break;
                case Map map:
                    text.Append('{');
                    int count = 0;
                    foreach ((string key, object? entry) in sorted ? map.OrderBy(pair => pair.Key, StringComparer.Ordinal) : map.AsEnumerable())
                    {
                        Separate(count++, depth + 1);
                        Write(key, depth + 1);
                        text.Append(keySeparator);
                        Write(entry, depth + 1);
                    }
                    Close(map.Count, depth);
                    text.Append('}');
                    break;
                default:
                    if (json) throw new InvalidOperationException($"{TypeOf(value)} cannot be written as JSON");
                    text.Append(value is Callable callable ? $"<function {callable.Name}>" : $"<{value.GetType().Name}>");
                    break;
            }
        }

        private void Separate(int index, int depth)
        {
            if (index > 0) text.Append(itemSeparator);
            if (indent is { } spaces) text.Append('\n').Append(' ', spaces * depth);
        }

        private void Close(int count, int depth)
        {
            if (indent is { } spaces && count > 0) text.Append('\n').Append(' ', spaces * depth);
        }

        private void WriteJson(string words)
        {
            text.Append('"');
            foreach (char c in words)
            {
                text.Append(c switch { '"' => "\\\"", '\\' => "\\\\", '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", '\b' => "\\b", '\f' => "\\f", < ' ' => $"\\u{(int)c:x4}", _ => null });
                if (c is not ('"' or '\\' or < ' ')) text.Append(c);
            }
            text.Append('"');
        }

        /// <summary><c>repr(text)</c></summary>
        private void WriteRepresentation(string words)
        {
            char quote = words.Contains('\'') && !words.Contains('"') ? '"' : '\'';
            text.Append(quote);
            foreach (char c in words)
            {
                if (c == quote || c == '\\') text.Append('\\').Append(c);
                else if (c == '\n') text.Append("\\n");
                else if (c == '\r') text.Append("\\r");
                else if (c == '\t') text.Append("\\t");
                else if (c is < ' ' or '\x7f') text.Append($"\\x{(int)c:x2}");
                else text.Append(c);
            }
            text.Append(quote);
        }
    }
}
