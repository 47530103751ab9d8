using System.Text.Json;

namespace Microtome.Models.ChatTemplates;

/// <summary>Finds a checkpoint's chat template: <c>chat_template.jinja</c>, else <c>chat_template.json</c>, else that of <c>tokenizer_config.json</c>.</summary>
public static class ChatTemplateFiles
{
    private const long LargestFile = 64 << 20;

    /// <summary>The files that templates are in.</summary>
    public static IReadOnlyList<string> Names { get; } = ["chat_template.jinja", "chat_template.json", "tokenizer_config.json"];

    /// <summary>The template of the checkpoint in a folder; null where there is none.</summary>
    /// <exception cref="InvalidDataException">A file is damaged, or the template uses what is not supported.</exception>
    public static ChatTemplate? Load(string folder)
    {
        using JsonDocument? configuration = Read(Path.Combine(folder, "tokenizer_config.json"));
        Dictionary<string, string> special = SpecialTokens(configuration?.RootElement);
        string file = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(file)) return ChatTemplate.Parse(File.ReadAllText(Small(file)), file, special);
        string json = Path.Combine(folder, "chat_template.json");
        using JsonDocument? own = Read(json);
        if (Find(own?.RootElement) is { } found) return ChatTemplate.Parse(found, json, special);
        return Find(configuration?.RootElement) is { } source ? ChatTemplate.Parse(source, $"the chat template of {Path.Combine(folder, "tokenizer_config.json")}", special) : null;
    }

    /// <summary>One text, or the default of several with names.</summary>
    private static string? Find(JsonElement? root)
    {
        if (root is not { ValueKind: JsonValueKind.Object } configuration || !configuration.TryGetProperty("chat_template", out JsonElement template)) return null;
        if (template.ValueKind == JsonValueKind.String) return template.GetString();
        if (template.ValueKind != JsonValueKind.Array) return null;
        string? Named(JsonElement entry, string key) => entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        return template.EnumerateArray().Where(entry => Named(entry, "name") == "default").Concat(template.EnumerateArray()).Select(entry => Named(entry, "template")).FirstOrDefault(text => text is not null);
    }

    /// <summary>Special tokens by the names that templates use, from texts or objects with a <c>content</c>.</summary>
    private static Dictionary<string, string> SpecialTokens(JsonElement? root)
    {
        Dictionary<string, string> tokens = [];
        if (root is not { ValueKind: JsonValueKind.Object } configuration) return tokens;
        foreach (JsonProperty entry in configuration.EnumerateObject())
        {
            if (!entry.Name.EndsWith("_token", StringComparison.Ordinal)) continue;
            JsonElement value = entry.Value;
            if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out JsonElement content)) value = content;
            if (value.ValueKind == JsonValueKind.String) tokens[entry.Name] = value.GetString()!;
        }
        return tokens;
    }

    private static JsonDocument? Read(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(Small(path)));
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} is not JSON: {exception.Message}", exception);
        }
    }

    private static string Small(string path) => new FileInfo(path).Length is var length and > LargestFile ? throw new InvalidDataException($"{path} has {length} bytes; at most {LargestFile} are read.") : path;
}
