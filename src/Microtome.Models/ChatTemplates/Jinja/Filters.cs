using System.Globalization;
using System.Text;

namespace Microtome.Models.ChatTemplates;

/// <summary>Jinja's filters: <c>value | name(…)</c>.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Func<Rendering, object?, Arguments, object?>> All = new(StringComparer.Ordinal)
    {
        ["trim"] = (rendering, value, arguments) => Methods.Strip(Text(rendering, value), arguments.Get(0, "chars"), true, true),
        ["upper"] = (rendering, value, _) => Text(rendering, value).ToUpperInvariant(),
        ["lower"] = (rendering, value, _) => Text(rendering, value).ToLowerInvariant(),
        ["title"] = (rendering, value, _) => Methods.Title(Text(rendering, value)),
        ["capitalize"] = (rendering, value, _) => Methods.Capitalize(Text(rendering, value)),
        ["replace"] = (rendering, value, arguments) => Methods.Replace(rendering, Text(rendering, value), PythonText.Of(arguments.Get(0, "old")), PythonText.Of(arguments.Get(1, "new")), arguments.Get(2, "count") is long count ? count : -1),
        ["string"] = (_, value, _) => PythonText.Of(value),
        ["safe"] = (_, value, _) => value,
        ["escape"] = (_, value, _) => Escape(PythonText.Of(value)),
        ["e"] = (_, value, _) => Escape(PythonText.Of(value)),
        ["indent"] = (rendering, value, arguments) => Indent(rendering, Text(rendering, value), arguments),
        ["wordcount"] = (rendering, value, _) => (long)Text(rendering, value).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length,
        ["format"] = (rendering, value, arguments) => Formatting.Percent(rendering, Text(rendering, value), arguments.Positional),
        ["length"] = Length,
        ["count"] = Length,
        ["default"] = Default,
        ["d"] = Default,
        ["tojson"] = ToJson,
        ["join"] = (rendering, value, arguments) => Join(rendering, value, PythonText.Of(arguments.Get(0, "d", "")), arguments.Get(1, "attribute")),
        ["first"] = (rendering, value, _) => Operations.Iterate(rendering, value) is [var first, ..] ? first : new Undefined("the first of no elements"),
        ["last"] = (rendering, value, _) => Operations.Iterate(rendering, value) is [.., var last] ? last : new Undefined("the last of no elements"),
        ["list"] = (rendering, value, _) => new List<object?>(Operations.Iterate(rendering, value)),
        ["reverse"] = (rendering, value, _) => Enumerable.Reverse(Operations.Iterate(rendering, value)).ToList() is var reversed && value is string ? string.Concat(reversed) : reversed,
        ["sort"] = Sort,
        ["unique"] = (rendering, value, arguments) => Distinct(rendering, Operations.Iterate(rendering, value), item => Key(rendering, item, arguments.Get(1, "attribute"), arguments.Get(0, "case_sensitive") is true)),
        ["map"] = MapEach,
        ["select"] = (rendering, value, arguments) => Select(rendering, value, item => item, arguments, true),
        ["reject"] = (rendering, value, arguments) => Select(rendering, value, item => item, arguments, false),
        ["selectattr"] = (rendering, value, arguments) => Select(rendering, value, item => Attribute(rendering, item, arguments.Get(0, "attribute")), arguments.Rest(), true),
        ["rejectattr"] = (rendering, value, arguments) => Select(rendering, value, item => Attribute(rendering, item, arguments.Get(0, "attribute")), arguments.Rest(), false),
        ["items"] = (rendering, value, _) => value is Undefined ? new List<object?>() : value is Map map ? map.Select(entry => (object?)new List<object?> { entry.Key, entry.Value }).ToList() : throw rendering.Error($"'items' needs a dictionary, not {PythonText.TypeOf(value)}"),
        ["dictsort"] = (rendering, value, arguments) => DictionarySort(rendering, value, arguments),
        ["attr"] = (rendering, value, arguments) => Operations.Member(rendering, value, PythonText.Of(arguments.Get(0, "name"))),
        ["sum"] = (rendering, value, arguments) => Operations.Iterate(rendering, value).Aggregate(arguments.Get(1, "start", 0L), (sum, item) => Operations.Binary(rendering, "+", sum, Attribute(rendering, item, arguments.Get(0, "attribute")))),
        ["min"] = (rendering, value, _) => Operations.Iterate(rendering, value) is { Count: > 0 } items ? items.Aggregate((least, item) => Operations.Order(rendering, item, least) < 0 ? item : least) : new Undefined("the least of no elements"),
        ["max"] = (rendering, value, _) => Operations.Iterate(rendering, value) is { Count: > 0 } items ? items.Aggregate((most, item) => Operations.Order(rendering, item, most) > 0 ? item : most) : new Undefined("the largest of no elements"),
        ["abs"] = (rendering, value, _) => value switch { long number => (object)Math.Abs(Math.Max(number, -long.MaxValue)), double number => Math.Abs(number), _ => throw rendering.Error($"{PythonText.TypeOf(value)} is no number") },
        ["round"] = (rendering, value, arguments) => Round(rendering, value, arguments),
        ["int"] = (_, value, arguments) => ToInteger(value) ?? arguments.Get(0, "default", 0L),
        ["float"] = (_, value, arguments) => Operations.Number(value) ?? (value is string text && double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : arguments.Get(0, "default", 0.0)),
    };

    public static string Names { get; } = string.Join(", ", All.Keys.Order(StringComparer.Ordinal));

    public static bool Exists(string name) => All.ContainsKey(name);

    public static object? Apply(Rendering rendering, string name, object? value, Arguments arguments)
    {
        if (!All.TryGetValue(name, out var filter)) throw rendering.Error($"the filter '{name}' is not supported; {Names} are");
        object? result = filter(rendering, value, arguments);
        return result is string text ? rendering.Made(text) : result;
    }

    public static string Join(Rendering rendering, object? value, string separator, object? attribute)
    {
        StringBuilder text = new();
        bool first = true;
        foreach (object? item in Operations.Iterate(rendering, value))
        {
            if (!first) text.Append(separator);
            first = false;
            text.Append(PythonText.Of(attribute is null ? item : Attribute(rendering, item, attribute)));
            rendering.CheckLength(text.Length);
        }
        return text.ToString();
    }

    private static string Text(Rendering rendering, object? value) => value is string text ? text : PythonText.Of(value);

    private static object? Length(Rendering rendering, object? value, Arguments arguments) => value switch
    {
        string text => Operations.HasSurrogates(text) ? text.EnumerateRunes().LongCount() : text.Length,
        List<object?> list => (long)list.Count,
        Map map => (long)map.Count,
        Undefined => 0L,
        _ => throw rendering.Error($"{PythonText.TypeOf(value)} has no length"),
    };

    private static object? Default(Rendering rendering, object? value, Arguments arguments) =>
        value is Undefined || (Operations.IsTrue(arguments.Get(1, "boolean", false)) && !Operations.IsTrue(value)) ? arguments.Get(0, "default_value", "") : value;

    private static string ToJson(Rendering rendering, object? value, Arguments arguments)
    {
        int? indent = arguments.Get(0, "indent") switch { null => null, long spaces and >= 0 and <= 64 => (int)spaces, _ => throw rendering.Error("'tojson' needs an indentation of 0 to 64") };
        List<object?>? separators = arguments.Named.GetValueOrDefault("separators") as List<object?>;
        try
        {
            return PythonText.Json(value, indent, separators is [string item, ..] ? item : null, separators is [_, string key] ? key : null, Operations.IsTrue(arguments.Named.GetValueOrDefault("sort_keys")));
        }
        catch (InvalidOperationException exception)
        {
            throw rendering.Error(exception.Message);
        }
    }

    private static string Indent(Rendering rendering, string text, Arguments arguments)
    {
        string space = arguments.Get(0, "width", 4L) switch { string given => given, long width and >= 0 and < 1 << 12 => new string(' ', (int)width), _ => throw rendering.Error("'indent' needs a width") };
        bool first = Operations.IsTrue(arguments.Get(1, "first", false)), blank = Operations.IsTrue(arguments.Get(2, "blank", false));
        string[] lines = text.Split('\n');
        rendering.CheckLength(text.Length + (long)lines.Length * space.Length);
        return string.Join('\n', lines.Select((line, i) => (i == 0 ? first : blank || line.Length > 0) ? space + line : line));
    }

    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal);

    /// <summary>An entry by name, or by several with dots between; the value itself without a name.</summary>
    private static object? Attribute(Rendering rendering, object? value, object? path)
    {
        if (path is null) return value;
        if (path is long index) return Operations.Item(rendering, value, index);
        foreach (string name in PythonText.Of(path).Split('.'))
            value = long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long at) ? Operations.Item(rendering, value, at) : Operations.Item(rendering, value, name);
        return value;
    }

    private static object? MapEach(Rendering rendering, object? value, Arguments arguments)
    {
        List<object?> items = Operations.Iterate(rendering, value);
        rendering.Step(items.Count);
        if (arguments.Named.TryGetValue("attribute", out object? attribute))
        {
            object? otherwise = arguments.Named.GetValueOrDefault("default");
            return items.Select(item => Attribute(rendering, item, attribute) is var found && found is Undefined && otherwise is not null ? otherwise : found).ToList();
        }
        string filter = arguments.Get(0, "filter") as string ?? throw rendering.Error("'map' needs a filter's name or attribute=…");
        return items.Select(item => Apply(rendering, filter, item, arguments.Rest())).ToList();
    }

    private static List<object?> Select(Rendering rendering, object? value, Func<object?, object?> get, Arguments arguments, bool wanted)
    {
        string? test = arguments.Count > 0 ? PythonText.Of(arguments.Positional[0]) : null;
        if (test is not null) test = test switch { "==" => "eq", "!=" => "ne", "<" => "lt", "<=" => "le", ">" => "gt", ">=" => "ge", _ => test };
        object?[] operands = [.. arguments.Positional.Skip(1)];
        List<object?> items = Operations.Iterate(rendering, value);
        rendering.Step(items.Count);
        return items.FindAll(item => (test is null ? Operations.IsTrue(get(item)) : ValueTests.Holds(rendering, test, get(item), operands)) == wanted);
    }

    private static object? Key(Rendering rendering, object? item, object? attribute, bool caseSensitive)
    {
        object? key = Attribute(rendering, item, attribute);
        return key is string text && !caseSensitive ? text.ToLowerInvariant() : key;
    }

    private static List<object?> Sort(Rendering rendering, object? value, Arguments arguments)
    {
        bool descending = Operations.IsTrue(arguments.Get(0, "reverse", false)), caseSensitive = Operations.IsTrue(arguments.Get(1, "case_sensitive", false));
        return Sorted(rendering, Operations.Iterate(rendering, value), item => Key(rendering, item, arguments.Get(2, "attribute"), caseSensitive), descending);
    }

    private static List<object?> DictionarySort(Rendering rendering, object? value, Arguments arguments)
    {
        if (value is not Map map) throw rendering.Error($"'dictsort' needs a dictionary, not {PythonText.TypeOf(value)}");
        bool caseSensitive = Operations.IsTrue(arguments.Get(0, "case_sensitive", false)), byValue = arguments.Get(1, "by", "key") is "value";
        List<object?> entries = [.. map.Select(entry => (object?)new List<object?> { entry.Key, entry.Value })];
        return Sorted(rendering, entries, entry => Key(rendering, ((List<object?>)entry!)[byValue ? 1 : 0], null, caseSensitive), Operations.IsTrue(arguments.Get(2, "reverse", false)));
    }

    private static List<object?> Sorted(Rendering rendering, List<object?> items, Func<object?, object?> key, bool descending)
    {
        rendering.Step(items.Count);
        Comparer<object?> order = Comparer<object?>.Create((x, y) => Operations.Order(rendering, x, y));
        try
        {
            return [.. descending ? items.OrderByDescending(key, order) : items.OrderBy(key, order)]; // both keep the order of equals
        }
        catch (InvalidOperationException exception) when (exception.InnerException is TemplateException inner)
        {
            throw inner;
        }
    }

    private static List<object?> Distinct(Rendering rendering, List<object?> items, Func<object?, object?> key)
    {
        List<object?> distinct = [], keys = [];
        foreach (object? item in items)
        {
            object? of = key(item);
            rendering.Step(keys.Count / 16 + 1);
            if (keys.Exists(seen => Operations.AreEqual(seen, of))) continue;
            keys.Add(of);
            distinct.Add(item);
        }
        return distinct;
    }

    private static object Round(Rendering rendering, object? value, Arguments arguments)
    {
        double number = Operations.Number(value) ?? throw rendering.Error($"{PythonText.TypeOf(value)} is no number");
        int digits = arguments.Get(0, "precision", 0L) is long given and >= 0 and <= 15 ? (int)given : throw rendering.Error("'round' needs a precision of 0 to 15");
        double scale = Math.Pow(10, digits);
        return arguments.Get(1, "method", "common") switch
        {
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => Math.Round(number, digits, MidpointRounding.ToEven),
        };
    }

    private static object? ToInteger(object? value) => value switch
    {
        long number => number,
        bool truth => truth ? 1L : 0L,
        double number when Math.Abs(number) < 9e18 => (long)number,
        string text when long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) => number,
        string text when double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && Math.Abs(number) < 9e18 => (long)number,
        _ => null,
    };
}
