using System.Globalization;
using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>Collects activations into files: shards of mixed tokens in bfloat16, a tensor for each hook, and a manifest that is written after each.</summary>
public static class ActivationHarvest
{
    /// <summary>Collects, or goes on where a folder is not complete. Shards that are missing or corrupted are made anew.</summary>
    /// <param name="texts">As in <see cref="LiveActivations"/>.</param>
    /// <param name="progress">Told of tokens collected, those found in the folder included.</param>
    /// <param name="repaired">Told of each shard that is made anew, and why.</param>
    /// <exception cref="InvalidDataException">The folder was made from something else; the message says what differs.</exception>
    /// <exception cref="IOException">The disk is full: what was finished stays, and the same command goes on from there.</exception>
    public static HarvestManifest Run(string folder, LoadedModel model, IReadOnlyList<ActivationSite> sites, ContextSource texts, long tokens, int shardTokens, int seed,
        Action<long>? progress = null, Action<string>? repaired = null, CancellationToken cancellation = default)
    {
        if (tokens < 1) throw new ArgumentException($"There are {tokens} tokens to collect; give 1 or more.");
        // Shards of equal size, so that each holds whole batches.
        long count = (tokens + shardTokens - 1) / shardTokens;
        int size = (int)((tokens + count - 1) / count);
        HarvestManifest wanted = new()
        {
            Model = ActivationSource.NameOf(model),
            Source = texts.Name,
            Seed = seed,
            Tokens = size * count,
            ShardTokens = size,
            Sites = [.. sites.Select(site => (site.Name, model.Specification.WidthAt(site.Point)!.Value))],
        };
        HarvestManifest manifest = wanted;
        if (HarvestManifest.Exists(folder))
        {
            manifest = HarvestManifest.Load(folder);
            CheckSame(folder, manifest, wanted);
        }
        Directory.CreateDirectory(folder);
        using LiveActivations source = new(model, sites, texts.Name, first => texts.Read(first).Select(context => context.Tokens), size, seed);

        for (int i = 0; i < manifest.Shards.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            ActivationShard shard = manifest.Shards[i];
            if (HarvestManifest.Fault(folder, shard) is { } fault)
            {
                repaired?.Invoke($"{Path.Combine(folder, shard.File)} {fault}; it is made anew");
                List<ActivationShard> shards = [.. manifest.Shards];
                shards[i] = Write(folder, source, wanted, i, shard.Start, cancellation);
                manifest = manifest with { Shards = shards };
                manifest.Save(folder);
            }
            progress?.Invoke(manifest.Shards.Take(i + 1).Sum(done => (long)done.Tokens));
        }
        while (!manifest.IsComplete)
        {
            long start = manifest.Shards.Count == 0 ? 0 : manifest.Shards[^1].Next;
            manifest = manifest with { Shards = [.. manifest.Shards, Write(folder, source, wanted, manifest.Shards.Count, start, cancellation)] };
            manifest.Save(folder);
            progress?.Invoke(manifest.Done);
        }
        return manifest;
    }

    private static ActivationShard Write(string folder, LiveActivations source, HarvestManifest manifest, int index, long start, CancellationToken cancellation)
    {
        ActivationChunk chunk = source.Read(start, cancellation);
        string name = string.Create(CultureInfo.InvariantCulture, $"shard-{index:D5}.safetensors"), path = Path.Combine(folder, name);
        SafetensorsWriter writer = new();
        for (int i = 0; i < chunk.Sites.Count; i++) Matrices.Add(writer, manifest.Sites[i].Hook, chunk.Sites[i].AsMatrix(), ElementType.BF16);
        try
        {
            writer.Save(path, cancellation);
        }
        catch (IOException exception)
        {
            throw new IOException($"{path} cannot be written: {exception.Message} The {index} files before it are finished and stay; the same command goes on from there.", exception);
        }
        return new ActivationShard(name, chunk.Tokens, new FileInfo(path).Length, HarvestManifest.HashOf(path), start, chunk.Next);
    }

    private static void CheckSame(string folder, HarvestManifest there, HarvestManifest wanted)
    {
        string? difference =
            there.Model != wanted.Model ? $"of the model {there.Model}, not {wanted.Model}"
            : there.Source != wanted.Source ? $"from {there.Source}, not {wanted.Source}"
            : there.Seed != wanted.Seed ? $"with the seed {there.Seed}, not {wanted.Seed}"
            : there.ShardTokens != wanted.ShardTokens || there.Tokens != wanted.Tokens ? $"of {there.Tokens} tokens in files of {there.ShardTokens}, not {wanted.Tokens} in files of {wanted.ShardTokens}"
            : !there.Sites.SequenceEqual(wanted.Sites) ? $"at {string.Join(", ", there.Sites.Select(site => site.Hook))}, not {string.Join(", ", wanted.Sites.Select(site => site.Hook))}"
            : null;
        if (difference is not null) throw new InvalidDataException($"{folder} holds activations {difference}; give the same options to go on with it, or another folder.");
    }
}
