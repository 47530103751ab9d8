using System.Text;

namespace Microtome.Models.ChatTemplates;

/// <summary>Methods of texts, lists and dictionaries. Those that change a value are refused, as transformers' sandbox refuses them.</summary>
internal static class Methods
{
    private static readonly char[] Spaces = [' ', '\t', '\n', '\r', '\v', '\f', '\x1c', '\x1d', '\x1e', '\x1f', '\x85', '\xa0', '\u1680', '\u2000', '\u2001', '\u2002', '\u2003', '\u2004', '\u2005', '\u2006', '\u2007', '\u2008', '\u2009', '\u200a', '\u2028', '\u2029', '\u202f', '\u205f', '\u3000'];
    private static readonly System.Buffers.SearchValues<char> SpaceValues = System.Buffers.SearchValues.Create(Spaces);

    /// <summary>The method of a value; null where it has none of that name.</summary>
    public static Callable? Find(Rendering rendering, object? value, string name) => value switch
    {
        string text => OfText(rendering, text, name),
        List<object?> list => OfList(rendering, list, name),
        Map map => OfMap(rendering, map, name),
        _ => null,
    };

    /// <summary>Without white space, or other characters, at the ends.</summary>
    public static string Strip(string text, object? characters, bool left, bool right)
    {
        char[] stripped = characters is string given ? given.ToCharArray() : Spaces;
        if (stripped.Length == 0) return text;
        return left && right ? text.Trim(stripped) : left ? text.TrimStart(stripped) : text.TrimEnd(stripped);
    }

    public static string Replace(Rendering rendering, string text, string old, string with, long count)
    {
        StringBuilder result = new();
        int from = 0;
        for (long done = 0; done != count; done++)
        {
            int at = old.Length == 0 ? (done <= text.Length ? (int)done : -1) : text.IndexOf(old, from, StringComparison.Ordinal);
            if (at < 0) break;
            result.Append(text, from, at - from).Append(with);
            from = at + old.Length;
            rendering.CheckLength(result.Length + (long)text.Length - from);
        }
        return rendering.Made(result.Append(text, from, text.Length - from).ToString());
    }

    public static string Title(string text)
    {
        StringBuilder result = new(text.Length);
        bool inWord = false;
        foreach (char c in text)
        {
            result.Append(inWord ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            inWord = char.IsLetter(c);
        }
        return result.ToString();
    }

    public static string Capitalize(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    private static Callable? OfText(Rendering rendering, string text, string name)
    {
        string Word(Arguments arguments, int index, string parameter) => arguments.Get(index, parameter) as string ?? throw rendering.Error($"'{name}' needs a text");
        Func<Arguments, object?>? method = name switch
        {
            "strip" => arguments => Strip(text, arguments.Get(0, "chars"), true, true),
            "lstrip" => arguments => Strip(text, arguments.Get(0, "chars"), true, false),
            "rstrip" => arguments => Strip(text, arguments.Get(0, "chars"), false, true),
            "upper" => _ => text.ToUpperInvariant(),
            "lower" => _ => text.ToLowerInvariant(),
            "title" => _ => Title(text),
            "capitalize" => _ => Capitalize(text),
            "startswith" => arguments => Affixes(arguments).Any(affix => text.StartsWith(affix, StringComparison.Ordinal)),
            "endswith" => arguments => Affixes(arguments).Any(affix => text.EndsWith(affix, StringComparison.Ordinal)),
            "removeprefix" => arguments => Word(arguments, 0, "prefix") is var prefix && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text,
            "removesuffix" => arguments => Word(arguments, 0, "suffix") is { Length: > 0 } suffix && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text,
            "split" => arguments => Split(rendering, text, arguments, fromRight: false),
            "rsplit" => arguments => Split(rendering, text, arguments, fromRight: true),
            "splitlines" => _ => Lines(text),
            "replace" => arguments => Replace(rendering, text, Word(arguments, 0, "old"), Word(arguments, 1, "new"), arguments.Get(2, "count", -1L) is long count ? count : -1),
            "find" => arguments => (long)text.IndexOf(Word(arguments, 0, "sub"), StringComparison.Ordinal),
            "rfind" => arguments => (long)text.LastIndexOf(Word(arguments, 0, "sub"), StringComparison.Ordinal),
            "index" => arguments => text.IndexOf(Word(arguments, 0, "sub"), StringComparison.Ordinal) is var at and >= 0 ? (long)at : throw rendering.Error("a text is not found"),
            "count" => arguments => Word(arguments, 0, "sub") is { Length: > 0 } part ? (long)text.AsSpan().Count(part) : text.Length + 1L,
            "join" => arguments => Filters.Join(rendering, arguments.Get(0, "iterable"), text, null),
            "isdigit" => _ => text.Length > 0 && text.All(char.IsDigit),
            "isnumeric" => _ => text.Length > 0 && text.All(char.IsNumber),
            "isalpha" => _ => text.Length > 0 && text.All(char.IsLetter),
            "isalnum" => _ => text.Length > 0 && text.All(char.IsLetterOrDigit),
            "isspace" => _ => text.Length > 0 && text.All(char.IsWhiteSpace),
            "isupper" => _ => text.Any(char.IsUpper) && !text.Any(char.IsLower),
            "islower" => _ => text.Any(char.IsLower) && !text.Any(char.IsUpper),
            "zfill" => arguments => arguments.Get(0, "width") is long width and >= 0 and < 1 << 16 ? (text is ['-' or '+', ..] ? text[0] + text[1..].PadLeft((int)Math.Max(0, width - 1), '0') : text.PadLeft((int)width, '0')) : throw rendering.Error("'zfill' needs a width"),
            "partition" => arguments => Partition(Word(arguments, 0, "sep")),
            "format" or "encode" or "translate" or "format_map" => _ => throw rendering.Error($"the method '{name}' of texts is not supported"),
            _ => null,
        };
        return method is null ? null : new Callable(name, arguments => method(arguments) switch { string made => rendering.Made(made), var other => other });

        IEnumerable<string> Affixes(Arguments arguments) => arguments.Get(0, "prefix") switch
        {
            string one => [one],
            List<object?> several => several.OfType<string>(),
            _ => throw rendering.Error($"'{name}' needs a text"),
        };

        List<object?> Partition(string separator) => separator.Length > 0 && text.IndexOf(separator, StringComparison.Ordinal) is var at and >= 0
            ? [text[..at], separator, text[(at + separator.Length)..]]
            : [text, "", ""];
    }

    private static Callable? OfList(Rendering rendering, List<object?> list, string name) => name switch
    {
        "index" => new Callable(name, arguments => list.FindIndex(item => Operations.AreEqual(item, arguments.Get(0, "value"))) is var at and >= 0 ? (long)at : throw rendering.Error("a value is not in the list")),
        "count" => new Callable(name, arguments => (long)list.Count(item => Operations.AreEqual(item, arguments.Get(0, "value")))),
        "copy" => new Callable(name, _ => new List<object?>(list)),
        "append" or "extend" or "insert" or "pop" or "remove" or "sort" or "reverse" or "clear" => new Callable(name, _ => throw rendering.Error($"a template may not change a list ('{name}')")),
        _ => null,
    };

    private static Callable? OfMap(Rendering rendering, Map map, string name) => name switch
    {
        "items" => new Callable(name, _ => map.Select(entry => (object?)new List<object?> { entry.Key, entry.Value }).ToList()),
        "keys" => new Callable(name, _ => map.Keys.Cast<object?>().ToList()),
        "values" => new Callable(name, _ => map.Values.ToList()),
        "get" => new Callable(name, arguments => arguments.Get(0, "key") is string key && map.TryGetValue(key, out object? value) ? value : arguments.Get(1, "default")),
        "copy" => new Callable(name, _ =>
        {
            Map copy = new();
            foreach ((string key, object? value) in map) copy[key] = value;
            return copy;
        }),
        "update" or "pop" or "popitem" or "setdefault" or "clear" => new Callable(name, _ => throw rendering.Error($"a template may not change a dictionary ('{name}')")),
        _ => null,
    };

    private static List<object?> Split(Rendering rendering, string text, Arguments arguments, bool fromRight)
    {
        long most = arguments.Get(1, "maxsplit", -1L) is long given && given >= 0 ? given : int.MaxValue;
        List<object?> parts = [];
        rendering.Step(text.Length / 16);
        if (arguments.Get(0, "sep") is string separator)
        {
            if (separator.Length == 0) throw rendering.Error("a text cannot be split at nothing");
            string[] all = text.Split(separator);
            int joined = (int)Math.Max(0, all.Length - 1 - most); // separators that stay
            if (fromRight) return [string.Join(separator, all[..(joined + 1)]), .. all[(joined + 1)..]];
            return [.. all[..(all.Length - 1 - joined)], string.Join(separator, all[(all.Length - 1 - joined)..])];
        }
        if (fromRight && most < int.MaxValue) throw rendering.Error("'rsplit' needs a separator where it has a limit");
        string rest = text.TrimStart(Spaces);
        while (rest.Length > 0)
        {
            int end = parts.Count < most ? rest.AsSpan().IndexOfAny(SpaceValues) : -1;
            if (end < 0)
            {
                parts.Add(parts.Count < most ? rest : rest.TrimEnd(Spaces));
                break;
            }
            parts.Add(rest[..end]);
            rest = rest[end..].TrimStart(Spaces);
            rendering.Step(rest.Length / 64);
        }
        return parts;
    }

    private static List<object?> Lines(string text)
    {
        List<object?> lines = [.. text.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n', '\r', '\v', '\f')];
        if (lines[^1] is "") lines.RemoveAt(lines.Count - 1);
        return lines;
    }
}
