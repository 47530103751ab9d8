using System.Globalization;
using System.Text;

namespace Microtome.Models.Hub;

/// <summary>Where the Hub and its cache are and how to ask for things, by default as the <c>huggingface_hub</c> library has them.</summary>
public sealed record HubOptions
{
    private const long MaximumTokenFileLength = 16 * 1024;

    /// <summary>The Hub's address.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>The folder that holds one folder for each repository.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>The user's access token; null for none. It is sent to <see cref="Endpoint"/> alone.</summary>
    public string? Token { get; init; }

    /// <summary>Whether to use the cache alone and make no request.</summary>
    public bool Offline { get; init; }

    /// <summary>Whether a snapshot is made of links into the blobs; otherwise of the files themselves.</summary>
    public bool SymbolicLinks { get; init; } = true;

    /// <summary>How often in a row a request may fail before it is given up; at least 1.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>The pause after the first failure; it doubles with each further one, up to 30 seconds. A server that names its own pause is obeyed.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>How long the server may stay silent before the connection counts as dropped.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Reads HF_HOME, XDG_CACHE_HOME, HF_HUB_CACHE, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_DISABLE_IMPLICIT_TOKEN, HF_HUB_OFFLINE,
    /// HF_ENDPOINT, HF_HUB_DOWNLOAD_TIMEOUT and the older names of some of them.
    /// </summary>
    /// <param name="variable">Gives a variable's value or null; the process's environment by default.</param>
    /// <exception cref="HubException">A variable has a value that cannot be used, or the token's file cannot be read.</exception>
    public static HubOptions FromEnvironment(Func<string, string?>? variable = null)
    {
        variable ??= Environment.GetEnvironmentVariable;
        string? Get(string name) => variable(name) is { Length: > 0 } value ? value : null;
        bool IsSet(string name) => Get(name)?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";
        string user = Get("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string Folder(string? setting, params string[] otherwise) => Expand(setting ?? Path.Combine(otherwise), user, Get);

        string home = Folder(Get("HF_HOME"), Get("XDG_CACHE_HOME") ?? Path.Combine(user, ".cache"), "huggingface");
        HubOptions options = new()
        {
            CacheFolder = Folder(Get("HF_HUB_CACHE") ?? Get("HUGGINGFACE_HUB_CACHE"), home, "hub"),
            Token = IsSet("HF_HUB_DISABLE_IMPLICIT_TOKEN")
                ? null
                : Clean(Get("HF_TOKEN") ?? Get("HUGGING_FACE_HUB_TOKEN")) ?? ReadToken(Folder(Get("HF_TOKEN_PATH"), home, "token")),
            Offline = Get("HF_HUB_OFFLINE") is null ? IsSet("TRANSFORMERS_OFFLINE") : IsSet("HF_HUB_OFFLINE"),
        };
        if (Get("HF_ENDPOINT") is { } endpoint)
            options = options with { Endpoint = ReadEndpoint(endpoint) };
        if (Get("HF_HUB_DOWNLOAD_TIMEOUT") is { } timeout)
            options = options with { Timeout = ReadTimeout(timeout) };
        return options;
    }

    /// <summary>The options without the token's letters.</summary>
    public override string ToString() =>
        $"{Endpoint}, cache {CacheFolder}, {(Token is null ? "no token" : "with a token")}{(Offline ? ", offline" : "")}";

    private static Uri ReadEndpoint(string text) =>
        Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new HubException($"HF_ENDPOINT is {ServerText.Quote(text)}; it must be an address that begins with https:// or http://.");

    private static TimeSpan ReadTimeout(string text) =>
        double.TryParse(text, CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and <= 86_400
            ? TimeSpan.FromSeconds(seconds)
            : throw new HubException($"HF_HUB_DOWNLOAD_TIMEOUT is {ServerText.Quote(text)}; it must be seconds, above 0 and at most 86400.");

    private static string? ReadToken(string file)
    {
        try
        {
            FileInfo info = new(file);
            if (!info.Exists) return null;
            return info.Length <= MaximumTokenFileLength
                ? Clean(File.ReadAllText(file))
                : throw new HubException($"{file} has {info.Length} bytes, too many for an access token. Set HF_TOKEN or HF_TOKEN_PATH.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HubException($"The access token in {file} cannot be read: {e.Message} Set HF_TOKEN or HF_TOKEN_PATH.", e);
        }
    }

    private static string? Clean(string? token)
    {
        token = token?.Replace("\r", "").Replace("\n", "").Trim();
        return token is { Length: > 0 } ? token : null;
    }

    /// <summary>Replaces a leading <c>~</c>, and <c>$NAME</c> and <c>${NAME}</c> where NAME is set.</summary>
    private static string Expand(string path, string user, Func<string, string?> variable)
    {
        if (path == "~" || path.StartsWith("~/", StringComparison.Ordinal)) path = user + path[1..];
        StringBuilder expanded = new();
        for (int i = 0; i < path.Length;)
        {
            bool braced = i + 1 < path.Length && path[i + 1] == '{';
            int start = i + (braced ? 2 : 1), end = start;
            while (end < path.Length && (char.IsAsciiLetterOrDigit(path[end]) || path[end] == '_')) end++;
            bool named = path[i] == '$' && end > start && (!braced || (end < path.Length && path[end] == '}'));
            int next = !named ? i + 1 : braced ? end + 1 : end;
            expanded.Append(named && variable(path[start..end]) is { } value ? value : path[i..next]);
            i = next;
        }
        return expanded.ToString();
    }
}
