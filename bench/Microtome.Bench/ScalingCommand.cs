using System.CommandLine;
using System.Globalization;
using System.Text;
using Microtome.Circuits;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Times attribution against one quantity at a time, and draws each beside the line that the floor predicts.</summary>
internal static class ScalingCommand
{
    private const int Rows = 256, Tokens = 32;

    private sealed record Point(double At, double Seconds, double Floor);

    private sealed record Series(string Name, string Axis, IReadOnlyList<Point> Points);

    public static Command Create()
    {
        Option<DirectoryInfo> work = new("--work") { Description = "Where to keep the synthesised models (about 8 GB).", Required = true };
        Option<FileInfo?> plot = new("--plot") { Description = "The SVG to draw." };
        Option<int> runs = new("--runs") { Description = "How often to time each point; the fastest counts.", DefaultValueFactory = _ => 2 };
        Command command = new("scaling", "Time attribution against tokens, layers, rows and threads, on Qwen3-0.6B's shape.") { work, plot, runs };
        command.SetAction(result =>
        {
            Series[] all = [.. Measure(result.GetRequiredValue(work).FullName, result.GetValue(runs))];
            foreach (Series series in all)
            {
                Console.WriteLine($"{series.Name,10}{"seconds",10}{"floor",10}");
                foreach (Point point in series.Points) Console.WriteLine($"{point.At,10}{point.Seconds,10:F2}{point.Floor,10:F2}");
            }
            if (result.GetValue(plot) is { } file) File.WriteAllText(file.FullName, Draw(all));
        });
        return command;
    }

    private static IEnumerable<Series> Measure(string work, int runs)
    {
        int threads = WorkerPool.Threads;
        Dictionary<int, double> rates = Enumerable.Range(1, threads).ToDictionary(count => count, Rate); // one rate for all points: it varies from moment to moment
        string full = Synthesised(work, 28, 64);
        Point Time(string folder, double at, int tokens = Tokens, int rows = Rows)
        {
            AttributionOptions options = new() { MaximumTargets = 10, TargetProbability = 1, MaximumFeatures = rows };
            AttributionCommand.Report best = Enumerable.Range(0, runs).Select(_ => AttributionCommand.Run(folder, tokens, options, 1)).MinBy(report => report.FirstRun.Targets + report.FirstRun.Rows)!;
            return new Point(at, best.FirstRun.Targets + best.FirstRun.Rows, best.FloorGigaflops * 1e9 / rates[WorkerPool.Threads]);
        }
        Time(full, 0, 8, 64); // compiled and read from disk

        yield return new Series("tokens", "tokens of the prompt", [.. new[] { 8, 16, 24, 32, 48, 64 }.Select(tokens => Time(full, tokens, tokens))]);
        yield return new Series("layers", "layers", [.. new[] { 7, 14, 21, 28 }.Select(layers => Time(layers == 28 ? full : Synthesised(work, layers, Tokens), layers))]);
        yield return new Series("rows", "feature rows", [.. new[] { 64, 128, 256, 512, 1024 }.Select(rows => Time(full, rows, rows: rows))]);
        List<Point> byThreads = [];
        for (WorkerPool.Threads = 1; WorkerPool.Threads <= threads; WorkerPool.Threads++) byThreads.Add(Time(full, WorkerPool.Threads));
        WorkerPool.Threads = threads;
        yield return new Series("threads", "threads", byThreads);
    }

    private static double Rate(int threads)
    {
        int all = WorkerPool.Threads;
        WorkerPool.Threads = threads;
        double rate = Enumerable.Range(0, 3).Max(_ => Machine.ProductRate());
        WorkerPool.Threads = all;
        return rate;
    }

    private static string Synthesised(string work, int layers, int tokens)
    {
        string folder = Path.Combine(work, $"layers-{layers}-tokens-{tokens}");
        if (!Directory.Exists(folder)) SynthCommand.Write(SyntheticShape.Named("qwen3-0.6b") with { Layers = layers }, 8192, tokens, 4096, 25, ElementType.F32, 1, link: false, folder);
        return folder;
    }

    /// <summary>Four plots side by side: measured points, and the floor's line. Blue and orange are told apart by all common kinds of colour blindness, and the floor is dashed.</summary>
    private static string Draw(IReadOnlyList<Series> all)
    {
        const int Width = 250, Height = 210, Left = 40, Bottom = 44, Top = 26, Right = 14;
        StringBuilder svg = new();
        svg.AppendLine(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width * all.Count} {Height}\" font-family=\"system-ui, sans-serif\" font-size=\"11\">");
        svg.AppendLine(CultureInfo.InvariantCulture, $"<rect width=\"{Width * all.Count}\" height=\"{Height}\" fill=\"#fff\"/>");
        for (int i = 0; i < all.Count; i++)
        {
            Series series = all[i];
            double mostX = series.Points.Max(point => point.At), mostY = Nice(series.Points.Max(point => Math.Max(point.Seconds, point.Floor)));
            double X(double value) => i * Width + Left + value / mostX * (Width - Left - Right);
            double Y(double value) => Height - Bottom - value / mostY * (Height - Bottom - Top);
            string Line(Func<Point, double> value) => string.Join(' ', series.Points.Select(point => FormattableString.Invariant($"{X(point.At):0.#},{Y(value(point)):0.#}")));
            svg.AppendLine(CultureInfo.InvariantCulture, $"<path d=\"M{X(0):0.#},{Top}V{Y(0):0.#}H{X(mostX):0.#}\" fill=\"none\" stroke=\"#889\"/>");
            foreach (double tick in (double[])[0, mostY / 2, mostY])
                svg.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{X(0) - 6:0.#}\" y=\"{Y(tick) + 4:0.#}\" text-anchor=\"end\" fill=\"#556\">{tick:0.##}</text>");
            foreach (Point point in series.Points)
                svg.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{X(point.At):0.#}\" y=\"{Y(0) + 15:0.#}\" text-anchor=\"middle\" fill=\"#556\">{(point.At < mostX / 8 ? "" : point.At.ToString(CultureInfo.InvariantCulture))}</text>");
            svg.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{X(mostX / 2):0.#}\" y=\"{Height - 10}\" text-anchor=\"middle\" fill=\"#223\">{series.Axis}</text>");
            svg.AppendLine(CultureInfo.InvariantCulture, $"<polyline points=\"{Line(point => point.Floor)}\" fill=\"none\" stroke=\"#d9730d\" stroke-width=\"2\" stroke-dasharray=\"5 4\"/>");
            svg.AppendLine(CultureInfo.InvariantCulture, $"<polyline points=\"{Line(point => point.Seconds)}\" fill=\"none\" stroke=\"#0b6fb8\" stroke-width=\"2\"/>");
            foreach (Point point in series.Points) svg.AppendLine(CultureInfo.InvariantCulture, $"<circle cx=\"{X(point.At):0.#}\" cy=\"{Y(point.Seconds):0.#}\" r=\"3\" fill=\"#0b6fb8\"/>");
            if (i == 0)
                svg.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{Left + 10}\" y=\"16\" fill=\"#223\">seconds: <tspan fill=\"#0b6fb8\">— measured</tspan>  <tspan fill=\"#b85c00\">- - floor</tspan></text>");
        }
        return svg.AppendLine("</svg>").ToString();
    }

    /// <summary>The next of 1, 2 and 5 times a power of ten.</summary>
    private static double Nice(double value)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(value)));
        foreach (double step in (double[])[1, 2, 5])
            if (value <= step * power) return step * power;
        return 10 * power;
    }
}
