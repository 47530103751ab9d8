using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Microtome.Models.Hub;

/// <summary>What the Hub says of one file before it is fetched.</summary>
internal readonly record struct FileDescription(string Commit, string Hash, long Size);

/// <summary>The Hub's HTTP interface: its requests, redirects and refusals.</summary>
internal sealed class HubConnection : IDisposable
{
    private const int MaximumRedirects = 10;
    private const int MaximumListingLength = 32 << 20;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(5);

    private readonly HubOptions options;
    private readonly string endpoint;
    private readonly HttpClient client;

    public HubConnection(HubOptions options)
    {
        this.options = options;
        endpoint = options.Endpoint.AbsoluteUri.TrimEnd('/');
        SocketsHttpHandler handler = new() { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = options.Timeout };
        client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        string version = typeof(HubConnection).Assembly.GetName().Version?.ToString(3) ?? "0";
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Microtome", version));
        // Sizes, ranges and hashes are those of the file itself.
        client.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
    }

    public void Dispose() => client.Dispose();

    /// <summary>The commit that the reference's revision is now, and its files.</summary>
    public async Task<RepositoryListing> ListAsync(HubReference reference, int attempts, CancellationToken cancellationToken)
    {
        string revision = Uri.EscapeDataString(reference.Revision ?? HubReference.DefaultRevision);
        Uri uri = new($"{endpoint}/api/models/{reference.Repository}/revision/{revision}?blobs=true");
        return await RetryAsync(attempts, async () =>
        {
            using HttpResponseMessage response = await GetAsync(uri, from: 0, cancellationToken);
            Check(response, reference, path: null);
            return RepositoryListing.Read(await ReadListingAsync(response, reference, cancellationToken), reference);
        }, cancellationToken);
    }

    /// <summary>Asks for a file's commit, hash and size.</summary>
    public async Task<FileDescription> DescribeAsync(
        HubReference reference, string revision, string path, int attempts, CancellationToken cancellationToken)
    {
        Uri uri = FileUri(reference, revision, path);
        FileDescription description = await RetryAsync(
            attempts, () => DescribeOnceAsync(uri, reference, path, cancellationToken), cancellationToken);
        if (ContentHash.IsCommit(revision) && description.Commit != revision)
            throw new HubException($"For {path} of {reference} the server gives commit {description.Commit} instead of {revision}.");
        return description;
    }

    /// <summary>Asks once for a file's content from a byte on. The answer may be the whole file, or that there is no such range.</summary>
    public async Task<HttpResponseMessage> OpenAsync(
        HubReference reference, string commit, string path, long from, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await GetAsync(FileUri(reference, commit, path), from, cancellationToken);
        try
        {
            if (response.StatusCode != HttpStatusCode.RequestedRangeNotSatisfiable) Check(response, reference, path);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>The pause after a number of failures in a row, as long as the server asks if it asks.</summary>
    public TimeSpan Pause(int failures, HubException failure)
    {
        if (failure.RetryAfter is { } asked) return asked;
        double seconds = options.RetryDelay.TotalSeconds * Math.Pow(2, failures - 1);
        return seconds < LongestPause.TotalSeconds ? TimeSpan.FromSeconds(seconds) : LongestPause;
    }

    private async Task<T> RetryAsync<T>(int attempts, Func<Task<T>> request, CancellationToken cancellationToken)
    {
        for (int failures = 1; ; failures++)
        {
            try
            {
                return await request();
            }
            catch (HubException e) when (e.IsTransient && failures < attempts)
            {
                await Task.Delay(Pause(failures, e), cancellationToken);
            }
        }
    }

    private async Task<FileDescription> DescribeOnceAsync(
        Uri uri, HubReference reference, string path, CancellationToken cancellationToken)
    {
        string? commit = null, hash = null;
        long? size = null;
        for (int redirects = 0; ; redirects++)
        {
            using HttpResponseMessage response = await SendAsync(HttpMethod.Head, uri, authorize: true, from: 0, cancellationToken);
            Uri? target = RedirectTarget(response, uri, redirects);
            if (target is null) Check(response, reference, path);
            commit ??= Header(response, "X-Repo-Commit");
            hash ??= Header(response, "X-Linked-Etag") ?? (target is null ? Header(response, "ETag") : null);
            size ??= long.TryParse(Header(response, "X-Linked-Size"), NumberStyles.None, CultureInfo.InvariantCulture, out long linked)
                ? linked
                : target is null ? response.Content.Headers.ContentLength : null;
            // Another host has the content, and a signed address that may allow nothing but fetching it.
            bool isComplete = commit is not null && hash is not null && size is not null;
            if (target is null || isComplete || !IsSameOrigin(target, uri)) break;
            uri = target;
        }
        hash = (hash?.StartsWith("W/", StringComparison.Ordinal) is true ? hash[2..] : hash)?.Trim('"');
        if (commit is null || !ContentHash.IsCommit(commit)) throw Undescribed("X-Repo-Commit", commit);
        if (hash is null || !ContentHash.IsName(hash)) throw Undescribed("ETag", hash);
        if (size is not >= 0) throw Undescribed("size", size?.ToString());
        return new FileDescription(commit, hash, size.Value);

        HubException Undescribed(string what, string? value) => new(
            $"For {path} of {reference} the server gives {(value is null ? "no" : $"{ServerText.Quote(value)} as the")} {what}, "
            + "so the file could not be checked. Is HF_ENDPOINT right?");
    }

    private async Task<HttpResponseMessage> GetAsync(Uri uri, long from, CancellationToken cancellationToken)
    {
        bool authorize = true;
        for (int redirects = 0; ; redirects++)
        {
            HttpResponseMessage response = await SendAsync(HttpMethod.Get, uri, authorize, from, cancellationToken);
            try
            {
                if (RedirectTarget(response, uri, redirects) is not { } target) return response;
                authorize &= IsSameOrigin(target, uri);
                uri = target;
            }
            catch
            {
                response.Dispose();
                throw;
            }
            response.Dispose();
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri uri, bool authorize, long from, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(method, uri);
        if (authorize && options.Token is not null && IsSameOrigin(uri, options.Endpoint))
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.Token);
        if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.Timeout);
        try
        {
            return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HubException($"{uri.Host} did not answer within {options.Timeout.TotalSeconds:0.#} seconds.", e) { IsTransient = true };
        }
        catch (HttpRequestException e)
        {
            bool isInsecure = e.HttpRequestError == HttpRequestError.SecureConnectionError;
            throw new HubException($"{uri.Host} cannot be reached: {(e.InnerException ?? e).Message}", e) { IsTransient = !isInsecure };
        }
    }

    private static Uri? RedirectTarget(HttpResponseMessage response, Uri uri, int redirects)
    {
        if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location) return null;
        if (redirects == MaximumRedirects) throw new HubException($"{uri.Host} redirects more than {MaximumRedirects} times.");
        Uri target = new(uri, location);
        bool isAllowed = target.Scheme == Uri.UriSchemeHttps || (target.Scheme == Uri.UriSchemeHttp && uri.Scheme == Uri.UriSchemeHttp);
        return isAllowed ? target : throw new HubException($"{uri.Host} redirects to {target.Scheme}://{target.Host}, which is not secure.");
    }

    private static bool IsSameOrigin(Uri a, Uri b) => a.Scheme == b.Scheme && a.IdnHost == b.IdnHost && a.Port == b.Port;

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.NonValidated.TryGetValues(name, out HeaderStringValues values) ? values.First() : null;

    private static async Task<ReadOnlyMemory<byte>> ReadListingAsync(
        HttpResponseMessage response, HubReference reference, CancellationToken cancellationToken)
    {
        using MemoryStream content = new();
        try
        {
            // Throws before it holds more than that, whatever length the server declares.
            await response.Content.LoadIntoBufferAsync(MaximumListingLength, cancellationToken);
            await response.Content.CopyToAsync(content, cancellationToken);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw new HubException($"The server's description of {reference} has more than {MaximumListingLength >> 20} MiB and is refused.", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new HubException($"The connection was lost while reading the description of {reference}: {e.Message}", e) { IsTransient = true };
        }
        return content.GetBuffer().AsMemory(0, (int)content.Length);
    }

    private Uri FileUri(HubReference reference, string revision, string path)
    {
        string escaped = string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
        return new Uri($"{endpoint}/{reference.Repository}/resolve/{Uri.EscapeDataString(revision)}/{escaped}");
    }

    private void Check(HttpResponseMessage response, HubReference reference, string? path)
    {
        if (response.IsSuccessStatusCode) return;
        HttpStatusCode status = response.StatusCode;
        Uri asked = response.RequestMessage!.RequestUri!;
        bool isHub = IsSameOrigin(asked, options.Endpoint);
        string message = isHub
            ? Refusal(Header(response, "X-Error-Code"), status, reference, path)
            : $"{asked.Host} answered {(int)status} for {path} of {reference}.";
        if (Header(response, "X-Error-Message") is { Length: > 0 } said) message += $" The server says: {ServerText.Quote(said)}.";
        TimeSpan? retryAfter = RetryAfter(response);
        bool isTooLong = retryAfter > LongestRetryAfter;
        if (isTooLong) message += $" It asks to come back after {retryAfter!.Value.TotalMinutes:0} minutes.";
        // The addresses that the Hub signs for other hosts expire; the next try gets a new one.
        bool isTransient = (int)status is 408 or 429 or 500 or 502 or 503 or 504 || (!isHub && status == HttpStatusCode.Forbidden);
        throw new HubException(message)
        {
            Status = status,
            IsTransient = isTransient && !isTooLong,
            RetryAfter = retryAfter,
            MissingIn = Header(response, "X-Error-Code") == "EntryNotFound" ? Header(response, "X-Repo-Commit") : null,
        };
    }

    private string Refusal(string? code, HttpStatusCode status, HubReference reference, string? path)
    {
        string page = $"{endpoint}/{reference.Repository}";
        string host = options.Endpoint.Host;
        string revision = ServerText.Quote(reference.Revision ?? HubReference.DefaultRevision);
        string signIn = options.Token is null
            ? "no access token is set: make one at https://huggingface.co/settings/tokens and set HF_TOKEN to it"
            : "the access token may be expired or may not have the right to read it: see https://huggingface.co/settings/tokens";
        return (code, (int)status) switch
        {
            ("GatedRepo", _) => $"{reference.Repository} is gated: accept its licence at {page}"
                + (options.Token is null ? $"; also {signIn}." : " with the account of your access token."),
            ("RevisionNotFound", _) => $"{reference.Repository} has no revision {revision}; its branches and tags are listed at {page}/tree/main.",
            ("RepoNotFound", _) => NoModel(),
            (_, 404) when path is null => NoModel(),
            (_, 404) => $"{reference.Repository} has no file {ServerText.Quote(path)} at revision {revision}; its files are listed at {page}/tree/main.",
            (_, 401) => $"{host} does not show {reference.Repository}: it does not exist, or is private or gated. Check the name; if it is right, {signIn}.",
            (_, 403) => $"{host} refuses access to {reference.Repository}; {signIn}.",
            (_, 429) => $"{host} is asked too often; wait a while" + (options.Token is null ? ", or set HF_TOKEN, which raises the limit." : "."),
            _ => $"{host} answered {(int)status} for {reference}{(path is null ? "" : $", file {path}")}.",
        };

        string NoModel() => $"{host} has no model {reference.Repository}, or it is private. Check the name; if it is right, {signIn}.";
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        TimeSpan? pause = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - DateTimeOffset.UtcNow,
            _ => null,
        };
        return pause < TimeSpan.Zero ? TimeSpan.Zero : pause;
    }
}
