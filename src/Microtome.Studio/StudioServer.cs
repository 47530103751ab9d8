using System.Net;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microtome.Studio.Access;
using Microtome.Studio.Api;
using Microtome.Studio.Serving;
using Microtome.Studio.Storage;

namespace Microtome.Studio;

/// <summary>The studio's web server, on the loopback address.</summary>
public sealed class StudioServer : IAsyncDisposable
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);
    private readonly WebApplication _application;
    private readonly StudioDatabase _database;
    private readonly CancellationTokenSource _stopping;
    private readonly AccessToken _token;

    private StudioServer(WebApplication application, StudioDatabase database, CancellationTokenSource stopping, AccessToken token) =>
        (_application, _database, _stopping, _token) = (application, database, stopping, token);

    /// <summary>Where it listens, such as <c>http://127.0.0.1:5000</c>.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1");

    /// <summary>The secret that requests must bring.</summary>
    public string Token => _token.Text;

    /// <summary>What to open in a browser.</summary>
    public Uri Entrance => new(Address, $"/?token={Token}");

    internal IEnumerable<RouteEndpoint> Endpoints => ((IEndpointRouteBuilder)_application).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>();

    internal StudioRooms? Rooms { get; private set; }

    internal static string Version { get; } = typeof(StudioServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>Opens the data folder and begins to listen.</summary>
    /// <exception cref="IOException">The folder cannot be used, or the port is taken.</exception>
    /// <exception cref="InvalidDataException">The database is damaged or newer than this program.</exception>
    public static async Task<StudioServer> StartAsync(StudioOptions options, CancellationToken cancellation = default)
    {
        DataFolder data = new(options.DataFolder);
        StudioDatabase database = new(data.Database);
        CancellationTokenSource stopping = new();
        AccessToken token = new();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "microtome", ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, options.Port, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = RequestBounds.Body;
            kestrel.Limits.MaxConcurrentConnections = 256;
        });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<RouteHandlerOptions>(routing => routing.ThrowOnBadRequest = true); // so that answers can say what was wrong
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, StudioJson.Default);
            json.SerializerOptions.Encoder = JavaScriptEncoder.Create(UnicodeRanges.All); // letters as they are; what HTML would read is escaped
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Farewell);
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();

        WebApplication application = builder.Build();
        StudioServer server = new(application, database, stopping, token);
        try
        {
            StudioRooms rooms = new(options, data, database, stopping.Token);
            server.Rooms = rooms;
            AccessGuard guard = new(token);
            application.Use((context, next) => ErrorAnswers.Handle(context, () => guard.Handle(context, () => EmbeddedPage.Handle(context, () => next(context)))));
            application.UseRouting();
            Api.Endpoints.Map(application, rooms);
            application.UseEndpoints(_ => { });
            await application.StartAsync(cancellation);
            server.Address = new Uri(application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
            rooms.Warm();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends: streams close, jobs are cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _application.DisposeAsync();
        Rooms?.Dispose();
        _database.Dispose();
        _stopping.Dispose();
    }

    /// <summary>Ctrl-C is the command's to hear.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
