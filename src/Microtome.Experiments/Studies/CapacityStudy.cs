using System.Text.Json;
using System.Text.Json.Serialization;
using Microtome.Models;
using Microtome.Models.SmallWorld;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>
/// Which tasks a decoder of limited capacity learns, and when: trains decoders of two layers with few to many heads on mixtures of list tasks. Each
/// finished decoder is a line in a file, so that a study that was interrupted goes on.
/// </summary>
public sealed class CapacityStudy(string folder, CapacityOptions options)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Converters = { new JsonStringEnumConverter<ListOperation>(JsonNamingPolicy.KebabCaseLower) } };
    private readonly string _path = Path.Combine(folder, "capacity.jsonl");

    public CapacityOptions Options => options;

    /// <summary>Trains what is not in the file yet; decoders are trained at the same time, one a thread.</summary>
    /// <param name="progress">Told how many of how many are done.</param>
    /// <returns>All results, in the order of the options.</returns>
    /// <exception cref="InvalidDataException">The file holds what is not a result.</exception>
    public IReadOnlyList<CapacityResult> Run(Action<int, int>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        List<CapacityResult> results = Read();
        (TaskMixture Mixture, int Heads, int Seed)[] all =
        [
            .. from mixture in options.Mixtures from heads in options.Heads from seed in Enumerable.Range(0, options.Seeds) select (mixture, heads, seed),
        ];
        // The largest first, so that no thread is left with one at the end.
        (TaskMixture Mixture, int Heads, int Seed)[] missing = [.. all.Where(run => Find(run.Mixture, run.Heads, run.Seed) is null).OrderByDescending(run => run.Heads)];
        Lock gate = new();
        int done = all.Length - missing.Length;
        progress?.Invoke(done, all.Length);
        WorkerPool.For(missing.Length, i =>
        {
            CapacityResult result = CapacityRun.Train(options, missing[i].Mixture, missing[i].Heads, missing[i].Seed, cancellation);
            lock (gate)
            {
                results.Add(result);
                Append(result);
                progress?.Invoke(++done, all.Length);
            }
        });
        return [.. all.Select(run => Find(run.Mixture, run.Heads, run.Seed)!)];

        CapacityResult? Find(TaskMixture mixture, int heads, int seed) =>
            results.Find(result => result.Mixture == mixture.Name && result.Heads == heads && result.Seed == seed && result.Steps == options.Steps
                && result.Measurements.Any(measurement => measurement.Step == options.MeasureEvery));
    }

    private List<CapacityResult> Read()
    {
        if (!File.Exists(_path)) return [];
        List<CapacityResult> results = [];
        string[] lines = File.ReadAllLines(_path);
        for (int i = 0; i < lines.Length; i++)
        {
            try
            {
                if (JsonSerializer.Deserialize<CapacityResult>(lines[i], Json) is not { Mixture: not null, Measurements: not null } result || result.Measurements.Any(measurement => measurement.ExactByLength is not { Count: > 0 }))
                    throw new JsonException("a member is missing");
                results.Add(result);
            }
            catch (JsonException) when (i == lines.Length - 1)
            {
                // The last line was being written when the study was stopped; it is written anew.
            }
            catch (JsonException exception)
            {
                throw new InvalidDataException($"{_path}, line {i + 1} is not a result of this study: {exception.Message} Remove the line to train that decoder again.", exception);
            }
        }
        AtomicFile.Write(_path, stream =>
        {
            foreach (CapacityResult result in results) WriteLine(stream, result);
        });
        return results;
    }

    private void Append(CapacityResult result)
    {
        Directory.CreateDirectory(folder);
        using FileStream stream = new(_path, FileMode.Append, FileAccess.Write);
        WriteLine(stream, result);
    }

    private static void WriteLine(Stream stream, CapacityResult result)
    {
        JsonSerializer.Serialize(stream, result, Json);
        stream.Write("\n"u8);
    }
}
