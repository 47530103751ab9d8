using System.CommandLine;
using System.Diagnostics;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Times a sweep of injections: each trial by itself, several together, and with what trials have in common computed once.</summary>
internal static class IntrospectCommand
{
    private static readonly (string Name, Sharing Sharing)[] Ways =
    [
        ("one trial at a time", Sharing.None), ("together", Sharing.Batch), ("together, prefix shared", Sharing.Batch | Sharing.Prefix), ("together, lower layers shared", Sharing.Batch | Sharing.Layers), ("all of it", Sharing.All),
    ];

    public static Command Create()
    {
        Option<string> model = new("--model") { Description = "A checkpoint's folder.", Required = true };
        Option<int> concepts = new("--concepts") { DefaultValueFactory = _ => 12 }, strengths = new("--strengths") { DefaultValueFactory = _ => 20 }, threads = new("--threads") { DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<string> layers = new("--layers") { DefaultValueFactory = _ => "spread 8" };
        Command command = new("introspect", "Time a sweep of injections with and without sharing.") { model, concepts, strengths, layers, threads };
        command.SetAction(async (result, cancellation) =>
        {
            WorkerPool.Threads = result.GetValue(threads);
            using LoadedModel loaded = await new ModelSource(cancellation: cancellation).LoadModelAsync(result.GetValue(model));
            ExperimentSettings settings = new()
            {
                Kind = ExperimentKind.InjectedThought,
                Concepts = [.. ExperimentSettings.DefaultConcepts.Take(result.GetValue(concepts)).Select(name => new ConceptSetting(name))],
                Strengths = [.. Enumerable.Range(1, result.GetValue(strengths)).Select(i => 0.2 * i)],
                Layers = result.GetValue(layers)!,
                Placebos = 0,
                Resamples = 100,
                Prompts = new Dictionary<string, IReadOnlyList<string>> { ["third-person"] = [], ["true"] = ["Is fire hot?"], ["false"] = ["Is fire cold?"] },
            };
            int cells = settings.Concepts.Count * settings.Strengths.Count * LayerChoice.Parse(settings.Layers, loaded.Specification.Layers.Count).Count * 3;
            Console.WriteLine($"{Machine.Processor}, {WorkerPool.Threads} threads; {cells:N0} cells");
            foreach ((string name, Sharing sharing) in Ways)
            {
                string folder = Directory.CreateTempSubdirectory("microtome-bench-").FullName;
                TimeSpan processor = Process.GetCurrentProcess().TotalProcessorTime;
                long start = Stopwatch.GetTimestamp();
                IntrospectionRun.Run(settings, loaded, null, folder, sharing, cancellation: cancellation);
                double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds, work = (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalSeconds;
                Console.WriteLine($"{name,-32} {seconds,7:F1} s, {work,7:F1} s of processors, {1000 * work / cells,6:F2} ms a cell");
                Directory.Delete(folder, recursive: true);
            }
        });
        return command;
    }
}
