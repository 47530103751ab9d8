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
        string Processor, int Threads, int Prompt, int Tokens, double PromptSeconds, double SecondsPerToken, double TokensPerSecond, double OperationsPerToken, double GigaflopsPerSecond,
        long BytesPerToken, double GigabytesPerSecond, double ReadGigabytesPerSecond, double Efficiency, long? PeakBytes);

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
            else Print(report);
        });
        return command;
    }

    private static Report Run(string folder, int count)
    {
        int[] prompt = SyntheticFiles.ReadPrompt(folder);
        using Checkpoint checkpoint = Checkpoint.Open(SyntheticFiles.Model(folder));
        Transformer model = new(checkpoint);
        SamplingOptions options = new() { MaximumTokens = count, IgnoreEndOfText = true };
        // A tied embedding is read whole, as the unembedding; one that is not tied only at the row of the token.
        StoredTensor[] read = [.. checkpoint.Tensors.Values.Where(tensor => model.Specification.TiedUnembedding || tensor.Name != model.Weights.Embedding.Name)];
        long bytes = read.Sum(tensor => tensor.Bytes);

        // Tokens and plain reads take turns because the machine may be noisy.
        List<double> seconds = [], reads = [];
        long start = Stopwatch.GetTimestamp();
        foreach (int _ in Generation.Generate(model, prompt, options))
        {
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            reads.Add(bytes / Machine.ReadRate(read, times: 1));
            start = Stopwatch.GetTimestamp();
        }
        double first = seconds[0], median = Median(seconds.Skip(1)), rate = bytes / median, plain = bytes / Median(reads), operations = 2.0 * read.Sum(tensor => tensor.Length);
        return new Report(
            Machine.Processor, WorkerPool.Threads, prompt.Length, count, first, median, 1 / median, operations, operations * 1e-9 / median, bytes, rate * 1e-9, plain * 1e-9, rate / plain, Machine.PeakBytes);
    }

    private static void Print(Report report)
    {
        Console.WriteLine($"{report.Processor}, {report.Threads} threads; plain reads of the same bytes at {report.ReadGigabytesPerSecond:F1} GB/s");
        Console.WriteLine($"{"",-22}{"seconds",9}{"tokens/s",10}{"GFLOP/s",9}{"GB/s",7}{"efficiency",12}");
        Console.WriteLine($"{$"prompt of {report.Prompt}",-22}{report.PromptSeconds,9:F3}{report.Prompt / report.PromptSeconds,10:F1}");
        Console.WriteLine($"{$"a token, of {report.Tokens}",-22}{report.SecondsPerToken,9:F4}{report.TokensPerSecond,10:F1}{report.GigaflopsPerSecond,9:F1}{report.GigabytesPerSecond,7:F1}{report.Efficiency,12:F2}");
        Console.WriteLine($"{report.BytesPerToken * 1e-9:F2} GB and {report.OperationsPerToken * 1e-9:F2} GFLOP a token, peak memory {report.PeakBytes * 1e-9:F2} GB");
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
