using System.CommandLine;
using System.Diagnostics;
using Microtome.Dictionaries.Training;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Times steps of training a dictionary, with products over active latents only and with dense ones.</summary>
internal static class TrainDictionaryCommand
{
    public static Command Create()
    {
        Option<int> width = new("--width") { DefaultValueFactory = _ => 128 }, latents = new("--features") { DefaultValueFactory = _ => 2048 };
        Option<int> k = new("--k") { DefaultValueFactory = _ => 16 }, tokens = new("--tokens") { Description = "Tokens in a step.", DefaultValueFactory = _ => 1024 };
        Option<int> steps = new("--steps") { DefaultValueFactory = _ => 20 }, threads = new("--threads") { DefaultValueFactory = _ => Environment.ProcessorCount };
        Command command = new("train-dictionary", "Time steps of training a dictionary.") { width, latents, k, tokens, steps, threads };
        command.SetAction(result =>
        {
            WorkerPool.Threads = result.GetValue(threads);
            Console.WriteLine($"{"",-12}{"step, ms",10}{"tokens a second",18}");
            foreach (DictionaryActivation activation in Enum.GetValues<DictionaryActivation>())
            {
                double seconds = Measure(activation, result.GetValue(width), result.GetValue(latents), result.GetValue(k), result.GetValue(tokens), result.GetValue(steps));
                Console.WriteLine(FormattableString.Invariant($"{activation,-12}{seconds * 1e3,10:0.0}{result.GetValue(tokens) / seconds,18:#,0}"));
            }
        });
        return command;
    }

    /// <summary>The best time of a step.</summary>
    private static double Measure(DictionaryActivation activation, int width, int latents, int k, int tokens, int steps)
    {
        TrainableDictionary dictionary = new("bench", new DictionaryOptions { Activation = activation, Latents = latents, K = k, Sparsity = 1 }, [width], [width]);
        Random random = new(1);
        Tensor rows = new(tokens, width);
        foreach (ref float value in rows.Span) value = random.NextSingle() - 0.5f;
        Matrix[] batch = [rows.AsMatrix()];
        dictionary.Start(batch, batch);
        double best = double.MaxValue;
        for (int step = 1; step <= steps; step++)
        {
            long start = Stopwatch.GetTimestamp();
            dictionary.AddGradients(batch, batch);
            dictionary.Step(1e-3, step);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }
}
