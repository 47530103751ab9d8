using System.Reflection;
using Microsoft.Data.Sqlite;
using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>How much an index collects.</summary>
public sealed record IndexOptions
{
    /// <summary>How many tokens are counted, the first of each context left out; fewer where the texts end before.</summary>
    public long Tokens { get; init; } = 200_000;

    /// <summary>The contexts with the strongest activations that are kept of each feature.</summary>
    public int Strongest { get; init; } = 16;

    /// <summary>The sampled contexts that are kept of each step of √2 in a feature's range.</summary>
    public int Samples { get; init; } = 4;

    /// <summary>Tokens that an example shows before its peak.</summary>
    public int Before { get; init; } = 32;

    /// <summary>Tokens that it shows after it.</summary>
    public int After { get; init; } = 12;

    /// <summary>How many tokens that a feature promotes are kept, and as many that it suppresses.</summary>
    public int Promoted { get; init; } = 10;

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        if (Tokens < 1) throw new ArgumentException($"The number of tokens is {Tokens}; it must be at least 1.");
        if (Strongest is < 1 or > 1000) throw new ArgumentException($"The number of examples is {Strongest}; it must be from 1 to 1000.");
        if (Samples is < 0 or > 1000) throw new ArgumentException($"The number of samples is {Samples}; it must be from 0 to 1000.");
        if (Before is < 0 or > 10_000 || After is < 0 or > 10_000) throw new ArgumentException($"The window is {Before} tokens before and {After} after the peak; both must be from 0 to 10000.");
        if (Promoted is < 0 or > 1000) throw new ArgumentException($"The number of promoted tokens is {Promoted}; it must be from 0 to 1000.");
    }
}

/// <param name="Phase">What is being done.</param>
/// <param name="Fraction">Of the phase, from 0 to 1.</param>
public readonly record struct IndexingProgress(string Phase, double Fraction);

/// <summary>
/// Runs texts through a model and collects what each of a dictionary's features is active on. The file is saved now and then, and when it is
/// cancelled; work on it goes on from there, and goes on with more tokens later. The result does not depend on where it was cut, but for the last bits
/// where a matrix unit computes batches of other sizes (<see cref="Numerics.MatrixProduct"/>).
/// </summary>
public static class FeatureIndexer
{
    private const int RowsTogether = 2048;
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(30);

    /// <param name="contextLength">The length of the source's contexts.</param>
    /// <param name="path">The index's file; one that was made from the same goes on.</param>
    /// <exception cref="InvalidDataException">The file is something else, or was made from something else; the message says what differs.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; what was done is saved.</exception>
    public static void Run(LoadedModel model, DictionaryFeatures dictionary, ContextSource source, int contextLength, string path, IndexOptions options, IProgress<IndexingProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        int[] features = new int[model.Specification.Layers.Count];
        foreach (FeatureLayer layer in dictionary.Layers) features[layer.Layer] = layer.Features;
        IndexDescription description = new()
        {
            Model = model.Name,
            Dictionary = dictionary.Name,
            DictionaryHash = dictionary.Hash(),
            Source = source.Name,
            Features = features,
            ContextLength = contextLength,
            Strongest = options.Strongest,
            Samples = options.Samples,
            Before = options.Before,
            After = options.After,
            Version = typeof(FeatureIndexer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "",
        };
        using IndexFile file = IndexFile.OpenOrCreate(path, description);
        FeatureCollector collector = new(dictionary, description);
        file.Guarded(() => IndexStorage.Load(file, dictionary, collector));
        IndexProgress done = Collect(model, source, file, collector, options.Tokens, progress, cancellation);
        if (done.Tokens == 0) throw new ArgumentException($"{source.Name} has no tokens to index.");
        WriteEffects(model, dictionary, collector, file, options.Promoted, progress, cancellation);
    }

    private static IndexProgress Collect(LoadedModel model, ContextSource source, IndexFile file, FeatureCollector collector, long tokens, IProgress<IndexingProgress>? progress, CancellationToken cancellation)
    {
        IndexProgress done = file.Progress, saved = done;
        long lastSave = Environment.TickCount64;
        void Save()
        {
            if (saved == done) return;
            file.Guarded(() => IndexStorage.Save(file, collector, done, model.Prompts.TextOf));
            saved = done;
            lastSave = Environment.TickCount64;
        }
        try
        {
            List<TokenContext> batch = [];
            int rows = 0;
            void RunBatch()
            {
                done = new IndexProgress(batch[^1].Id + 1, done.Tokens + collector.Add(model.Transformer, batch, cancellation), batch[^1].Document);
                progress?.Report(new IndexingProgress("reading texts", Math.Min(1, (double)done.Tokens / tokens)));
                batch.Clear();
                rows = 0;
                if (Environment.TickCount64 - lastSave > SaveEvery.TotalMilliseconds) Save();
            }
            long planned = done.Tokens;
            if (planned < tokens)
                foreach (TokenContext context in source.Read(done.Contexts))
                {
                    cancellation.ThrowIfCancellationRequested();
                    if (context.Tokens.Length < 2) continue;
                    batch.Add(context);
                    rows += context.Tokens.Length;
                    planned += context.Tokens.Length - 1;
                    if (rows >= RowsTogether) RunBatch();
                    if (planned >= tokens) break;
                }
            if (batch.Count > 0) RunBatch();
        }
        catch (OperationCanceledException)
        {
            Save();
            throw;
        }
        Save();
        return done;
    }

    /// <summary>Computes what the features that were active promote and suppress, those left out that have it already.</summary>
    private static void WriteEffects(LoadedModel model, DictionaryFeatures dictionary, FeatureCollector collector, IndexFile file, int count, IProgress<IndexingProgress>? progress, CancellationToken cancellation)
    {
        if (count == 0 || dictionary.Width != model.Specification.ModelWidth) return; // what does not write to the stream has no direct effect
        DirectEffects effects = new(model.Transformer);
        int together = Math.Clamp((1 << 24) / model.Specification.VocabularySize, 1, 256);
        long total = collector.Layers.Sum(layer => (long)layer.Count), finished = 0;
        for (int i = 0; i < dictionary.Layers.Count; i++)
        {
            FeatureLayer layer = dictionary.Layers[i];
            HashSet<int> known = file.Guarded(() => IndexStorage.FeaturesWithEffects(file, layer.Layer));
            int[] wanted = [.. collector.Layers[i].Keys.Where(feature => !known.Contains(feature)).Order()];
            finished += known.Count;
            foreach (int[] chunk in wanted.Chunk(together))
            {
                cancellation.ThrowIfCancellationRequested();
                Numerics.Tensor directions = new(together, dictionary.Width); // always as many, so that the bits do not depend on where work was cut
                for (int row = 0; row < chunk.Length; row++) layer.Direction(chunk[row], directions.Row(row));
                Numerics.Tensor all = effects.Of(directions);
                file.Guarded(() =>
                {
                    using SqliteTransaction transaction = file.BeginTransaction();
                    for (int row = 0; row < chunk.Length; row++)
                    {
                        (IReadOnlyList<(int, float)> promoted, IReadOnlyList<(int, float)> suppressed) = DirectEffects.Extremes(all.Row(row), count);
                        IndexStorage.WriteEffects(file, layer.Layer, chunk[row], promoted, suppressed, model.Prompts.TextOf);
                    }
                    transaction.Commit();
                    return true;
                });
                finished += chunk.Length;
                progress?.Report(new IndexingProgress("promoted tokens", (double)finished / Math.Max(1, total)));
            }
        }
    }
}
