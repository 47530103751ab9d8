using System.CommandLine;
using System.Diagnostics;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Times steered generation against unsteered, token by token in turn, and counts what steering allocates.</summary>
internal static class SteerCommand
{
    public static Command Create()
    {
        Argument<DirectoryInfo> folder = new("DIR") { Description = "A checkpoint's folder." };
        Option<int> tokens = new("--tokens") { Description = "Tokens to generate.", DefaultValueFactory = _ => 200 };
        Option<int> threads = new("--threads") { Description = "Threads to use.", DefaultValueFactory = _ => Environment.ProcessorCount };
        Command command = new("steer", "Time steered generation against unsteered.") { folder, tokens, threads };
        command.SetAction(result =>
        {
            WorkerPool.Threads = result.GetValue(threads);
            using Checkpoint checkpoint = Checkpoint.Open(result.GetRequiredValue(folder).FullName);
            Transformer model = new(checkpoint);
            int layers = model.Specification.Layers.Count;
            float[] direction = RandomVectors.Make(model.Specification.ModelWidth, [KeyValuePair.Create(0, 0.01f)], 1)[0];
            int[] all = [.. Enumerable.Range(0, layers)];
            (string Name, SteeringEdit[] Edits)[] steerings =
            [
                ("a vector at one layer", [new Addition(layers / 2, direction, 1, PositionRange.AllButFirst)]),
                ("a vector at every layer", [.. all.Select(layer => new Addition(layer, direction, 1, PositionRange.AllButFirst))]),
                ("a share of the stream at every layer", [.. all.Select(layer => new Addition(layer, direction, 0.01f, PositionRange.AllButFirst, SteeringUnit.Share))]),
                ("a direction ablated everywhere", [new Ablation(all, Embedding: true, direction, PositionRange.AllButFirst)]),
            ];
            Console.WriteLine($"{Machine.Processor}, {WorkerPool.Threads} threads");
            foreach ((string name, SteeringEdit[] edits) in steerings) Run(model, name, new Steering(edits).Hooks(model.Specification), result.GetValue(tokens));
        });
        return command;
    }

    private static void Run(Transformer model, string name, ForwardHooks steering, int count)
    {
        int[] prompt = [.. Enumerable.Range(1, 8)];
        SamplingOptions options = new() { MaximumTokens = Math.Min(count, model.Specification.ContextLength - prompt.Length - 1), IgnoreEndOfText = true };
        ForwardHooks?[] hooks = [null, steering];
        List<double>[] seconds = [[], []];
        long[] allocated = [0, 0];
        IEnumerator<int>[] running = [.. hooks.Select(one => Generation.Generate(model, prompt, options, one is null ? null : _ => one).GetEnumerator())];
        for (int token = 0; token < options.MaximumTokens; token++)
            for (int turn = 0; turn < 2; turn++)
            {
                int which = (token + turn) % 2; // who goes first changes
                long bytes = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
                running[which].MoveNext();
                if (token < 4) continue; // the prompt, and code that is compiled
                seconds[which].Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
                allocated[which] += GC.GetAllocatedBytesForCurrentThread() - bytes;
            }
        double plain = Median(seconds[0]), steered = Median(seconds[1]);
        double[] ratios = [.. seconds[0].Zip(seconds[1], (x, y) => y / x).Order()];
        Console.WriteLine(FormattableString.Invariant(
            $"{name}: {plain * 1e6:F0} us a token plain, {steered * 1e6:F0} us steered, {100 * (steered / plain - 1):+0.0;-0.0} % (median of pairs {100 * (ratios[ratios.Length / 2] - 1):+0.0;-0.0} %); {(allocated[1] - allocated[0]) / (double)seconds[0].Count:F0} bytes more allocated a token"));
    }

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
