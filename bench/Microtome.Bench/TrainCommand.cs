using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microtome.Models.Training;
using Microtome.Numerics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Bench;

/// <summary>Times steps of training and says which share of the matrix kernel's rate they reach.</summary>
internal static class TrainCommand
{
    private sealed record Report(
        string Processor, int Threads, long Parameters, int Tokens, double BestSeconds, double MedianSeconds, double Operations, double GigaflopsPerSecond,
        double KernelGigaflopsPerSecond, double Efficiency, double EfficiencyByProcessorTime, double ForwardSeconds, double BackwardSeconds, double OptimizerSeconds);

    public static Command Create()
    {
        Option<int> layers = new("--layers") { DefaultValueFactory = _ => 5 }, width = new("--width") { DefaultValueFactory = _ => 160 };
        Option<int> heads = new("--heads") { DefaultValueFactory = _ => 8 }, shared = new("--kv-heads") { DefaultValueFactory = _ => 4 }, vocabulary = new("--vocabulary") { DefaultValueFactory = _ => 3600 };
        Option<int> tokens = new("--tokens") { Description = "Tokens in a step.", DefaultValueFactory = _ => 4096 };
        Option<int> length = new("--length") { Description = "The mean length of a document.", DefaultValueFactory = _ => 20 };
        Option<int> steps = new("--steps") { DefaultValueFactory = _ => 20 }, threads = new("--threads") { DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<bool> json = new("--json") { Description = "Print JSON instead of text." };
        Command command = new("train", "Time steps of training a language model.") { layers, width, heads, shared, vocabulary, tokens, length, steps, threads, json };
        command.SetAction(result =>
        {
            WorkerPool.Threads = result.GetValue(threads);
            DecoderShape shape = new() { Layers = result.GetValue(layers), Width = result.GetValue(width), Heads = result.GetValue(heads), KeyValueHeads = result.GetValue(shared), Vocabulary = result.GetValue(vocabulary), Context = 512 };
            Report report = Measure(shape, result.GetValue(tokens), result.GetValue(length), result.GetValue(steps));
            if (result.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(report, JsonSerializerOptions.Web));
            else
                Console.WriteLine(FormattableString.Invariant($"""
                    {report.Processor}, {report.Threads} threads; {report.Parameters:#,0} parameters, {report.Tokens} tokens in a step
                    step        {report.BestSeconds * 1e3:0.0} ms best, {report.MedianSeconds * 1e3:0.0} ms median ({report.ForwardSeconds * 1e3:0.0} forward with the unembedding's gradients, {report.BackwardSeconds * 1e3:0.0} backward, {report.OptimizerSeconds * 1e3:0.0} optimizer)
                    operations  {report.Operations / 1e9:0.00} G in matrix products and attention
                    rate        {report.GigaflopsPerSecond:0.0} GFLOP/s of the kernel's {report.KernelGigaflopsPerSecond:0.0}: {report.Efficiency:0.0%}; by processor time, which others' work does not change, {report.EfficiencyByProcessorTime:0.0%}
                    """));
        });
        return command;
    }

    private static Report Measure(DecoderShape shape, int tokens, int length, int steps)
    {
        TrainableDecoder decoder = new(shape, seed: 1);
        AdamW optimizer = new(decoder.Parameters);
        Random random = new(2);
        IReadOnlyList<TrainingDocument>[] batches = [.. Enumerable.Range(0, 4).Select(_ => Documents(random, shape.Vocabulary, tokens, length))];
        Tape tape = new();
        List<(double Total, double Forward, double Backward, double Optimizer)> times = [];
        double kernel = 0, kernelTime = double.MaxValue;
        TimeSpan used = default;
        for (int step = 0; step < steps + 3; step++)
        {
            if (step % 5 == 0)
            {
                kernel = Math.Max(kernel, Machine.ProductRate());
                kernelTime = Math.Min(kernelTime, KernelProcessorTime());
            }
            TimeSpan before = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp();
            decoder.ClearGradients();
            double forward = 0, backward = 0;
            foreach (TrainingBatch part in TrainingBatch.InParts(batches[step % batches.Length]))
            {
                long partStart = Stopwatch.GetTimestamp();
                Variable loss = decoder.Loss(tape, part);
                double middle = Stopwatch.GetElapsedTime(partStart).TotalSeconds;
                tape.Backward(loss);
                forward += middle;
                backward += Stopwatch.GetElapsedTime(partStart).TotalSeconds - middle;
            }
            long beforeOptimizer = Stopwatch.GetTimestamp();
            optimizer.Step(1e-3);
            if (step < 3) continue;
            times.Add((Stopwatch.GetElapsedTime(start).TotalSeconds, forward, backward, Stopwatch.GetElapsedTime(beforeOptimizer).TotalSeconds));
            used += Environment.CpuUsage.TotalTime - before;
        }
        times.Sort();
        double operations = batches.Average(batch => Operations(decoder, new TrainingBatch(batch))), best = times[0].Total;
        return new Report(
            Machine.Processor, WorkerPool.Threads, decoder.ParameterCount, batches[0].Sum(document => document.Rows), best, times[times.Count / 2].Total, operations, operations / best / 1e9, kernel / 1e9, operations / best / kernel, operations * kernelTime / (used.TotalSeconds / times.Count),
            times[0].Forward, times[0].Backward, times[0].Optimizer);
    }

    /// <summary>Six for each weight of a matrix and token (two forward, four backward), twelve for each pair of tokens that attend and column of the heads.</summary>
    private static double Operations(TrainableDecoder decoder, TrainingBatch batch)
    {
        double weights = decoder.Parameters.Where(parameter => parameter.IsMatrix).Sum(parameter => (double)parameter.Value.Length);
        double pairs = batch.Documents.Sum(document => (double)document.Length * (document.Length + 1) / 2);
        int columns = decoder.Specification.Attention.Heads * decoder.Specification.Attention.HeadWidth;
        return 6 * weights * batch.Rows + 12 * pairs * columns * decoder.Specification.Layers.Count;
    }

    /// <summary>Seconds of processor time that one operation of a large product takes.</summary>
    private static double KernelProcessorTime()
    {
        const int Size = 1024, Times = 10;
        Tensor a = Tensor.Uninitialized(Size, Size), b = Tensor.Uninitialized(Size, Size), c = Tensor.Uninitialized(Size, Size);
        a.Span.Fill(1);
        b.Span.Fill(1);
        TimeSpan before = Environment.CpuUsage.TotalTime;
        for (int i = 0; i < Times; i++) MatrixProduct.Multiply(a.AsMatrix(), b.AsMatrix(), c.AsMatrix());
        return (Environment.CpuUsage.TotalTime - before).TotalSeconds / (Times * 2.0 * Size * Size * Size);
    }

    private static List<TrainingDocument> Documents(Random random, int vocabulary, int tokens, int length)
    {
        List<TrainingDocument> documents = [];
        for (int rows = 0; rows < tokens;)
        {
            int own = Math.Min(tokens - rows, Math.Max(1, random.Next(length / 2, length * 3 / 2)));
            documents.Add(new TrainingDocument([.. Enumerable.Range(0, own + 1).Select(_ => random.Next(vocabulary))]));
            rows += own;
        }
        return documents;
    }
}
