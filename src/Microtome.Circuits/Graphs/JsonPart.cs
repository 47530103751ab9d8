using System.Globalization;
using System.Text.Json;

namespace Microtome.Circuits;

/// <summary>An object in a file, whose mistakes are named by the file and its place there.</summary>
internal readonly struct JsonPart(JsonElement element, string file, string place)
{
    private const int LongestText = 1 << 20;

    public InvalidDataException Mistake(string problem) => new($"{file}: {place} {problem}.");

    public JsonPart? Object(string key) => Get(key) is { ValueKind: JsonValueKind.Object } inner ? new JsonPart(inner, file, key) : null;

    public IEnumerable<JsonElement> Array(string key) => Get(key) is { ValueKind: JsonValueKind.Array } inner ? inner.EnumerateArray() : [];

    public string Text(string key) => OptionalText(key) ?? throw Mistake($"has no '{key}'");

    /// <summary>A text, or a number as text; null where there is neither.</summary>
    public string? OptionalText(string key) => Get(key) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString() is { Length: <= LongestText } value ? value : throw Mistake($"has a '{key}' that is too long"),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };

    /// <summary>A finite number; null where there is none.</summary>
    public float? Number(string key) => Get(key) switch
    {
        { ValueKind: JsonValueKind.Number } number => number.TryGetSingle(out float value) && float.IsFinite(value) ? value : throw Mistake($"has a '{key}' that is no finite number"),
        _ => null,
    };

    /// <summary>A whole number that is not negative, also as text.</summary>
    public int Whole(string key) =>
        int.TryParse(OptionalText(key), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : throw Mistake($"needs a whole number as '{key}'");

    public string[]? Texts(string key)
    {
        if (Get(key) is not { ValueKind: JsonValueKind.Array } array) return null;
        List<string> texts = [];
        foreach (JsonElement text in array.EnumerateArray()) texts.Add(text.ValueKind == JsonValueKind.String ? text.GetString()! : throw Mistake($"has a '{key}' that is not all texts"));
        return [.. texts];
    }

    private JsonElement? Get(string key)
    {
        if (element.ValueKind != JsonValueKind.Object) throw Mistake("is not an object");
        return element.TryGetProperty(key, out JsonElement value) ? value : null;
    }
}
