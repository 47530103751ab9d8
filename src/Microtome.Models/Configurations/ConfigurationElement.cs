using System.Text.Json;

namespace Microtome.Models;

/// <summary>An object of a JSON configuration whose errors say which file and which key.</summary>
public sealed class ConfigurationElement(JsonElement element, string path)
{
    private const int LargestFile = 16 << 20;

    /// <summary>What <paramref name="read"/> makes of a file that holds a JSON object.</summary>
    /// <exception cref="InvalidDataException">The file is too large for a configuration, or not a JSON object.</exception>
    public static T Read<T>(string path, Func<ConfigurationElement, T> read) =>
        new FileInfo(path).Length <= LargestFile ? Parse(File.ReadAllBytes(path), path, read)
        : throw new InvalidDataException($"{path} is larger than {LargestFile} bytes; it is not a configuration.");

    /// <param name="path">What errors call it.</param>
    /// <inheritdoc cref="Read"/>
    public static T Parse<T>(byte[] json, string path, Func<ConfigurationElement, T> read)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? read(new ConfigurationElement(document.RootElement, path))
                : throw new InvalidDataException($"{path} is not a JSON object.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException) // the latter: text that is not UTF-8
        {
            throw new InvalidDataException($"{path} is not JSON: {exception.Message}", exception);
        }
    }

    /// <summary>The file, and the key within it.</summary>
    public string Path { get; } = path;

    public bool Has(string key) => Find(key) is not null;

    public bool IsNull(string key) => element.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.Null;

    public ConfigurationElement? Object(string key) =>
        Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new ConfigurationElement(value, $"{Path}: {key}")
        : throw Wrong(key, "an object", value);

    /// <summary>The objects of a list; none when it is absent.</summary>
    public IReadOnlyList<ConfigurationElement> Objects(string key)
    {
        if (Find(key) is not { } value) return [];
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(key, "a list of objects", value);
        List<ConfigurationElement> objects = [];
        foreach (JsonElement item in value.EnumerateArray())
            objects.Add(item.ValueKind == JsonValueKind.Object ? new ConfigurationElement(item, $"{Path}: {key}[{objects.Count}]") : throw Wrong(key, "a list of objects", value));
        return objects;
    }

    public string? String(string key) =>
        Find(key) is not { } value ? null : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(key, "a string", value);

    /// <summary>The text of a string or a truth value, which some configurations hold for the same key.</summary>
    public string? Scalar(string key) =>
        Find(key) is { ValueKind: JsonValueKind.True or JsonValueKind.False } value ? value.GetRawText() : String(key);

    public bool? OptionalBool(string key) =>
        Find(key) is not { } value ? null : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(key, "true or false", value);

    public int? OptionalInt(string key) =>
        Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number == (int)number ? (int)number
        : throw Wrong(key, "a whole number", value);

    public double? OptionalDouble(string key) =>
        Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number
        : throw Wrong(key, "a number", value);

    /// <summary>A number above zero that float32 can hold.</summary>
    public double Positive(string key, double? fallback = null)
    {
        double value = OptionalDouble(key) ?? fallback ?? throw Missing(key);
        return (float)value > 0 && float.IsFinite((float)value) ? value : throw new InvalidDataException($"{Path}: {key} is {value}; it must be above 0.");
    }

    /// <summary>A number above zero and at most <paramref name="most"/>.</summary>
    public int Size(string key, int? fallback = null, int most = 1 << 24)
    {
        int value = OptionalInt(key) ?? fallback ?? throw Missing(key);
        return value > 0 && value <= most ? value : throw new InvalidDataException($"{Path}: {key} is {value}; it must be from 1 to {most}.");
    }

    /// <summary>A whole number, the first of a list of them, or nothing.</summary>
    public IReadOnlyList<int> Ints(string key)
    {
        if (Find(key) is not { } value) return [];
        if (value.ValueKind != JsonValueKind.Array) return [OptionalInt(key)!.Value];
        List<int> numbers = [];
        foreach (JsonElement item in value.EnumerateArray())
            numbers.Add(item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int number) ? number : throw Wrong(key, "a list of whole numbers", value));
        return numbers;
    }

    public IReadOnlyList<string>? Strings(string key)
    {
        if (Find(key) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(key, "a list of strings", value);
        List<string> strings = [];
        foreach (JsonElement item in value.EnumerateArray())
            strings.Add(item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Wrong(key, "a list of strings", value));
        return strings;
    }

    public InvalidDataException Missing(string key) => new($"{Path} has no '{key}'.");

    /// <summary>The value of a key; nothing when it is absent or null.</summary>
    private JsonElement? Find(string key) =>
        element.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private InvalidDataException Wrong(string key, string expected, JsonElement value)
    {
        string text = value.GetRawText();
        return new InvalidDataException($"{Path}: '{key}' is {(text.Length > 40 ? text[..40] + "…" : text)}; {expected} is needed.");
    }
}
