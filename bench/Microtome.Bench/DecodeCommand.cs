using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Times the generation of tokens one at a time, which can be no faster than reading the weights.</summary>
internal static class DecodeCommand
{
    private sealed record Report(
        string Processor, int Threads, int Prompt, int Tokens, double PromptSeconds, double SecondsPerToken, double TokensPerSecond,
        long BytesPerToken, double GigabytesPerSecond, double ReadGigabytesPerSecond, double ShareOfReadRate);

    public static Command Create()
    {
        Argument<DirectoryInfo> folder = new("DIR") { Description = "What synth wrote." };
        Option<int> tokens = new("--tokens") { Description = "Tokens to generate.", DefaultValueFactory = _ => 32 };
        Option<int> threads = new("--threads") { Description = "Threads to use.", DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<bool> json = new("--json") { Description = "Print one JSON record." };
        Command command = new("decode", "Time the generation of tokens.") { folder, tokens, threads, json };
        command.SetAction(result =>
        {
            WorkerPool.Threads = result.GetValue(threads);
            Report report = Run(result.GetRequiredValue(folder).FullName, Math.Max(2, result.GetValue(tokens)));
            if (result.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(report, JsonSerializerOptions.Web));
            else
                Console.WriteLine(
                    $"{report.Processor}, {report.Threads} threads: prompt of {report.Prompt} in {report.PromptSeconds:F3} s, then {report.TokensPerSecond:F1} tokens/s, reading " +
                    $"{report.BytesPerToken * 1e-9:F2} GB a token at {report.GigabytesPerSecond:F1} GB/s: {report.ShareOfReadRate:P0} of the {report.ReadGigabytesPerSecond:F1} GB/s of a plain read of the same bytes");
        });
        return command;
    }

    private static Report Run(string folder, int count)
    {
        int[] prompt = SyntheticFiles.ReadPrompt(folder);
        using Checkpoint checkpoint = Checkpoint.Open(SyntheticFiles.Model(folder));
        Transformer model = new(checkpoint);
        SamplingOptions options = new() { MaximumTokens = count, IgnoreEndOfText = true };
        List<double> seconds = [];
        long start = Stopwatch.GetTimestamp();
        foreach (int _ in Generation.Generate(model, prompt, options))
        {
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            start = Stopwatch.GetTimestamp();
        }
        double first = seconds[0], median = seconds.Skip(1).Order().ElementAt((seconds.Count - 1) / 2);

        // A tied embedding is read whole, as the unembedding; one that is not tied only at the row of the token.
        long bytes = checkpoint.Tensors.Values.Sum(tensor => tensor.Bytes);
        if (!model.Specification.TiedUnembedding) bytes -= model.Weights.Embedding.Bytes;
        double rate = bytes / median, plain = Machine.ReadRate([.. checkpoint.Tensors.Values.Where(tensor => model.Specification.TiedUnembedding || tensor.Name != model.Weights.Embedding.Name)]);
        return new Report(Machine.Processor, WorkerPool.Threads, prompt.Length, count, first, median, 1 / median, bytes, rate * 1e-9, plain * 1e-9, rate / plain);
    }
}
