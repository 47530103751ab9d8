using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Times finding the active features of every layer, which reads all encoders once.</summary>
internal static class EncodeCommand
{
    private sealed record Report(
        string Processor, int Threads, int Layers, int Features, int Tokens, int Active, double FirstSeconds, double MedianSeconds,
        double Operations, double GigaflopsPerSecond, double GigabytesPerSecond, double ProductGigaflopsPerSecond, double ReadGigabytesPerSecond, double Efficiency, long? PeakBytes);

    public static Command Create()
    {
        Argument<DirectoryInfo> folder = new("DIR") { Description = "What synth wrote." };
        Option<int> runs = new("--runs") { Description = "How often to run.", DefaultValueFactory = _ => 5 };
        Option<int> threads = new("--threads") { Description = "Threads to use.", DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<bool> json = new("--json") { Description = "Print one JSON record." };
        Command command = new("encode", "Time transcoders' encoders.") { folder, runs, threads, json };
        command.SetAction(result =>
        {
            WorkerPool.Threads = result.GetValue(threads);
            Report report = Run(result.GetRequiredValue(folder).FullName, Math.Max(1, result.GetValue(runs)));
            if (result.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(report, JsonSerializerOptions.Web));
            else Print(report);
        });
        return command;
    }

    private static Report Run(string folder, int runs)
    {
        int[] tokens = SyntheticFiles.ReadPrompt(folder);
        using Checkpoint checkpoint = Checkpoint.Open(SyntheticFiles.Model(folder));
        using TranscoderSet transcoders = TranscoderReader.Open(SyntheticFiles.Transcoders(folder));
        Tensor[] inputs = new Tensor[transcoders.Layers.Count];
        ForwardHooks hooks = new();
        for (int layer = 0; layer < inputs.Length; layer++) hooks.Add(transcoders.Input, layer, (x, at) => inputs[at.Layer] = x.Clone());
        new Transformer(checkpoint).Forward(tokens, hooks, logits: LogitRows.None);

        List<double> seconds = [];
        int active = 0;
        for (int run = 0; run < runs; run++)
        {
            long start = Stopwatch.GetTimestamp();
            active = transcoders.Layers.Sum(layer => layer.EncodeSparse(inputs[layer.Layer].AsMatrix()).Count);
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        double median = seconds.Order().ElementAt(seconds.Count / 2);
        double elements = transcoders.Layers.Sum(layer => (double)layer.Encoder.Rows * layer.Encoder.Columns);
        double bytes = transcoders.Layers.Sum(layer => (double)layer.Encoder.Rows * layer.Encoder.Columns * layer.Encoder.Type.Size());
        double operations = 2 * elements * tokens.Length;
        long? peak = Machine.PeakBytes;
        double product = Machine.ProductRate(), read = Machine.ReadRate();
        return new Report(
            Machine.Processor, WorkerPool.Threads, inputs.Length, transcoders.Layers[0].Features, tokens.Length, active, seconds[0], median,
            operations, 1e-9 * operations / median, 1e-9 * bytes / median, 1e-9 * product, 1e-9 * read, Math.Max(operations / product, bytes / read) / median, peak);
    }

    private static void Print(Report report)
    {
        Console.WriteLine($"{report.Processor}, {report.Threads} threads, large products at {report.ProductGigaflopsPerSecond:F0} GFLOP/s, plain reads at {report.ReadGigabytesPerSecond:F1} GB/s");
        Console.WriteLine($"{report.Layers} layers of {report.Features} features, {report.Tokens} tokens, {report.Active} active");
        Console.WriteLine($"{"",-10}{"seconds",9}{"GFLOP/s",9}{"GB/s",7}{"efficiency",12}");
        Console.WriteLine($"{"first run",-10}{report.FirstSeconds,9:F3}");
        Console.WriteLine($"{"median",-10}{report.MedianSeconds,9:F3}{report.GigaflopsPerSecond,9:F0}{report.GigabytesPerSecond,7:F1}{report.Efficiency,12:F2}");
        Console.WriteLine($"floor {report.Operations * 1e-9:F1} GFLOP or one read of the encoders, whichever takes longer; peak memory {report.PeakBytes * 1e-9:F2} GB");
    }
}
