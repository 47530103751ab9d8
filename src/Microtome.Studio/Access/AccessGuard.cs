using Microsoft.Extensions.Primitives;
using Microtome.Studio.Api;

namespace Microtome.Studio.Access;

/// <summary>
/// Lets in only who has the token and asks this server by a loopback name, from no other site: a page elsewhere can neither send requests
/// here nor, by pointing a name of its own at 127.0.0.1, read answers.
/// </summary>
internal sealed class AccessGuard(AccessToken token)
{
    private const string Bearer = "Bearer ", TokenParameter = "token";

    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string Closed = "<!doctype html><html lang=\"en\"><title>Microtome studio</title><h1>Microtome studio</h1><p>Open the address that <code>microtome studio</code> printed, with its token. It is new at every start.</p></html>";

    public async Task Handle(HttpContext context, Func<Task> next)
    {
        HttpRequest request = context.Request;
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-store";

        if (!IsLoopback(request.Host))
        {
            await Problems.Forbidden("This server answers to 127.0.0.1 and localhost only.").ExecuteAsync(context);
            return;
        }
        if (!IsOwnOrigin(request))
        {
            await Problems.Forbidden("Requests from other sites are refused.").ExecuteAsync(context);
            return;
        }
        string cookie = CookieName(request.Host);
        if (HttpMethods.IsGet(request.Method) && request.Path == "/" && request.Query.TryGetValue(TokenParameter, out StringValues given))
        {
            if (token.Is(given))
            {
                context.Response.Cookies.Append(cookie, token.Text, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/", IsEssential = true });
                context.Response.Redirect("/");
                return;
            }
        }
        else if (token.Is(Sent(request)) || token.Is(request.Cookies[cookie]))
        {
            await next();
            return;
        }
        headers.WWWAuthenticate = "Bearer";
        if (request.Path == "/" && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
            await TypedResults.Text(Closed, "text/html; charset=utf-8", statusCode: StatusCodes.Status401Unauthorized).ExecuteAsync(context);
        else
            await Problems.Unauthorized("Open the address that microtome studio printed, with its token; a script sends it as 'Authorization: Bearer TOKEN'.").ExecuteAsync(context);
    }

    /// <summary>Cookies are shared by all ports of a host; the name keeps two studios apart.</summary>
    private static string CookieName(HostString host) => $"microtome-studio-{host.Port ?? 80}";

    private static bool IsLoopback(HostString host) =>
        host.Host is "127.0.0.1" || host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase);

    private static bool IsOwnOrigin(HttpRequest request)
    {
        if (request.Headers.TryGetValue("Origin", out StringValues origin) && origin != $"{request.Scheme}://{request.Host}") return false;
        // A link to the page from elsewhere is a navigation and may be followed; it reads nothing.
        return !request.Headers.TryGetValue("Sec-Fetch-Site", out StringValues site) || site == "same-origin" || site == "none"
            || (request.Headers["Sec-Fetch-Mode"] == "navigate" && HttpMethods.IsGet(request.Method) && request.Path == "/");
    }

    private static string? Sent(HttpRequest request) =>
        request.Headers.Authorization.ToString() is { } header && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? header[Bearer.Length..].Trim() : null;
}
