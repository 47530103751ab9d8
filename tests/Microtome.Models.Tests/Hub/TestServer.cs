using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Microtome.Models.Tests.Hub;

/// <summary>A request as it came over the wire.</summary>
internal sealed record Request(string Method, string Target, IReadOnlyDictionary<string, string> Headers)
{
    public string? Authorization => Headers.GetValueOrDefault("Authorization");
    public string? Range => Headers.GetValueOrDefault("Range");
}

/// <summary>What to send back, down to a body that does not keep what its head promises.</summary>
internal sealed record Reply(int Status, byte[] Body)
{
    public Dictionary<string, string> Headers { get; init; } = [];

    /// <summary>The length the head declares, if not the body's.</summary>
    public long? DeclaredLength { get; init; }

    /// <summary>Send so many bytes of the body, then…</summary>
    public int? StopAfter { get; init; }

    /// <summary>…wait for this before closing the connection.</summary>
    public Task Pause { get; init; } = Task.CompletedTask;

    public static Reply Of(int status, params (string Name, string Value)[] headers) =>
        new(status, []) { Headers = headers.ToDictionary(h => h.Name, h => h.Value) };
}

/// <summary>An HTTP/1.1 server on the loopback interface, one request for each connection.</summary>
internal sealed class TestServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly Func<Request, Reply> answer;

    public TestServer(Func<Request, Reply> answer)
    {
        this.answer = answer;
        listener.Start();
        _ = AcceptAsync();
    }

    public ConcurrentQueue<Request> Requests { get; } = [];

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

    public void Dispose() => listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await listener.AcceptTcpClientAsync();
                _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient connection = client;
        try
        {
            NetworkStream stream = connection.GetStream();
            Request request = await ReadAsync(stream);
            Requests.Enqueue(request);
            Reply reply = answer(request);
            StringBuilder head = new($"HTTP/1.1 {reply.Status} Status\r\nConnection: close\r\n");
            head.Append($"Content-Length: {reply.DeclaredLength ?? reply.Body.Length}\r\n");
            foreach ((string name, string value) in reply.Headers) head.Append($"{name}: {value}\r\n");
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()));
            if (request.Method != "HEAD") await stream.WriteAsync(reply.Body.AsMemory(0, reply.StopAfter ?? reply.Body.Length));
            await stream.FlushAsync();
            await reply.Pause;
        }
        catch (IOException)
        {
            // The client went away.
        }
    }

    private static async Task<Request> ReadAsync(NetworkStream stream)
    {
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one);
            head.Append((char)one[0]);
        }
        string[] lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        string[] first = lines[0].Split(' ');
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        foreach (string line in lines.Skip(1)) headers[line[..line.IndexOf(':')]] = line[(line.IndexOf(':') + 1)..].Trim();
        return new Request(first[0], first[1], headers);
    }
}
