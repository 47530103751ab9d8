namespace Microtome.Models.ChatTemplates;

// A template's values are null (None), bool, long, double, string, List<object?>, Map, Undefined, Namespace and Callable.

/// <summary>What a name stands for that nothing was given to.</summary>
internal sealed class Undefined(string what)
{
    /// <summary>What is missing, for messages.</summary>
    public string What => what;
}

/// <summary>A dictionary that keeps the order of its entries, as Python's does.</summary>
internal sealed class Map : OrderedDictionary<string, object?>
{
    public Map() : base(StringComparer.Ordinal)
    {
    }
}

/// <summary>What <c>namespace(…)</c> makes: the one thing whose members can be set from within loops.</summary>
internal sealed class Namespace(Map members)
{
    public Map Members => members;
}

/// <summary>The arguments of a call.</summary>
internal sealed class Arguments(IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named)
{
    public static Arguments None { get; } = new([], new Dictionary<string, object?>());

    public IReadOnlyList<object?> Positional => positional;

    public IReadOnlyDictionary<string, object?> Named => named;

    public int Count => positional.Count;

    /// <summary>The argument at a place or of a name; <paramref name="otherwise"/> where it is not given.</summary>
    public object? Get(int index, string name, object? otherwise = null) =>
        index < positional.Count ? positional[index] : named.TryGetValue(name, out object? value) ? value : otherwise;

    /// <summary>All but the first positional argument.</summary>
    public Arguments Rest(int skipped = 1) => new([.. positional.Skip(skipped)], named);
}

/// <summary>A macro, a function or a value's method.</summary>
internal sealed class Callable(string name, Func<Arguments, object?> call)
{
    public string Name => name;

    public object? Call(Arguments arguments) => call(arguments);
}

/// <summary>Names and what they stand for, within those around them.</summary>
internal sealed class Scope(Scope? outer)
{
    private Dictionary<string, object?>? _names;

    public object? Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
            if (scope._names is { } names && names.TryGetValue(name, out object? value)) return value;
        return new Undefined($"'{name}'");
    }

    public Scope? Outer => outer;

    public void Set(string name, object? value) => (_names ??= new Dictionary<string, object?>(StringComparer.Ordinal))[name] = value;
}
