using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>A file of harvested activations.</summary>
/// <param name="Start">The text that it begins with.</param>
/// <param name="Next">The text that the next begins with.</param>
public sealed record ActivationShard(string File, int Tokens, long Bytes, string Hash, long Start, long Next);

/// <summary>What a folder of harvested activations holds, and what made it: <c>manifest.json</c>.</summary>
public sealed record HarvestManifest
{
    private const string FileName = "manifest.json", Format = "microtome activations 1";
    private const int MostShards = 1 << 20;

    public required string Model { get; init; }

    /// <summary>The texts.</summary>
    public required string Source { get; init; }

    public required int Seed { get; init; }

    /// <summary>Tokens to collect.</summary>
    public required long Tokens { get; init; }

    /// <summary>Tokens that are mixed with each other and lie in one file.</summary>
    public required int ShardTokens { get; init; }

    /// <summary>The hooks' whole names, and how many values a token has there.</summary>
    public required IReadOnlyList<(string Hook, int Width)> Sites { get; init; }

    public IReadOnlyList<ActivationShard> Shards { get; init; } = [];

    public long Done => Shards.Sum(shard => (long)shard.Tokens);

    public bool IsComplete => Done >= Tokens;

    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <exception cref="FileNotFoundException">The folder holds none.</exception>
    /// <exception cref="InvalidDataException">It is damaged; the message says where.</exception>
    public static HarvestManifest Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) throw new FileNotFoundException($"{folder} holds no harvested activations: it has no {FileName}.", path);
        return ConfigurationElement.Read(path, root =>
        {
            if (root.String("format") != Format) throw new InvalidDataException($"{path} does not describe harvested activations: its format is '{root.String("format")}', not '{Format}'.");
            IReadOnlyList<(string, int)> sites = [.. root.Objects("sites").Select(site => (Text(site, "hook"), site.Size("width")))];
            if (sites.Count == 0) throw new InvalidDataException($"{path} lists no hooks.");
            List<ActivationShard> shards = [.. root.Objects("shards").Select(shard => new ActivationShard(FileOf(shard), shard.Size("tokens"), Long(shard, "bytes"), Text(shard, "sha256"), Long(shard, "start"), Long(shard, "next")))];
            if (shards.Count > MostShards) throw new InvalidDataException($"{path} lists {shards.Count} files; there may be {MostShards}.");
            return new HarvestManifest
            {
                Model = Text(root, "model"),
                Source = Text(root, "source"),
                Seed = root.OptionalInt("seed") ?? throw root.Missing("seed"),
                Tokens = Long(root, "tokens"),
                ShardTokens = root.Size("shard_tokens"),
                Sites = sites,
                Shards = shards,
            };
        });

        static string Text(ConfigurationElement element, string key) => element.String(key) ?? throw element.Missing(key);

        static long Long(ConfigurationElement element, string key)
        {
            double value = element.OptionalDouble(key) ?? throw element.Missing(key);
            return value is >= 0 and < 1L << 53 && value == Math.Truncate(value) ? (long)value : throw new InvalidDataException($"{element.Path}: {key} is {value}; a whole number of 0 or more is needed.");
        }

        static string FileOf(ConfigurationElement element)
        {
            string name = Text(element, "file");
            return name == Path.GetFileName(name) && name.Length > 0 ? name : throw new InvalidDataException($"{element.Path}: the file '{name}' must lie in the folder itself.");
        }
    }

    public void Save(string folder) => AtomicFile.Write(Path.Combine(folder, FileName), stream =>
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("format", Format);
        json.WriteString("model", Model);
        json.WriteString("source", Source);
        json.WriteNumber("seed", Seed);
        json.WriteNumber("tokens", Tokens);
        json.WriteNumber("shard_tokens", ShardTokens);
        json.WriteStartArray("sites");
        foreach ((string hook, int width) in Sites)
        {
            json.WriteStartObject();
            json.WriteString("hook", hook);
            json.WriteNumber("width", width);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("shards");
        foreach (ActivationShard shard in Shards)
        {
            json.WriteStartObject();
            json.WriteString("file", shard.File);
            json.WriteNumber("tokens", shard.Tokens);
            json.WriteNumber("bytes", shard.Bytes);
            json.WriteString("sha256", shard.Hash);
            json.WriteNumber("start", shard.Start);
            json.WriteNumber("next", shard.Next);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>Says what a shard's file lacks; nothing when it is what was written.</summary>
    public static string? Fault(string folder, ActivationShard shard)
    {
        string path = Path.Combine(folder, shard.File);
        if (!File.Exists(path)) return "is missing";
        long length = new FileInfo(path).Length;
        if (length != shard.Bytes) return string.Create(CultureInfo.InvariantCulture, $"has {length} bytes, not {shard.Bytes}");
        return HashOf(path) == shard.Hash ? null : "is corrupted: its contents are not what was written";
    }

    internal static string HashOf(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
