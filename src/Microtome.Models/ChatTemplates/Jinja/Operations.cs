using System.Text;

namespace Microtome.Models.ChatTemplates;

/// <summary>Python's operators on a template's values.</summary>
internal static class Operations
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool truth => truth,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        Map map => map.Count > 0,
        _ => true,
    };

    /// <summary>The elements of a list, the characters of a text, the keys of a dictionary.</summary>
    public static List<object?> Iterate(Rendering rendering, object? value)
    {
        List<object?> items = value switch
        {
            List<object?> list => list,
            string text => [.. text.EnumerateRunes().Select(rune => (object?)rune.ToString())],
            Map map => [.. map.Keys],
            Undefined => [],
            _ => throw rendering.Error($"{PythonText.TypeOf(value)} has no elements to go through"),
        };
        rendering.Step(items.Count / 16);
        return items;
    }

    public static object? Member(Rendering rendering, object? value, string name) => value switch
    {
        Undefined undefined => throw rendering.Error($"{undefined.What} is not defined, so it has no member '{name}'"),
        LoopState loop => loop.Member(rendering, name),
        Namespace space => space.Members.TryGetValue(name, out object? member) ? member : new Undefined($"'{name}'"),
        _ when Methods.Find(rendering, value, name) is { } method => method,
        Map map when map.TryGetValue(name, out object? entry) => entry,
        _ => new Undefined($"'{name}'"),
    };

    public static object? Item(Rendering rendering, object? value, object? index) => (value, index) switch
    {
        (Undefined undefined, _) => throw rendering.Error($"{undefined.What} is not defined, so it has no element {PythonText.Of(index)}"),
        (Map map, string key) => map.TryGetValue(key, out object? entry) ? entry : Methods.Find(rendering, map, key) ?? (object)new Undefined($"'{key}'"),
        (Map map, _) => map.TryGetValue(PythonText.Of(index), out object? entry) ? entry : new Undefined($"'{PythonText.Of(index)}'"),
        (List<object?> list, long at) => At(list.Count, at) is { } place ? list[place] : new Undefined($"element {at}"),
        (string text, long at) when !HasSurrogates(text) => At(text.Length, at) is { } place ? text[place].ToString() : new Undefined($"character {at}"),
        (string text, long at) => Item(rendering, Iterate(rendering, text), at),
        (_, string name) => Member(rendering, value, name),
        _ => new Undefined($"element {PythonText.Of(index)}"),
    };

    public static object? Slice(Rendering rendering, object? value, object? start, object? stop, object? step)
    {
        long Whole(object? part, long otherwise) => part switch { null => otherwise, long number => number, _ => throw rendering.Error($"{PythonText.TypeOf(part)} cannot be part of a slice") };
        long by = Whole(step, 1);
        if (by == 0) throw rendering.Error("a slice's step is 0");
        if (value is not (string or List<object?>)) throw rendering.Error($"{PythonText.TypeOf(value)} cannot be sliced");
        List<object?> items = Iterate(rendering, value);
        long Bound(object? part, long otherwise)
        {
            if (part is null) return otherwise;
            long at = Whole(part, 0);
            if (at < 0) at += items.Count;
            return by > 0 ? Math.Clamp(at, 0, items.Count) : Math.Clamp(at, -1, items.Count - 1);
        }
        long begin = Bound(start, by > 0 ? 0 : items.Count - 1), end = Bound(stop, by > 0 ? items.Count : -1);
        List<object?> part = [];
        for (long at = begin; by > 0 ? at < end : at > end; at += by)
        {
            part.Add(items[(int)at]);
            if (by > items.Count || -by > items.Count) break;
        }
        rendering.Step(part.Count / 16);
        return value is string ? string.Concat(part) : part;
    }

    public static bool Compare(Rendering rendering, string symbol, object? left, object? right) => symbol switch
    {
        "==" => AreEqual(left, right),
        "!=" => !AreEqual(left, right),
        "in" => Contains(rendering, right, left),
        "not in" => !Contains(rendering, right, left),
        "<" => Order(rendering, left, right) < 0,
        "<=" => Order(rendering, left, right) <= 0,
        ">" => Order(rendering, left, right) > 0,
        _ => Order(rendering, left, right) >= 0,
    };

    public static bool AreEqual(object? left, object? right) => (left, right) switch
    {
        (null, null) or (Undefined, Undefined) => true,
        (string x, string y) => x == y,
        (List<object?> x, List<object?> y) => x.Count == y.Count && x.Zip(y).All(pair => AreEqual(pair.First, pair.Second)),
        (Map x, Map y) => x.Count == y.Count && x.All(entry => y.TryGetValue(entry.Key, out object? other) && AreEqual(entry.Value, other)),
        _ => Number(left) is { } a && Number(right) is { } b ? a == b : ReferenceEquals(left, right) && left is not null,
    };

    /// <summary>Below zero where the left comes first.</summary>
    public static int Order(Rendering rendering, object? left, object? right) => (left, right) switch
    {
        (string x, string y) => string.CompareOrdinal(x, y),
        (long x, long y) => x.CompareTo(y),
        (List<object?> x, List<object?> y) => x.Zip(y).Select(pair => Order(rendering, pair.First, pair.Second)).FirstOrDefault(order => order != 0, x.Count.CompareTo(y.Count)),
        _ => Number(left) is { } a && Number(right) is { } b ? a.CompareTo(b) : throw rendering.Error($"{PythonText.TypeOf(left)} and {PythonText.TypeOf(right)} cannot be ordered"),
    };

    public static bool Contains(Rendering rendering, object? container, object? value) => container switch
    {
        string text when value is string part => text.Contains(part, StringComparison.Ordinal),
        string => throw rendering.Error($"{PythonText.TypeOf(value)} cannot be looked for in a text"),
        Map map => value is string key && map.ContainsKey(key),
        Namespace space => value is string key && space.Members.ContainsKey(key),
        _ => Iterate(rendering, container).Exists(item => AreEqual(item, value)),
    };

    public static object? Binary(Rendering rendering, string symbol, object? left, object? right)
    {
        if (symbol == "~") return Join(rendering, PythonText.Of(left), PythonText.Of(right));
        switch (symbol, left, right)
        {
            case ("+", string x, string y): return Join(rendering, x, y);
            case ("+", List<object?> x, List<object?> y):
                if (x.Count + y.Count > Rendering.MostItems) throw rendering.Error($"a list has more than {Rendering.MostItems:N0} elements");
                rendering.Step((x.Count + y.Count) / 16);
                return new List<object?>([.. x, .. y]);
            case ("*", string x, long n): return Repeat(rendering, x, n);
            case ("*", long n, string x): return Repeat(rendering, x, n);
            case ("%", string format, _): return Formatting.Percent(rendering, format, right is List<object?> list ? list : [right]);
        }
        if (left is Undefined or null || right is Undefined or null || Number(left) is not { } a || Number(right) is not { } b)
            throw rendering.Error($"'{symbol}' cannot be applied to {PythonText.TypeOf(left)} and {PythonText.TypeOf(right)}");
        bool whole = left is long or bool && right is long or bool;
        if (symbol is "/" or "//" or "%" && b == 0) throw rendering.Error("a number is divided by 0");
        try
        {
            return whole ? Whole(symbol, Integer(left), Integer(right)) : Real(symbol, a, b);
        }
        catch (OverflowException)
        {
            throw rendering.Error("a number is too large");
        }
    }

    public static double? Number(object? value) => value switch { long number => number, double number => number, bool truth => truth ? 1 : 0, _ => null };

    private static long Integer(object? value) => value is long number ? number : value is true ? 1 : 0;

    private static object Whole(string symbol, long x, long y)
    {
        switch (symbol)
        {
            case "+": return checked(x + y);
            case "-": return checked(x - y);
            case "*": return checked(x * y);
            case "/": return (double)x / y;
            case "//": return y == -1 ? checked(-x) : x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0);
            case "%": return y == -1 ? 0L : (x % y + y) % y;
            default:
                if (y < 0) return Math.Pow(x, y);
                double power = Math.Pow(x, y);
                if (Math.Abs(power) > 9e18) throw new OverflowException();
                long result = 1;
                if (Math.Abs(x) > 1)
                    for (long i = 0; i < y; i++) result = checked(result * x);
                else if (x != 1 && y > 0) result = x == 0 ? 0 : y % 2 == 0 ? 1 : -1;
                return result;
        }
    }

    private static object Real(string symbol, double x, double y) => symbol switch
    {
        "+" => x + y,
        "-" => x - y,
        "*" => x * y,
        "/" => x / y,
        "//" => Math.Floor(x / y),
        "%" => x - y * Math.Floor(x / y),
        _ => Math.Pow(x, y),
    };

    private static string Join(Rendering rendering, string x, string y)
    {
        rendering.CheckLength((long)x.Length + y.Length);
        return rendering.Made(x + y);
    }

    private static string Repeat(Rendering rendering, string text, long count)
    {
        count = Math.Max(0, count);
        if (text.Length > 0 && count > Rendering.LongestText / text.Length) throw rendering.Error($"a text has more than {Rendering.LongestText:N0} characters");
        return rendering.Made(new StringBuilder().Insert(0, text, text.Length == 0 ? 0 : (int)count).ToString());
    }

    private static int? At(int count, long index)
    {
        if (index < 0) index += count;
        return index >= 0 && index < count ? (int)index : null;
    }

    internal static bool HasSurrogates(string text) => text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') >= 0;
}
