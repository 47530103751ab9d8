using System.Text.Json;

namespace Microtome.Models.Tokenizers;

/// <summary>A value of a JSON file and where it stands, so that every error can say so.</summary>
internal sealed class JsonPlace(string file, string path, JsonElement element)
{
    public bool IsNull => element.ValueKind == JsonValueKind.Null;

    public bool IsObject => element.ValueKind == JsonValueKind.Object;

    /// <summary>The file and the path in it, as errors begin.</summary>
    public override string ToString() => path.Length == 0 ? file : $"{file}: {path}";

    public InvalidDataException Error(string what) => new($"{this} {what}.");

    /// <summary>The property's value; null when it is absent or null.</summary>
    public JsonPlace? Optional(string name)
    {
        if (!IsObject) throw Error($"should be an object but is {Kind}");
        if (!element.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null) return null;
        return new JsonPlace(file, path.Length == 0 ? name : $"{path}.{name}", value);
    }

    public JsonPlace Required(string name) => Optional(name) ?? throw Error($"lacks '{name}'");

    public List<JsonPlace> Items()
    {
        if (element.ValueKind != JsonValueKind.Array) throw Error($"should be an array but is {Kind}");
        List<JsonPlace> items = [];
        foreach (JsonElement item in element.EnumerateArray()) items.Add(new JsonPlace(file, $"{path}[{items.Count}]", item));
        return items;
    }

    public string Text()
    {
        if (element.ValueKind != JsonValueKind.String) throw Error($"should be a string but is {Kind}");
        return element.GetString()!;
    }

    public bool IsZero => element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out double value) && value == 0;

    public bool Flag() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Error($"should be true or false but is {Kind}"),
    };

    public int Integer(int largest)
    {
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out int value) || value < 0 || value > largest)
            throw Error($"should be a whole number from 0 to {largest} but is {Shortened(element.GetRawText())}");
        return value;
    }

    private string Kind => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };

    private static string Shortened(string text) => text.Length > 40 ? text[..40] + "…" : text;
}
