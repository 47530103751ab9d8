using System.IO.Compression;
using System.Text.Json;
using Microtome.Models.Tokenizers;

namespace Microtome.Parity;

/// <summary>Tokenizers against Hugging Face's: ids, ids with special tokens, decoded text, offsets in code points; those of them that a case gives.</summary>
internal static class TokenizerParity
{
    private const string Packed = ".tokenizer.json.gz", Plain = ".tokenizer.json";

    public static IEnumerable<(string Name, Action<Comparison> Compare)> Cases(string folder) =>
        from path in Directory.EnumerateFiles(folder, "*.json*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        let suffix = path.EndsWith(Packed, StringComparison.Ordinal) ? Packed : path.EndsWith(Plain, StringComparison.Ordinal) ? Plain : null
        where suffix is not null
        let texts = path[..^suffix.Length] + ".json"
        where File.Exists(texts)
        select (Path.GetRelativePath(folder, texts[..^5]), (Action<Comparison>)(comparison => Compare(path, suffix == Packed, texts, comparison)));

    private static void Compare(string path, bool packed, string texts, Comparison comparison)
    {
        using FileStream file = File.OpenRead(path);
        using Stream stream = packed ? new GZipStream(file, CompressionMode.Decompress) : file;
        Tokenizer tokenizer = Tokenizer.Parse(stream, path);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(texts));
        int index = 0;
        foreach (JsonElement expected in document.RootElement.EnumerateArray())
        {
            string text = expected.GetProperty("text").GetString()!, at = $"text {index++}";
            IReadOnlyList<Token> tokens = tokenizer.EncodeWithOffsets(text);
            if (expected.TryGetProperty("ids", out JsonElement ids))
            {
                comparison.Same($"{at}: ids", [.. tokens.Select(token => token.Id)], (ReadOnlySpan<int>)Ints(ids));
                comparison.Same($"{at}: ids without offsets", tokenizer.Encode(text), (ReadOnlySpan<int>)Ints(ids));
                if (expected.TryGetProperty("decoded", out JsonElement decoded))
                    comparison.Same($"{at}: decoded", [tokenizer.Decode(Ints(ids))], (ReadOnlySpan<string>)[decoded.GetString()!]);
            }
            if (expected.TryGetProperty("ids_with_special", out JsonElement special))
                comparison.Same($"{at}: ids_with_special", tokenizer.Encode(text, addSpecialTokens: true), (ReadOnlySpan<int>)Ints(special));
            if (expected.TryGetProperty("offsets", out JsonElement offsets))
                comparison.Same($"{at}: offsets", [.. Tokenizer.CodePointOffsets(text, tokens).SelectMany(token => new[] { token.Start, token.End })], (ReadOnlySpan<int>)[.. offsets.EnumerateArray().SelectMany(Ints)]);
        }
    }

    private static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetInt32())];
}
