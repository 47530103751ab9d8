using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Microtome.Studio.Api;

/// <summary>Server-sent events (HTML standard, section 9.2), each flushed at once.</summary>
internal sealed class EventStream(HttpResponse response, CancellationToken cancellation)
{
    private Task _last = Task.CompletedTask;
    private readonly Lock _lock = new();

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

    /// <summary>Sends an event after those before it.</summary>
    public Task SendAsync<T>(string name, T data, JsonTypeInfo<T> type) => WriteAsync($"event: {name}\ndata: {JsonSerializer.Serialize(data, type)}\n\n");

    public Task KeepAliveAsync() => WriteAsync(": still here\n\n");

    private Task WriteAsync(string text)
    {
        lock (_lock) return _last = After(_last, text);
    }

    private async Task After(Task last, string text)
    {
        await last;
        await response.WriteAsync(text, cancellation);
        await response.Body.FlushAsync(cancellation);
    }
}
