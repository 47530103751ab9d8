using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Microtome.Studio.Api;

/// <summary>Server-sent events (HTML standard, section 9.2), each flushed at once.</summary>
internal sealed class EventStream(HttpResponse response, CancellationToken cancellation)
{
    /// <summary>How often a comment keeps a quiet stream open.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public const string ContentType = "text/event-stream";

    /// <summary>Whether a client asks for events rather than for one answer.</summary>
    public static bool IsWanted(HttpRequest request) => request.Headers.Accept.ToString().Contains(ContentType, StringComparison.OrdinalIgnoreCase);

    public static EventStream Begin(HttpContext context, CancellationToken cancellation)
    {
        context.Response.ContentType = ContentType;
        context.Response.Headers["X-Accel-Buffering"] = "no";
        return new EventStream(context.Response, cancellation);
    }

    public async Task SendAsync<T>(string name, T data, JsonTypeInfo<T> type)
    {
        await response.WriteAsync($"event: {name}\ndata: {JsonSerializer.Serialize(data, type)}\n\n", cancellation);
        await response.Body.FlushAsync(cancellation);
    }

    public async Task KeepAliveAsync()
    {
        await response.WriteAsync(": still here\n\n", cancellation);
        await response.Body.FlushAsync(cancellation);
    }
}
