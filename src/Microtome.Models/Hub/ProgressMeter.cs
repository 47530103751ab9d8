using System.Diagnostics;

namespace Microtome.Models.Hub;

/// <summary>Adds up what several downloads report at once.</summary>
internal sealed class ProgressMeter(IProgress<DownloadProgress>? progress, int files, long? size)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private readonly Lock gate = new();
    private readonly Dictionary<string, long> bytesOf = [];
    private long bytes;
    private int filesDone;
    private long lastReport;

    /// <summary>Called for every piece that arrives; passes on a few a second.</summary>
    public void Advance(string file, long fileBytes, long fileSize)
    {
        if (progress is null) return;
        lock (gate)
        {
            Count(file, fileBytes);
            if (lastReport != 0 && Stopwatch.GetElapsedTime(lastReport) < Interval) return;
            Report(file, fileBytes, fileSize);
        }
    }

    public void Complete(string file, long fileSize)
    {
        if (progress is null) return;
        lock (gate)
        {
            Count(file, fileSize);
            filesDone++;
            Report(file, fileSize, fileSize);
        }
    }

    private void Count(string file, long fileBytes)
    {
        bytes += fileBytes - bytesOf.GetValueOrDefault(file);
        bytesOf[file] = fileBytes;
    }

    // Inside the gate, so that a listener never sees the totals go back.
    private void Report(string file, long fileBytes, long fileSize)
    {
        lastReport = Stopwatch.GetTimestamp();
        progress!.Report(new DownloadProgress(file, fileBytes, fileSize, filesDone, files, bytes, size));
    }
}
