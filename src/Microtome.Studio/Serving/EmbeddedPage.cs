using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Microtome.Studio.Serving;

/// <summary>Serves the built page from the assembly.</summary>
internal static class EmbeddedPage
{
    private const string Prefix = "page/";

    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".json"] = "application/json",
        [".svg"] = "image/svg+xml",
        [".png"] = "image/png",
        [".ico"] = "image/x-icon",
        [".woff2"] = "font/woff2",
        [".txt"] = "text/plain; charset=utf-8",
        [".map"] = "application/json",
        [".webmanifest"] = "application/manifest+json",
    }.ToFrozenDictionary();

    private static readonly Assembly Assembly = typeof(EmbeddedPage).Assembly;

    private static readonly FrozenSet<string> Names = Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).ToFrozenSet();

    /// <summary>Answers GET for files of the page, <c>/</c> being index.html; everything else goes on.</summary>
    public static Task Handle(HttpContext context, Func<Task> next)
    {
        HttpRequest request = context.Request;
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method)) return next();
        string path = request.Path == "/" ? "index.html" : request.Path.Value!.TrimStart('/');
        return Names.Contains(Prefix + path) && Types.TryGetValue(Path.GetExtension(path), out string? type) ? Send(context, Prefix + path, type) : next();
    }

    private static async Task Send(HttpContext context, string name, string type)
    {
        using Stream file = Assembly.GetManifestResourceStream(name)!;
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        EntityTagHeaderValue tag = new($"\"{Convert.ToHexString(SHA256.HashData(bytes).AsSpan(0, 8))}\"");
        // Files under assets/ have their content's hash in their names and never change; the rest is asked for again.
        context.Response.Headers.CacheControl = name.StartsWith(Prefix + "assets/", StringComparison.Ordinal) ? "private, max-age=31536000, immutable" : "no-cache";
        await Results.Bytes(bytes, type, entityTag: tag).ExecuteAsync(context);
    }
}
