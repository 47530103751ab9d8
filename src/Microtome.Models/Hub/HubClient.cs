using System.Net;

namespace Microtome.Models.Hub;

/// <summary>
/// Brings models from the Hugging Face Hub into the cache that the <c>huggingface_hub</c> library uses too: what either has
/// fetched, the other finds. Every content is checked against its hash; what was interrupted goes on where it stopped.
/// </summary>
public sealed class HubClient : IDisposable
{
    private const int ParallelDownloads = 4;
    private readonly HubOptions options;
    private readonly HubCache cache;
    private readonly Lazy<HubConnection> connection;

    /// <summary>Makes a client; no file or connection is touched yet.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public HubClient(HubOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrWhiteSpace(options.CacheFolder);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Attempts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.RetryDelay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Timeout, TimeSpan.Zero);
        if (!options.Endpoint.IsAbsoluteUri || options.Endpoint.Scheme is not ("http" or "https"))
            throw new ArgumentException("The endpoint must be an address that begins with https:// or http://.", nameof(options));
        if (options.Token is { } token && (token.Length == 0 || token.AsSpan().ContainsAnyExceptInRange('!', '~')))
            throw new ArgumentException("The access token has characters that none can have; check HF_TOKEN.", nameof(options));
        this.options = options;
        cache = new HubCache(Path.GetFullPath(options.CacheFolder), options.SymbolicLinks);
        connection = new Lazy<HubConnection>(() => new HubConnection(options));
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose()
    {
        if (connection.IsValueCreated) connection.Value.Dispose();
    }

    /// <summary>What the cache has of a reference: the snapshot's folder, or the folder or file in it; null when there is nothing.</summary>
    /// <exception cref="HubException">The cache cannot be read.</exception>
    public string? FindInCache(HubReference reference)
    {
        ArgumentNullException.ThrowIfNull(reference);
        try
        {
            if (cache.FindCommit(reference) is not { } commit) return null;
            string found = FolderOf(reference, commit);
            return Directory.Exists(found) || HubCache.SizeOf(found) is not null ? found : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(e);
        }
    }

    /// <summary>
    /// Makes sure that the files that match are in the cache, and fetches those that are not. When the Hub cannot be reached,
    /// what the cache has of the revision is used.
    /// </summary>
    /// <param name="reference">The repository, or a folder in it.</param>
    /// <param name="patterns">Which files, relative to the reference: <c>*</c> and <c>?</c> stay within one name, <c>**/</c> is any number of folders.</param>
    /// <param name="progress">Told about every file, and a few times a second while one is under way.</param>
    /// <param name="cancellationToken">Stops at once; a later call goes on from there.</param>
    /// <returns>The snapshot's folder, or the reference's folder in it.</returns>
    /// <exception cref="HubException">The repository, its revision or all such files are missing, not to be read, or damaged.</exception>
    public async Task<string> DownloadAsync(
        HubReference reference, IReadOnlyList<string> patterns,
        IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(patterns);
        if (patterns.Count == 0) throw new ArgumentException("Give at least one pattern; ** means every file.", nameof(patterns));
        try
        {
            return await FindOrFetchAsync(reference, patterns, progress, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(e);
        }
    }

    /// <summary>Makes sure that one file is in the cache. When the Hub cannot be reached, what the cache has of the revision is used.</summary>
    /// <param name="reference">The file; its <see cref="HubReference.Path"/> must be set.</param>
    /// <param name="progress">Told a few times a second.</param>
    /// <param name="cancellationToken">Stops at once; a later call goes on from there.</param>
    /// <returns>The file's path in the snapshot.</returns>
    /// <exception cref="HubException">The file is missing, not to be read, or damaged.</exception>
    public async Task<string> DownloadFileAsync(
        HubReference reference, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        string path = reference.Path ?? throw new ArgumentException($"{reference} is a repository; add the path of a file.", nameof(reference));
        try
        {
            return await FindOrFetchFileAsync(reference, path, progress, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(e);
        }
    }

    private async Task<string> FindOrFetchAsync(
        HubReference reference, IReadOnlyList<string> patterns, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        string? commit = cache.FindCommit(reference);
        bool isCached = commit is not null && cache.FilesOf(reference, commit).Any(path => IsWanted(reference, path, patterns));
        string? cached = isCached ? FolderOf(reference, commit!) : null;
        if (options.Offline) return cached ?? throw NotCached(reference, $"No file that matches {string.Join(", ", patterns)}");
        if (await AskAsync(reference, cached, attempts => connection.Value.ListAsync(reference, attempts, cancellationToken)) is not { } listing)
            return cached!;

        string[] paths = [.. listing.Sizes.Keys.Where(path => IsWanted(reference, path, patterns)).Order(StringComparer.Ordinal)];
        if (paths.Length == 0)
            throw new HubException($"{reference} has no file that matches {string.Join(", ", patterns)}. It has {Some(listing.Sizes.Keys)}.");
        // All names are checked before the first file is fetched.
        string[] files = [.. paths.Select(path => cache.SnapshotFile(reference, listing.Commit, path))];
        long? total = paths.Aggregate<string, long?>(0, (sum, path) => sum + listing.Sizes[path]);
        ProgressMeter meter = new(progress, paths.Length, total);
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = ParallelDownloads, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, paths.Length, parallel, async (i, token) =>
        {
            long? size = HubCache.SizeOf(files[i]);
            if (size is null || size != (listing.Sizes[paths[i]] ?? size))
            {
                FileDescription description = await connection.Value.DescribeAsync(reference, listing.Commit, paths[i], options.Attempts, token);
                await FetchAsync(reference, paths[i], description, meter, token);
                size = description.Size;
            }
            meter.Complete(paths[i], size.Value);
        });
        // Last, so that an interrupted update leaves the revision at the snapshot that is whole.
        cache.WriteRef(reference, listing.Commit);
        return FolderOf(reference, listing.Commit);
    }

    private async Task<string> FindOrFetchFileAsync(
        HubReference reference, string path, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        string revision = reference.Revision ?? HubReference.DefaultRevision;
        string? commit = cache.FindCommit(reference);
        string? cached = commit is null ? null : cache.SnapshotFile(reference, commit, path);
        if (cached is not null && HubCache.SizeOf(cached) is null) cached = null;
        // What a commit holds never changes.
        if (cached is not null && revision == commit) return cached;
        if (options.Offline && cached is null)
            throw commit is not null && cache.IsMissing(reference, commit, path)
                ? new HubException($"{reference.Repository} has no file {ServerText.Quote(path)} at revision {ServerText.Quote(revision)}.")
                : NotCached(reference, $"The file {path}");
        if (options.Offline) return cached!;

        FileDescription? answer;
        try
        {
            answer = await AskAsync<FileDescription?>(reference, cached,
                async attempts => await connection.Value.DescribeAsync(reference, revision, path, attempts, cancellationToken));
        }
        catch (HubException e) when (e.MissingIn is { } missingIn && ContentHash.IsCommit(missingIn))
        {
            cache.WriteMissing(reference, missingIn, path);
            throw;
        }
        if (answer is not { } description) return cached!;
        string file = cache.SnapshotFile(reference, description.Commit, path);
        ProgressMeter meter = new(progress, files: 1, description.Size);
        if (HubCache.SizeOf(file) != description.Size) await FetchAsync(reference, path, description, meter, cancellationToken);
        meter.Complete(path, description.Size);
        cache.WriteRef(reference, description.Commit);
        return file;
    }

    /// <summary>Asks the Hub; gives null when it cannot be reached and the cache will do.</summary>
    private async Task<T?> AskAsync<T>(HubReference reference, string? cached, Func<int, Task<T>> ask)
    {
        try
        {
            return await ask(cached is null ? options.Attempts : 1);
        }
        catch (HubException e) when (e.IsTransient && cached is not null)
        {
            return default;
        }
        catch (HubException e) when (cached is not null && e.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            throw new HubException($"{e.Message} The cache has files of {reference} from before; set HF_HUB_OFFLINE=1 to use them.", e) { Status = e.Status };
        }
    }

    private async Task FetchAsync(
        HubReference reference, string path, FileDescription description, ProgressMeter meter, CancellationToken cancellationToken)
    {
        string file = cache.SnapshotFile(reference, description.Commit, path);
        string blob = cache.Blob(reference, description.Hash);
        using IDisposable writing = await cache.LockAsync(reference, description.Hash, cancellationToken);
        if (HubCache.SizeOf(file) == description.Size) return; // Another process was first.
        bool isNew = HubCache.SizeOf(blob) != description.Size;
        if (isNew) await new BlobDownload(connection.Value, options, reference, path, description, meter).RunAsync(blob, cancellationToken);
        cache.Place(file, blob, isNew);
    }

    private string FolderOf(HubReference reference, string commit) => reference.Path is { } path
        ? cache.SnapshotFile(reference, commit, path)
        : cache.SnapshotFolder(reference, commit);

    private static bool IsWanted(HubReference reference, string path, IReadOnlyList<string> patterns)
    {
        string prefix = reference.Path is null ? "" : reference.Path + "/";
        return path.StartsWith(prefix, StringComparison.Ordinal)
            && patterns.Any(pattern => RepositoryPath.Matches(path[prefix.Length..], pattern));
    }

    private static string Some(IEnumerable<string> names)
    {
        const int shown = 10;
        string[] first = [.. names.Take(shown + 1)];
        if (first.Length == 0) return "no files at all";
        return string.Join(", ", first.Take(shown).Select(ServerText.Quote)) + (first.Length > shown ? " and more" : "");
    }

    private HubException NotCached(HubReference reference, string what) => new(
        $"{what} of {reference} is not in the cache {cache.Folder}, and HF_HUB_OFFLINE forbids fetching it. "
        + "Unset HF_HUB_OFFLINE and run again while connected.");

    private HubException Unusable(Exception e) => new(
        $"The cache {cache.Folder} cannot be used: {e.Message} Set HF_HUB_CACHE to a folder that you may read and write.", e);
}
