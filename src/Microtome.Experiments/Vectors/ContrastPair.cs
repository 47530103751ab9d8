using System.Text.Json;

namespace Microtome.Experiments;

/// <summary>Two texts that differ in what a vector should stand for.</summary>
public sealed record ContrastPair(string Positive, string Negative)
{
    private const int LargestFile = 64 << 20;

    /// <summary>Reads pairs from JSON: a list of objects with <c>positive</c> and <c>negative</c>, alone or under <c>pairs</c>, or one such object a line.</summary>
    /// <exception cref="InvalidDataException">The file holds anything else; the message says where.</exception>
    public static IReadOnlyList<ContrastPair> Load(string path) => Load(path, "positive", "negative");

    /// <summary>The same under other names.</summary>
    /// <param name="first">What the first text is called.</param>
    /// <param name="second">What the second is called.</param>
    public static IReadOnlyList<ContrastPair> Load(string path, string first, string second)
    {
        if (new FileInfo(path) is { Exists: true, Length: > LargestFile } file) throw new InvalidDataException($"{path} has {file.Length} bytes; a file of pairs has at most {LargestFile}.");
        byte[] text = File.ReadAllBytes(path);
        ReadOnlySpan<byte> start = text.AsSpan().TrimStart(" \t\r\n\uFEFF"u8);
        try
        {
            bool lines = start.Length > 0 && start[0] == (byte)'{' && !IsOneObject(text);
            List<JsonElement> elements = [];
            if (lines)
            {
                foreach (string line in File.ReadLines(path).Where(line => !string.IsNullOrWhiteSpace(line)))
                {
                    using JsonDocument document = JsonDocument.Parse(line);
                    elements.Add(document.RootElement.Clone());
                }
            }
            else
            {
                using JsonDocument document = JsonDocument.Parse(text);
                JsonElement root = document.RootElement;
                if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("pairs", out JsonElement pairs)) root = pairs;
                if (root.ValueKind == JsonValueKind.Object) elements.Add(root.Clone());
                else elements.AddRange(root.EnumerateArray().Select(element => element.Clone()));
            }
            ContrastPair[] read = [.. elements.Select((element, i) => Read(path, element, i, first, second))];
            return read.Length > 0 ? read : throw new InvalidDataException($"{path} holds no pairs.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path} is no file of pairs: {exception.Message} It should be a list of objects with \"{first}\" and \"{second}\".", exception);
        }
    }

    private static ContrastPair Read(string path, JsonElement element, int index, string first, string second) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty(first, out JsonElement positive) && positive.ValueKind == JsonValueKind.String
        && element.TryGetProperty(second, out JsonElement negative) && negative.ValueKind == JsonValueKind.String
            ? new ContrastPair(positive.GetString()!, negative.GetString()!)
            : throw new InvalidDataException($"{path}: pair {index} has no texts \"{first}\" and \"{second}\".");

    private static bool IsOneObject(byte[] text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
