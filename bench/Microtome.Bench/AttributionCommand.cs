using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Times an attribution on synthesised files, phase by phase, against the arithmetic that it cannot do without.</summary>
internal static class AttributionCommand
{
    internal sealed record Seconds(double Open, double Forward, double Features, double Targets, double Rows, double Package, double Prune)
    {
        public double Total => Open + Forward + Features + Targets + Rows + Package + Prune;
    }

    internal sealed record Report(
        string Processor, int Threads, string Model, int Layers, int Tokens, int ActiveFeatures, int FeatureRows, int TargetRows, int Sources, Seconds FirstRun, Seconds MedianRun,
        double FloorGigaflops, double ProjectionGigaflops, double ProductGigaflopsPerSecond, double Efficiency, double FeatureRowEfficiency,
        long WeightBytes, long? PeakBytes, int PrunedNodes, int PrunedEdges);

    public static Command Create()
    {
        Argument<DirectoryInfo> folder = new("DIR") { Description = "What synth wrote." };
        Option<int?> tokens = new("--tokens") { Description = "Use only so many of the prompt's tokens." };
        Option<int?> features = new("--features") { Description = "Feature rows to compute; 0 for all.", DefaultValueFactory = _ => 512 };
        Option<int> logits = new("--logits") { Description = "Next tokens to explain.", DefaultValueFactory = _ => 10 };
        Option<int?> batch = new("--batch") { Description = "The most rows to compute together." };
        Option<int> threads = new("--threads") { Description = "Threads to use.", DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<string?> dtype = new("--dtype") { Description = "The type that the weights must have been written with: f32 or bf16." };
        dtype.AcceptOnlyFromAmong("f32", "bf16");
        Option<int> runs = new("--runs") { Description = "How often to run; the median is reported beside the first.", DefaultValueFactory = _ => 1 };
        Option<bool> json = new("--json") { Description = "Print one JSON record instead of a table." };
        Command command = new("attribution", "Time an attribution graph, end to end.") { folder, tokens, features, logits, batch, threads, dtype, runs, json };
        command.SetAction(result =>
        {
            WorkerPool.Threads = result.GetValue(threads);
            AttributionOptions options = new() { MaximumTargets = result.GetValue(logits), TargetProbability = 1, MaximumFeatures = result.GetValue(features) is > 0 and { } count ? count : null };
            if (result.GetValue(batch) is { } size) options = options with { BatchSize = size };
            string files = result.GetRequiredValue(folder).FullName;
            if (result.GetValue(dtype) is { } type) CheckType(files, type);
            Report report = Run(files, result.GetValue(tokens), options, result.GetValue(runs));
            if (result.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(report, JsonSerializerOptions.Web));
            else Print(report);
        });
        return command;
    }

    /// <exception cref="ArgumentException">The weights are stored otherwise.</exception>
    private static void CheckType(string folder, string type)
    {
        using Checkpoint checkpoint = Checkpoint.Open(SyntheticFiles.Model(folder));
        string stored = checkpoint.Tensors.Values.First().Type.ToString().ToLowerInvariant();
        if (stored != type) throw new ArgumentException($"{folder} holds weights in {stored}, not {type}: write them with synth --dtype {type}.");
    }

    internal static Report Run(string folder, int? length, AttributionOptions options, int runs)
    {
        int[] tokens = SyntheticFiles.ReadPrompt(folder);
        if (length is { } count) tokens = tokens[..Math.Clamp(count, 1, tokens.Length)];
        List<Seconds> times = [];
        for (int run = 0; ; run++)
        {
            long start = Stopwatch.GetTimestamp();
            using Checkpoint checkpoint = Checkpoint.Open(SyntheticFiles.Model(folder));
            using TranscoderSet transcoders = TranscoderReader.Open(SyntheticFiles.Transcoders(folder));
            ReplacementModel model = new(new Transformer(checkpoint), transcoders);
            double opened = Stopwatch.GetElapsedTime(start).TotalSeconds;

            PhaseClock clock = new();
            AttributionGraph graph = Attributor.Attribute(model, tokens, options, token => $"t{token}", clock);
            double packaged = clock.Elapsed;
            PrunedGraph pruned = PrunedGraph.Prune(graph);
            times.Add(new Seconds(opened, clock.Of(AttributionPhase.Forward), clock.Of(AttributionPhase.Features), clock.Of(AttributionPhase.Targets), clock.Of(AttributionPhase.Rows), packaged - clock.Last, clock.Elapsed - packaged));
            if (run + 1 < runs) continue;

            long? peak = Machine.PeakBytes;
            AttributionFloor floor = AttributionFloor.Of(model.Specification, graph, transcoders.IsCrossLayer);
            AttributionFloor featureFloor = AttributionFloor.Of(model.Specification, graph, transcoders.IsCrossLayer, withTargets: false);
            double rate = Machine.ProductRate();
            Seconds median = Median(times);
            return new Report(
                Machine.Processor, WorkerPool.Threads, model.Specification.Family, graph.Layers, tokens.Length, graph.ActiveFeatures.Count, graph.FeatureCount, graph.Targets.Count,
                graph.ActiveFeatures.Count + (graph.Layers + 1) * tokens.Length, times[0], median, floor.Total * 1e-9, floor.Projections * 1e-9, rate * 1e-9,
                floor.Total / rate / median.Total, featureFloor.Total / rate / median.Rows,
                WeightBytes(folder), peak, pruned.Nodes.Count(kept => kept), pruned.Edges.Count);
        }
    }

    private static Seconds Median(List<Seconds> times)
    {
        double Of(Func<Seconds, double> part) => times.Select(part).Order().ElementAt((times.Count - 1) / 2);
        return new Seconds(Of(t => t.Open), Of(t => t.Forward), Of(t => t.Features), Of(t => t.Targets), Of(t => t.Rows), Of(t => t.Package), Of(t => t.Prune));
    }

    /// <summary>The size of all weights, files that are linked counted once.</summary>
    private static long WeightBytes(string folder) =>
        Directory.EnumerateFiles(folder, "*.safetensors", SearchOption.AllDirectories).Select(path => new FileInfo(path)).Where(file => file.LinkTarget is null).Sum(file => file.Length);

    private static void Print(Report report)
    {
        Console.WriteLine($"{report.Processor}, {report.Threads} threads, large products at {report.ProductGigaflopsPerSecond:F0} GFLOP/s");
        Console.WriteLine($"{report.Model}, {report.Layers} layers, {report.Tokens} tokens, {report.ActiveFeatures} active features; {report.FeatureRows} + {report.TargetRows} rows of {report.Sources} sources; pruned to {report.PrunedNodes} nodes, {report.PrunedEdges} edges");
        Console.WriteLine($"{"seconds",-14}{"first run",10}{"median",10}");
        foreach ((string name, Func<Seconds, double> part) in new (string, Func<Seconds, double>)[]
            {
                ("open", t => t.Open), ("forward", t => t.Forward), ("features", t => t.Features), ("target rows", t => t.Targets), ("feature rows", t => t.Rows),
                ("package", t => t.Package), ("prune", t => t.Prune), ("total", t => t.Total),
            })
            Console.WriteLine($"{name,-14}{part(report.FirstRun),10:F3}{part(report.MedianRun),10:F3}");
        Console.WriteLine($"floor {report.FloorGigaflops:F0} GFLOP (projections {report.ProjectionGigaflops:F0}): efficiency {report.Efficiency:F2} of all, {report.FeatureRowEfficiency:F2} of the feature rows");
        Console.WriteLine($"weights {report.WeightBytes * 1e-9:F2} GB, peak memory {report.PeakBytes * 1e-9:F2} GB");
    }

    /// <summary>Notes when phases begin.</summary>
    private sealed class PhaseClock : IProgress<AttributionProgress>
    {
        private readonly long _start = Stopwatch.GetTimestamp();
        private readonly double[] _seconds = new double[Enum.GetValues<AttributionPhase>().Length];
        private AttributionPhase _phase;

        /// <summary>When the last report came.</summary>
        public double Last { get; private set; }

        public double Elapsed => Stopwatch.GetElapsedTime(_start).TotalSeconds;

        public double Of(AttributionPhase phase) => _seconds[(int)phase];

        public void Report(AttributionProgress value)
        {
            double now = Elapsed;
            _seconds[(int)_phase] += now - Last;
            (_phase, Last) = (value.Phase, now);
        }
    }
}
