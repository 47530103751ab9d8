using System.Text.Json;

namespace Microtome.Models.Tokenizers;

/// <summary>What tokenizer_config.json says of special tokens, as contents.</summary>
internal sealed record TokenizerConfiguration(string? BeginningOfText, string? EndOfText, string? Padding, bool AddBeginningOfText)
{
    /// <exception cref="InvalidDataException">The file is malformed.</exception>
    public static TokenizerConfiguration Read(ReadOnlyMemory<byte> json, string file)
    {
        if (json.Span.StartsWith("\uFEFF"u8)) json = json[3..];
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonPlace place = new(file, "", document.RootElement);
            return new TokenizerConfiguration(Content(place, "bos_token"), Content(place, "eos_token"), Content(place, "pad_token"),
                place.Optional("add_bos_token")?.Flag() ?? false);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{file} is not valid JSON: {error.Message}", error);
        }
    }

    /// <summary>A token is its content or an object that has it.</summary>
    private static string? Content(JsonPlace place, string name) =>
        place.Optional(name) is not JsonPlace token ? null : token.IsObject ? token.Required("content").Text() : token.Text();
}
