using System.CommandLine;
using Microtome.Experiments.SmallWorld;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome reproduce</c>: makes what ships with Microtome anew.</summary>
internal static class ReproduceCommand
{
    public static Command Create() => new("reproduce", "Make anew what comes with Microtome.") { SmallWorld() };

    private static ExampleCommand SmallWorld()
    {
        Option<string> output = new("--out", "-o") { HelpName = "DIR", Description = "Where to. A folder that was begun is gone on with: finished parts are skipped, training resumes.", DefaultValueFactory = _ => "small-world" };
        Option<bool> quick = new("--quick") { Description = "Train for a minute only, to see that everything works. The model will know next to nothing." };
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("small-world", "Train the small model that comes with Microtome, and its dictionaries, from their seed, and examine them.",
            "microtome reproduce small-world --out small-world/",
            "microtome reproduce small-world --quick --out trial/ --json")
        {
            output, quick, threads, json,
        };
        command.SetWork((result, cancellation) =>
        {
            result.UseThreads(threads);
            using ProgressDisplay progress = new();
            string folder = result.GetValue(output)!;
            IReadOnlyList<ReproductionRecord> records = new WorldReproduction(folder, result.GetValue(quick), progress.Report, cancellation).Run();
            progress.Clear();
            if (result.GetValue(json))
            {
                foreach (ReproductionRecord record in records)
                    JsonRecord.Print(line =>
                    {
                        line.WriteString("part", record.Part);
                        line.WriteNumber("seconds", record.Seconds);
                        line.WriteString("result", record.Result);
                    });
                return Task.FromResult(0);
            }
            Screen.Table(["part", ">time", "result"], records.Select(record => new[] { record.Part, TextFormat.Duration(TimeSpan.FromSeconds(record.Seconds)), Screen.Escape(record.Result) }));
            Screen.Line($"Wrote {Screen.Escape(folder)}");
            return Task.FromResult(0);
        });
        return command;
    }
}
