using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Microtome.Dictionaries;

/// <summary>
/// A YAML mapping of words to words and lists of words, which is all that a transcoder set's configuration needs. It is read event by
/// event: neither deep nesting nor aliases of aliases can exhaust stack or memory. Values of other kinds are kept as not readable.
/// </summary>
internal sealed class FlatYaml
{
    private const int LargestFile = 1 << 20;
    private const int Deepest = 64; // the parser's time for each level grows with the depth
    private readonly string _path;
    private readonly Dictionary<string, List<string>?> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _lists = new(StringComparer.Ordinal);

    /// <exception cref="InvalidDataException">The file is not such a mapping; the message names the line.</exception>
    public FlatYaml(string path)
    {
        _path = path;
        if (new FileInfo(path).Length > LargestFile) throw new InvalidDataException($"{path} is larger than {LargestFile} bytes; it is not a configuration.");
        using StreamReader reader = new(path);
        try
        {
            Read(new Parser(reader));
        }
        catch (Exception exception) when (exception is YamlException or InvalidOperationException) // the latter where its parser loses its place
        {
            throw new InvalidDataException($"{path}: {(exception is YamlException { Start: var start } ? $"line {start.Line}: " : "")}{exception.Message}", exception);
        }
    }

    /// <summary>The word of a key; nothing when it is absent, empty or null.</summary>
    public string? Word(string key) =>
        !_values.TryGetValue(key, out List<string>? value) ? null
        : value is null || _lists.Contains(key) ? throw new InvalidDataException($"{_path}: '{key}' must be a single value.")
        : value[0] is "" or "null" or "~" ? null : value[0];

    /// <summary>The words of a key that holds a list; nothing when it is absent or null.</summary>
    public IReadOnlyList<string>? List(string key) =>
        !_values.TryGetValue(key, out List<string>? value) ? null
        : value is not null && _lists.Contains(key) ? value
        : value is [var word] && word is "" or "null" or "~" ? null
        : throw new InvalidDataException($"{_path}: '{key}' must be a list of words.");

    public bool IsList(string key) => _lists.Contains(key);

    private void Read(Parser events)
    {
        Expect<StreamStart>(events);
        Expect<DocumentStart>(events);
        Expect<MappingStart>(events);
        while (Next(events) is not MappingEnd)
        {
            if (events.Current is not Scalar key) throw Wrong(events, "a key that is a word");
            if (!_values.TryAdd(key.Value, null)) throw new InvalidDataException($"{_path}: line {key.Start.Line}: the key '{key.Value}' is there twice.");
            _values[key.Value] = Value(events, key.Value);
        }
    }

    private List<string>? Value(Parser events, string key)
    {
        switch (Next(events))
        {
            case Scalar word:
                return [word.Value];
            case SequenceStart:
                _lists.Add(key);
                List<string>? words = [];
                while (Next(events) is not SequenceEnd)
                {
                    if (events.Current is Scalar item)
                    {
                        words?.Add(item.Value);
                        continue;
                    }
                    words = null;
                    SkipNode(events);
                }
                return words;
            default:
                SkipNode(events);
                return null;
        }
    }

    /// <summary>Leaves the current node, however deep, at its last event.</summary>
    private void SkipNode(Parser events)
    {
        int depth = events.Current!.NestingIncrease;
        while (depth > 0)
        {
            depth += Next(events).NestingIncrease;
            if (depth > Deepest) throw new InvalidDataException($"{_path}: line {events.Current!.Start.Line}: values are nested more than {Deepest} deep.");
        }
    }

    private void Expect<T>(Parser events) where T : ParsingEvent
    {
        if (Next(events) is not T) throw Wrong(events, "a list of keys and values");
    }

    private ParsingEvent Next(Parser events) => events.MoveNext() ? events.Current! : throw new InvalidDataException($"{_path} is not a list of keys and values.");

    private InvalidDataException Wrong(Parser events, string expected) => new($"{_path}: line {events.Current!.Start.Line}: {expected} is needed.");
}
