using System.Text.Json;
using Microtome.Models;

namespace Microtome.Experiments.SmallWorld;

/// <summary>A part of making the small world's files, and how long it took.</summary>
public sealed record ReproductionRecord(string Part, double Seconds, string Result);

/// <summary>The folder that the small world is made in. <c>log.jsonl</c> holds a line for each finished part, which a later run skips.</summary>
internal sealed class ReproductionFolder
{
    private readonly string _log;
    private readonly List<ReproductionRecord> _records = [];

    /// <param name="recipe">What is made; a folder holds one recipe's files.</param>
    /// <exception cref="InvalidDataException">The folder holds another recipe's files.</exception>
    public ReproductionFolder(string folder, string recipe)
    {
        Path = folder;
        _log = In("log.jsonl");
        Directory.CreateDirectory(folder);
        if (!File.Exists(_log))
        {
            Add(new ReproductionRecord("recipe", 0, recipe));
            return;
        }
        _records.AddRange(File.ReadLines(_log).Select(Read).OfType<ReproductionRecord>());
        string? found = _records.FirstOrDefault(record => record.Part == "recipe")?.Result;
        if (found != recipe) throw new InvalidDataException($"{folder} holds files of another recipe ({found ?? "unknown"}, not {recipe}); give another folder, or remove it to begin anew.");
    }

    public string Path { get; }

    public IReadOnlyList<ReproductionRecord> Records => _records;

    public string In(params ReadOnlySpan<string> names) => System.IO.Path.Combine([Path, .. names]);

    /// <summary>The record of a finished part whose files are all there.</summary>
    public ReproductionRecord? Finished(string part, IEnumerable<string> files) => files.All(File.Exists) ? _records.LastOrDefault(record => record.Part == part) : null;

    public void Add(ReproductionRecord record)
    {
        _records.Add(record);
        AtomicFile.Write(_log, stream =>
        {
            foreach (ReproductionRecord line in _records)
            {
                JsonSerializer.Serialize(stream, new { part = line.Part, seconds = Math.Round(line.Seconds, 1), result = line.Result });
                stream.WriteByte((byte)'\n');
            }
        });
    }

    private static ReproductionRecord? Read(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            return new ReproductionRecord(root.GetProperty("part").GetString() ?? "", root.GetProperty("seconds").GetDouble(), root.GetProperty("result").GetString() ?? "");
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null; // its part is made again
        }
    }
}
