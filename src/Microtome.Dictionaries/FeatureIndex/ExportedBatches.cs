using System.Globalization;
using System.Text.Json;

namespace Microtome.Dictionaries;

/// <summary>A folder of batches of lines, each of a feature.</summary>
internal sealed class ExportedBatches
{
    private const int MostFiles = 100_000, UsualBatch = 1024;
    private readonly int _longestLine;
    private readonly Dictionary<int, string> _fileOf = [];
    private readonly HashSet<string> _read = [];

    public ExportedBatches(string folder, int longestLine)
    {
        _longestLine = longestLine;
        Files = Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "batch-*.jsonl*").Where(file => file.EndsWith(".jsonl", StringComparison.Ordinal) || file.EndsWith(".jsonl.gz", StringComparison.Ordinal)).Take(MostFiles)
                .OrderBy(NumberOf).ThenBy(file => file, StringComparer.Ordinal)]
            : [];
    }

    public IReadOnlyList<string> Files { get; }

    /// <summary>Every line with the feature it is of and where it stands.</summary>
    public IEnumerable<(int Feature, ReadOnlyMemory<byte> Line, string Place)> All() => Files.SelectMany(Lines);

    /// <summary>A feature's lines: copies.</summary>
    /// <param name="most">The most bytes that they may have together.</param>
    public List<byte[]> LinesOf(int feature, int most)
    {
        if (_fileOf.TryGetValue(feature, out string? file)) return LinesIn(file, feature, most);
        // Usually batches hold 1,024 features each, in order: that one first.
        foreach (string next in Files.Where(one => !_read.Contains(one)).OrderByDescending(one => NumberOf(one) == feature / UsualBatch))
            if (LinesIn(next, feature, most) is { Count: > 0 } lines) return lines;
        return [];
    }

    private List<byte[]> LinesIn(string file, int feature, int most)
    {
        List<byte[]> lines = [];
        long size = 0;
        foreach ((int of, ReadOnlyMemory<byte> line, _) in Lines(file))
        {
            _fileOf.TryAdd(of, file);
            if (of != feature) continue;
            if ((size += line.Length) > most) throw new InvalidDataException($"{file} has more than {most >> 20} MB of feature {feature}.");
            lines.Add(line.ToArray());
        }
        _read.Add(file);
        return lines;
    }

    private IEnumerable<(int Feature, ReadOnlyMemory<byte> Line, string Place)> Lines(string file)
    {
        int number = 0;
        foreach (ReadOnlyMemory<byte> line in GzipFile.ReadLines(file, _longestLine))
        {
            string place = $"{file}, line {++number}";
            yield return (FeatureOf(line.Span, place), line, place);
        }
    }

    /// <summary>The number under <c>index</c>, a number or a text; what stands after it is not looked at.</summary>
    private static int FeatureOf(ReadOnlySpan<byte> line, string place)
    {
        try
        {
            Utf8JsonReader json = new(line, new JsonReaderOptions { MaxDepth = 32 });
            json.Read();
            if (json.TokenType == JsonTokenType.StartObject)
                while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
                {
                    bool isIndex = json.ValueTextEquals("index"u8);
                    json.Read();
                    if (!isIndex) json.Skip();
                    else if (json.TokenType == JsonTokenType.Number && json.TryGetInt32(out int feature) && feature >= 0) return feature;
                    else if (json.TokenType == JsonTokenType.String && int.TryParse(json.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out feature)) return feature;
                    else break;
                }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{place} is not JSON: {exception.Message}", exception);
        }
        throw new InvalidDataException($"{place} does not say by 'index' which feature it is of.");
    }

    /// <summary>Reads a line as an object.</summary>
    /// <exception cref="InvalidDataException">It is none; the message names the place.</exception>
    public static T Parse<T>(ReadOnlyMemory<byte> line, string place, Func<JsonElement, T> read)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 32 });
            return document.RootElement.ValueKind == JsonValueKind.Object ? read(document.RootElement) : throw new InvalidDataException($"{place} is not a JSON object.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{place} is not JSON: {exception.Message}", exception);
        }
    }

    private static int NumberOf(string file)
    {
        string name = Path.GetFileName(file)[6..];
        return int.TryParse(name[..name.IndexOf('.')], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
    }
}
