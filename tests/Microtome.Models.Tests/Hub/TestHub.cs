using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microtome.Models.Hub;

namespace Microtome.Models.Tests.Hub;

/// <summary>
/// A small Hub with one model, <c>lab/model</c>: the API and small files at one address, the content of large files at another,
/// and an empty cache folder to download to.
/// </summary>
internal sealed class TestHub : IDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";
    public static readonly byte[] Config = Encoding.UTF8.GetBytes("""{"model_type": "tiny"}""");
    public static readonly byte[] Weights = MakeWeights(300_000);

    private readonly ConcurrentDictionary<string, ConcurrentQueue<Func<Request, Reply?>>> faults = new();

    public TestHub()
    {
        Site = new TestServer(AnswerSite);
        Store = new TestServer(AnswerStore);
        Add("config.json", Config);
        Add("model.safetensors", Weights);
    }

    /// <summary>Path → content, and whether it is a large file, which the store serves.</summary>
    public Dictionary<string, byte[]> Files { get; } = [];

    public Dictionary<string, string> Revisions { get; } = new() { ["main"] = Commit, [Commit] = Commit };

    public TestServer Site { get; }

    public TestServer Store { get; }

    public string CacheFolder { get; } = Directory.CreateTempSubdirectory("microtome-hub-").FullName;

    public string RepositoryFolder => Path.Combine(CacheFolder, "models--lab--model");

    public static HubReference Model { get; } = HubReference.Parse("lab/model");

    public HubOptions Options => new()
    {
        Endpoint = Site.Address,
        CacheFolder = CacheFolder,
        RetryDelay = TimeSpan.FromMilliseconds(1),
        Timeout = TimeSpan.FromSeconds(20),
    };

    public HubClient Client(Func<HubOptions, HubOptions>? change = null) => new(change is null ? Options : change(Options));

    /// <summary>Every request for the content of a file, also those that were only sent on to the store.</summary>
    public IEnumerable<Request> ContentRequests => Site.Requests.Concat(Store.Requests)
        .Where(r => r.Method == "GET" && !r.Target.StartsWith("/api/", StringComparison.Ordinal));

    public void Add(string path, byte[] content) => Files[path] = content;

    /// <summary>Answers the next requests whose "METHOD target" contains a text differently; null for as usual.</summary>
    public void Fail(string text, params Func<Request, Reply?>[] answers)
    {
        ConcurrentQueue<Func<Request, Reply?>> queue = faults.GetOrAdd(text, _ => []);
        foreach (Func<Request, Reply?> answer in answers) queue.Enqueue(answer);
    }

    /// <summary>The same wrong answer for ever.</summary>
    public void FailAlways(string text, Func<Request, Reply?> answer) => Fail(text, [.. Enumerable.Repeat(answer, 1000)]);

    public string Snapshot(string path = "", string commit = Commit) => Path.Combine(RepositoryFolder, "snapshots", commit, path);

    public string Blob(byte[] content, bool isLarge) => Path.Combine(RepositoryFolder, "blobs", HashOf(content, isLarge));

    public string Incomplete(byte[] content) => Blob(content, isLarge: true) + ".incomplete";

    public void Dispose()
    {
        Site.Dispose();
        Store.Dispose();
        Directory.Delete(CacheFolder, recursive: true);
    }

    public static bool IsLarge(string path) => path.EndsWith(".safetensors", StringComparison.Ordinal);

    public static string HashOf(byte[] content, bool isLarge) => isLarge
        ? Convert.ToHexStringLower(SHA256.HashData(content))
        : Convert.ToHexStringLower(GitHash(content));

    /// <summary>The rest that a Range header asks for, or all.</summary>
    public static Reply Content(byte[] content, Request request)
    {
        if (request.Range is null) return new Reply(200, content);
        int from = int.Parse(request.Range["bytes=".Length..].TrimEnd('-'));
        return from >= content.Length
            ? Reply.Of(416)
            : new Reply(206, content[from..]) { Headers = { ["Content-Range"] = $"bytes {from}-{content.Length - 1}/{content.Length}" } };
    }

    private Reply AnswerSite(Request request)
    {
        if (Fault(request) is { } fault) return fault;
        if (request.Target.StartsWith("/api/models/lab/model/revision/", StringComparison.Ordinal))
        {
            string revision = Uri.UnescapeDataString(request.Target.Split('/')[^1].Split('?')[0]);
            if (!Revisions.TryGetValue(revision, out string? commit)) return Reply.Of(404, ("X-Error-Code", "RevisionNotFound"));
            var siblings = Files.Select(f => new { rfilename = f.Key, size = f.Value.Length });
            return new Reply(200, JsonSerializer.SerializeToUtf8Bytes(new { sha = commit, siblings }));
        }
        string[] parts = request.Target.Split('/', 6);
        if (parts is not [_, "lab", "model", "resolve", _, _]) return Reply.Of(404, ("X-Error-Code", "RepoNotFound"));
        if (!Revisions.TryGetValue(Uri.UnescapeDataString(parts[4]), out string? at)) return Reply.Of(404, ("X-Error-Code", "RevisionNotFound"));
        string path = PathOf(request.Target);
        if (!Files.TryGetValue(path, out byte[]? content))
            return Reply.Of(404, ("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", at));
        string tag = $"\"{HashOf(content, IsLarge(path))}\"";
        if (IsLarge(path))
            return Reply.Of(302, ("X-Repo-Commit", at), ("X-Linked-Etag", tag), ("X-Linked-Size", $"{content.Length}"), ("Location", Store.Address + parts[5]));
        Reply reply = Content(content, request);
        reply.Headers["X-Repo-Commit"] = at;
        reply.Headers["ETag"] = tag;
        return reply;
    }

    private Reply AnswerStore(Request request) =>
        Fault(request) ?? Content(Files[Uri.UnescapeDataString(request.Target.TrimStart('/'))], request);

    private Reply? Fault(Request request)
    {
        foreach ((string text, ConcurrentQueue<Func<Request, Reply?>> queue) in faults)
            if ($"{request.Method} {request.Target}".Contains(text) && queue.TryDequeue(out Func<Request, Reply?>? answer))
                return answer(request);
        return null;
    }

    private static string PathOf(string target) => Uri.UnescapeDataString(target.Split('/', 6)[^1]);

    private static byte[] GitHash(byte[] content)
    {
#pragma warning disable CA5350 // Git names its objects by SHA-1.
        return SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]);
#pragma warning restore CA5350
    }

    private static byte[] MakeWeights(int length)
    {
        byte[] bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
