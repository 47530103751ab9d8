using System.CommandLine;
using System.Text;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Models.SmallWorld;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome study</c>: small studies that train models of their own.</summary>
internal static class StudyCommand
{
    public static Command Create() => new Command("study", "Study how small models learn, by training them.") { Capacity() };

    private static ExampleCommand Capacity()
    {
        CapacityOptions defaults = new();
        Option<DirectoryInfo> output = new("--out", "-o") { HelpName = "DIR", Description = "Where results, charts and the page go; a study that was interrupted goes on from there.", Required = true };
        Option<int[]> heads = new("--heads") { HelpName = "N…", Description = $"Numbers of heads; {string.Join(" ", defaults.Heads)} unless given.", AllowMultipleArgumentsPerToken = true };
        Option<string[]> mixtures = new("--mixture") { HelpName = "MIXTURE…", Description = "even, mostly-TASK (half of the time), or shares such as reverse=3,sort=1. Tasks: reverse, every-second, first-three, sort, last.", AllowMultipleArgumentsPerToken = true };
        Option<int?> seeds = new("--seeds") { HelpName = "N", Description = $"Decoders of each kind; {defaults.Seeds} unless given." };
        Option<long?> steps = new("--steps") { HelpName = "N", Description = $"Steps of 2,048 tokens; {defaults.Steps} unless given." };
        Option<bool> quick = new("--quick") { Description = "A few short runs, to see what results look like." };
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        CommonOptions.Positive(seeds);
        ExampleCommand command = new("capacity", "Which of five list tasks decoders of two layers learn, and when, with 1 to 8 heads and tasks at different frequencies.",
            "microtome study capacity --quick --out capacity",
            "microtome study capacity --out capacity --heads 1 2 4 8 --mixture even mostly-sort reverse=4,sort=1,last=1 --seeds 5")
        {
            output, heads, mixtures, seeds, steps, quick, threads, json,
        };
        command.SetWork((result, cancellation) =>
        {
            result.UseThreads(threads);
            CapacityOptions options = result.GetValue(quick) ? CapacityOptions.Quick : defaults;
            options = options with
            {
                Heads = result.GetValue(heads) is { Length: > 0 } chosen ? chosen : options.Heads,
                Mixtures = result.GetValue(mixtures) is { Length: > 0 } texts ? [.. texts.Select(TaskMixture.Parse)] : options.Mixtures,
                Seeds = result.GetValue(seeds) ?? options.Seeds,
                Steps = result.GetValue(steps) ?? options.Steps,
            };
            string folder = result.GetValue(output)!.FullName;
            using ProgressDisplay progress = new();
            progress.Report("training decoders", 0);
            IReadOnlyList<CapacityResult> results = new CapacityStudy(folder, options).Run((done, all) => progress.Report($"training decoders, {done} of {all}", (double)done / all), cancellation);
            progress.Clear();
            CapacityReport report = new(options, results);
            foreach ((string name, Chart chart) in report.Charts())
            {
                Write(Path.Combine(folder, $"{name}.svg"), ChartSvg.WriteFile(chart));
                Write(Path.Combine(folder, $"{name}.vl.json"), VegaLite.Write(chart));
            }
            report.Page().Write(Path.Combine(folder, "capacity.html"));
            if (result.GetValue(json))
                foreach (CapacitySummary summary in report.Summaries) Print(summary);
            else Print(report, options, folder);
            return Task.FromResult(0);
        });
        return command;
    }

    private static void Write(string path, string text) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    private static void Print(CapacityReport report, CapacityOptions options, string folder)
    {
        foreach (TaskMixture mixture in options.Mixtures)
        {
            CapacitySummary[] own = [.. report.Summaries.Where(summary => summary.Mixture == mixture.Name)];
            ListOperation[] tasks = [.. own.Select(summary => summary.Task).Distinct()];
            Screen.Heading($"{mixture.Name}: step at which a task was learned, of {options.Steps} ({options.Learned:0%} of held-out lists exact)");
            Screen.Table(["heads", .. tasks.Select(task => $">{CapacityReport.TaskName(task)}")], options.Heads.Select(heads => new[] { $"{heads}" }.Concat(tasks.Select(task => At(heads, task))).ToArray()));
            Screen.Heading($"{mixture.Name}: held-out lists answered exactly at the end");
            Screen.Table(["heads", .. tasks.Select(task => $">{CapacityReport.TaskName(task)}")], options.Heads.Select(heads => new[] { $"{heads}" }.Concat(tasks.Select(task => Screen.Escape(Summary(heads, task).Exact.ToString("0.00")))).ToArray()));

            CapacitySummary Summary(int heads, ListOperation task) => own.First(summary => summary.Heads == heads && summary.Task == task);
            string At(int heads, ListOperation task)
            {
                CapacitySummary summary = Summary(heads, task);
                return summary.Learned == 0 ? "not" : Screen.Escape($"{summary.LearnedAt.ToString("0")}{(summary.Learned < summary.Seeds ? $" ({summary.Learned} of {summary.Seeds})" : "")}");
            }
        }
        Screen.Line($"\nWrote {Screen.Escape(Path.Combine(folder, "capacity.html"))}");
    }

    private static void Print(CapacitySummary summary) => JsonRecord.Print(json =>
    {
        json.WriteString("mixture", summary.Mixture);
        json.WriteNumber("heads", summary.Heads);
        json.WriteString("task", CapacityReport.TaskName(summary.Task));
        json.WriteNumber("share", summary.Share);
        json.WriteNumber("seeds", summary.Seeds);
        json.WriteNumber("learned", summary.Learned);
        WriteInterval("learned_at", summary.LearnedAt);
        WriteInterval("exact", summary.Exact);
        json.WriteStartArray("exact_by_length");
        foreach (Interval interval in summary.ExactByLength) json.WriteNumberValue(interval.Estimate);
        json.WriteEndArray();

        void WriteInterval(string name, Interval interval)
        {
            if (!double.IsFinite(interval.Estimate)) json.WriteNull(name);
            else
            {
                json.WriteStartObject(name);
                json.WriteNumber("estimate", interval.Estimate);
                json.WriteNumber("low", double.IsFinite(interval.Low) ? interval.Low : interval.Estimate);
                json.WriteNumber("high", double.IsFinite(interval.High) ? interval.High : interval.Estimate);
                json.WriteEndObject();
            }
        }
    });
}
