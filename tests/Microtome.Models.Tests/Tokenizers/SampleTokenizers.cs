using System.Text;
using System.Text.Json.Nodes;
using Microtome.Models.Tokenizers;

namespace Microtome.Models.Tests.Tokenizers;

/// <summary>The small tokenizers that are in the repository, as they are and with changes.</summary>
internal static class SampleTokenizers
{
    public static string BytesFile => TestFiles.Get("tokenizers/bytes.tokenizer.json");

    public static string StoriesFolder => TestFiles.Get("models/stories260k");

    public static Tokenizer Bytes { get; } = Parse(File.ReadAllText(BytesFile));

    public static Tokenizer Stories { get; } = Tokenizer.Load(StoriesFolder);

    public static string TextOf(string name) => File.ReadAllText(name == "bytes" ? BytesFile : Path.Combine(StoriesFolder, "tokenizer.json"));

    public static Tokenizer Parse(string json, string name = "tokenizer.json") => Tokenizer.Parse(new MemoryStream(Encoding.UTF8.GetBytes(json)), name);

    /// <summary>A sample with some properties replaced, those of its model one by one.</summary>
    public static Tokenizer Changed(string name, string changes)
    {
        JsonObject json = JsonNode.Parse(TextOf(name))!.AsObject();
        foreach ((string property, JsonNode? value) in JsonNode.Parse(changes)!.AsObject())
        {
            if (property != "model") json[property] = value?.DeepClone();
            else foreach ((string part, JsonNode? partValue) in value!.AsObject()) json["model"]![part] = partValue?.DeepClone();
        }
        return Parse(json.ToJsonString());
    }

    /// <summary>The byte-level sample, which splits texts at a pattern only.</summary>
    public static Tokenizer SplittingAt(string pattern) => Changed("bytes", new JsonObject
    {
        ["pre_tokenizer"] = JsonNode.Parse("""{"type":"Split","pattern":{"Regex":""},"behavior":"Removed","invert":true}""") is JsonObject split
            ? WithPattern(split, pattern)
            : null,
    }.ToJsonString());

    private static JsonObject WithPattern(JsonObject split, string pattern)
    {
        split["pattern"]!["Regex"] = pattern;
        return split;
    }
}
