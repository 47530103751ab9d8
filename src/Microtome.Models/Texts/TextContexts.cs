using System.Text;
using System.Text.Json;

namespace Microtome.Models;

/// <summary>
/// The contexts of text files: <c>.txt</c>, whose documents a line <c>&lt;|endoftext|&gt;</c> separates, or <c>.jsonl</c>, one object a line whose <c>text</c> is a document. A
/// document that is longer than a context is cut into several.
/// </summary>
public sealed class TextContexts : ContextSource
{
    private const string Separator = "<|endoftext|>";
    private const int LongestPiece = 1 << 16; // characters that are encoded at once
    private const int LongestLine = 1 << 24;
    private readonly IReadOnlyList<string> _files;
    private readonly PromptEncoder _prompts;
    private readonly int _length;

    /// <param name="path">A file, or a folder whose files of these kinds are read in the order of their names.</param>
    /// <param name="length">The most tokens in a context, its first included; at least 2.</param>
    /// <exception cref="FileNotFoundException">There is no such file, or the folder has none.</exception>
    public TextContexts(string path, PromptEncoder prompts, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        if (Directory.Exists(path))
        {
            _files = [.. Directory.EnumerateFiles(path).Where(file => file.EndsWith(".txt", StringComparison.Ordinal) || file.EndsWith(".jsonl", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
            if (_files.Count == 0) throw new FileNotFoundException($"The folder {path} has no .txt or .jsonl files.", path);
        }
        else _files = File.Exists(path) ? [path] : throw new FileNotFoundException($"There is no text file or folder {path}.", path);
        _prompts = prompts;
        _length = length;
        Name = FormattableString.Invariant($"{path} ({_files.Sum(file => new FileInfo(file).Length):#,0} bytes)");
    }

    public override string Name { get; }

    /// <exception cref="InvalidDataException">A line of a .jsonl file is not such an object; the message names the line.</exception>
    public override IEnumerable<TokenContext> Read(long first = 0)
    {
        long id = 0, document = -1;
        int? begin = _prompts.FirstToken;
        int room = _length - (begin is null ? 0 : 1);
        foreach ((string text, bool begins) in Pieces())
        {
            if (begins) document++;
            if (string.IsNullOrWhiteSpace(text)) continue;
            int[] tokens = _prompts.EncodeText(text);
            for (int start = 0; start < tokens.Length; start += room, id++)
                if (id >= first) yield return new TokenContext(id, document, [.. begin is { } token ? new[] { token } : [], .. tokens.AsSpan(start, Math.Min(room, tokens.Length - start))]);
        }
    }

    /// <summary>Documents, long ones in pieces.</summary>
    private IEnumerable<(string Text, bool Begins)> Pieces()
    {
        foreach (string file in _files)
            foreach ((string text, bool begins) piece in file.EndsWith(".jsonl", StringComparison.Ordinal) ? JsonLines(file) : Plain(file)) yield return piece;
    }

    private static IEnumerable<(string, bool)> Plain(string file)
    {
        using StreamReader reader = new(file);
        StringBuilder text = new();
        bool begins = true;
        foreach (string line in Lines(reader, file))
        {
            if (line.TrimEnd('\n', '\r') == Separator)
            {
                if (text.Length > 0 || !begins) yield return (text.ToString().TrimEnd('\n'), begins);
                text.Clear();
                begins = true;
                continue;
            }
            text.Append(line);
            if (text.Length < LongestPiece) continue;
            yield return (text.ToString(), begins);
            text.Clear();
            begins = false;
        }
        if (text.Length > 0) yield return (text.ToString().TrimEnd('\n'), begins);
    }

    private static IEnumerable<(string, bool)> JsonLines(string file)
    {
        using StreamReader reader = new(file);
        int number = 0;
        foreach (string line in Lines(reader, file))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            string text = TextOf(line) ?? throw new InvalidDataException($"{file}: line {number} is not a JSON object with a \"text\".");
            for (int start = 0; start < text.Length; start += LongestPiece) yield return (text[start..Math.Min(text.Length, start + LongestPiece)], start == 0);
        }
    }

    private static string? TextOf(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Lines with their ends; a file without line ends comes in pieces where it may, and is refused where it may not.</summary>
    private static IEnumerable<string> Lines(StreamReader reader, string file)
    {
        bool mayCut = !file.EndsWith(".jsonl", StringComparison.Ordinal);
        char[] buffer = new char[1 << 14];
        StringBuilder line = new();
        for (int count; (count = reader.Read(buffer, 0, buffer.Length)) > 0;)
        {
            int start = 0;
            for (int end; start < count && (end = Array.IndexOf(buffer, '\n', start, count - start)) >= 0; start = end + 1)
            {
                yield return line.Append(buffer, start, end + 1 - start).ToString();
                line.Clear();
            }
            line.Append(buffer, start, count - start);
            if (mayCut && line.Length >= LongestPiece)
            {
                yield return line.ToString();
                line.Clear();
            }
            if (line.Length > LongestLine) throw new InvalidDataException($"{file} has a line of more than {LongestLine:N0} characters.");
        }
        if (line.Length > 0) yield return line.ToString();
    }
}
