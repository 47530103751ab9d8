using System.Diagnostics;
using Microtome.Models.Hub;

namespace Microtome.Terminal;

/// <summary>
/// Shows on standard error what is going on: one line that is rewritten in a terminal; in a pipe, a line for each step that takes
/// longer than a second.
/// </summary>
internal sealed class ProgressDisplay : IDisposable
{
    private const int BarWidth = 24;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1), Frame = TimeSpan.FromMilliseconds(80);
    private readonly bool _terminal = !Console.IsErrorRedirected;
    private readonly Stopwatch _step = new();
    private readonly Lock _lock = new();
    private string _name = "";
    private bool _announced;
    private TimeSpan _drawn;
    private int _width;

    /// <param name="fraction">From 0 to 1; null where it is not known.</param>
    public void Report(string step, double? fraction)
    {
        lock (_lock)
        {
            if (step != _name)
            {
                _name = step;
                _announced = false;
                _drawn = TimeSpan.Zero;
                _step.Restart();
            }
            TimeSpan elapsed = _step.Elapsed;
            if (_terminal)
            {
                if (elapsed - _drawn < Frame) return;
                _drawn = elapsed;
                Draw(fraction is { } f ? $"{step,-22} {Bar(f)} {f,4:0%}" : step);
            }
            else if (!_announced && elapsed > Quiet)
            {
                _announced = true;
                Console.Error.WriteLine($"{step} …");
            }
        }
    }

    public IProgress<DownloadProgress> Downloads(string name) => new DownloadReporter(this, name);

    /// <summary>Takes the line away.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            if (_width > 0) Draw("");
            _name = "";
        }
    }

    public void Dispose() => Clear();

    private void Draw(string line)
    {
        int most = Math.Max(20, Console.WindowWidth - 1);
        if (line.Length > most) line = line[..most];
        Console.Error.Write($"\r{line.PadRight(_width)}{(line.Length == 0 ? "\r" : "")}");
        _width = line.Length;
    }

    private static string Bar(double fraction)
    {
        int full = (int)Math.Round(Math.Clamp(fraction, 0, 1) * BarWidth);
        return new string('█', full) + new string('░', BarWidth - full);
    }

    private sealed class DownloadReporter(ProgressDisplay display, string name) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) =>
            display.Report($"downloading {name}: {value.File}", value.Size is > 0 ? (double)value.Bytes / value.Size.Value : value.FileSize > 0 ? (double)value.FileBytes / value.FileSize : null);
    }
}
