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
        double GigaflopsPerSecond, double GigabytesPerSecond, double ReadGigabytesPerSecond);

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
            else
                Console.WriteLine(
                    $"{report.Processor}, {report.Threads} threads: {report.Layers} layers of {report.Features} features, {report.Tokens} tokens, {report.Active} active: {report.FirstSeconds:F3} s at first, then " +
                    $"{report.MedianSeconds:F3} s, {report.GigaflopsPerSecond:F0} GFLOP/s, {report.GigabytesPerSecond:F1} GB/s of {report.ReadGigabytesPerSecond:F1} GB/s of a plain read");
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
        return new Report(
            Machine.Processor, WorkerPool.Threads, inputs.Length, transcoders.Layers[0].Features, tokens.Length, active, seconds[0], median,
            2e-9 * elements * tokens.Length / median, 1e-9 * bytes / median, Machine.ReadRate() * 1e-9);
    }
}
