using System.Globalization;
using System.Text;

namespace Microtome.Models.Training;

/// <summary>What training leaves in its folder: <c>curve.jsonl</c>, a line a step, and the last two checkpoints in <c>checkpoints/</c>.</summary>
internal sealed class TrainingFolder(string folder)
{
    private const int KeptCheckpoints = 2;
    private const string Prefix = "step-", Suffix = ".safetensors";
    private readonly string _checkpoints = Path.Combine(folder, "checkpoints");
    private readonly StringBuilder _pending = new();

    public string CurvePath { get; } = TrainingCurve.PathIn(folder);

    public string? LastCheckpoint() => Checkpoints().LastOrDefault().Path;

    /// <summary>Writes the checkpoint and the curve up to it, and removes older checkpoints.</summary>
    public void Save(TrainingPosition position, TrainableDecoder decoder, AdamW optimizer)
    {
        Directory.CreateDirectory(_checkpoints);
        TrainingState.Save(Path.Combine(_checkpoints, $"{Prefix}{position.Step:D8}{Suffix}"), position, decoder, optimizer);
        FlushCurve();
        foreach ((_, string path) in Checkpoints().SkipLast(KeptCheckpoints)) File.Delete(path);
    }

    public void Append(TrainingRecord record)
    {
        _pending.Append(TrainingCurve.Line(record)).Append('\n');
        if (_pending.Length > 1 << 14) FlushCurve();
    }

    /// <summary>Leaves out what the curve holds beyond a step.</summary>
    public void CutCurve(long step)
    {
        if (!File.Exists(CurvePath)) return;
        List<string> kept = [];
        foreach (string line in File.ReadLines(CurvePath))
        {
            if (TrainingCurve.Parse(line) is not { } record || record.Step > step) break;
            kept.Add(line);
        }
        AtomicFile.Write(CurvePath, stream =>
        {
            using StreamWriter writer = new(stream, leaveOpen: true);
            foreach (string line in kept) writer.Write(line + "\n");
        });
    }

    private void FlushCurve()
    {
        Directory.CreateDirectory(folder);
        File.AppendAllText(CurvePath, _pending.ToString());
        _pending.Clear();
    }

    private List<(long Step, string Path)> Checkpoints()
    {
        if (!Directory.Exists(_checkpoints)) return [];
        List<(long, string)> found = [];
        foreach (string path in Directory.EnumerateFiles(_checkpoints, $"{Prefix}*{Suffix}"))
            if (long.TryParse(Path.GetFileName(path)[Prefix.Length..^Suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out long step)) found.Add((step, path));
        found.Sort();
        return found;
    }
}
