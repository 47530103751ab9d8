using System.Text.Json;

namespace Microtome.Models.Hub;

/// <summary>What a commit of a repository holds: each file's path and, where the server tells, its size in bytes.</summary>
internal sealed record RepositoryListing(string Commit, IReadOnlyDictionary<string, long?> Sizes)
{
    // 1 PiB, so that sums stay far from overflow.
    private const long LargestBelievable = 1L << 50;

    /// <summary>Reads the Hub's description of a model.</summary>
    /// <exception cref="HubException">The text is no such description.</exception>
    public static RepositoryListing Read(ReadOnlyMemory<byte> json, HubReference reference)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            string? commit = document.RootElement.GetProperty("sha").GetString();
            if (commit is null || !ContentHash.IsCommit(commit))
                throw new HubException($"The server gives {ServerText.Quote(commit ?? "null")} as the commit of {reference}; a commit has 40 hexadecimal digits.");
            Dictionary<string, long?> sizes = [];
            foreach (JsonElement file in document.RootElement.GetProperty("siblings").EnumerateArray())
            {
                if (file.GetProperty("rfilename").GetString() is not { } path) continue;
                bool hasSize = file.TryGetProperty("size", out JsonElement size) && size.ValueKind == JsonValueKind.Number;
                sizes[path] = hasSize && size.TryGetInt64(out long bytes) && bytes is >= 0 and <= LargestBelievable ? bytes : null;
            }
            return new RepositoryListing(commit, sizes);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new HubException($"The server's description of {reference} is not what the Hub sends: {e.Message} Is HF_ENDPOINT right?", e);
        }
    }
}
