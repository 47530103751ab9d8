using Microsoft.AspNetCore.Http.Metadata;

namespace Microtome.Studio.Api;

/// <summary>What the API's description says beyond requests' and answers' types.</summary>
internal static class EndpointMetadata
{
    /// <summary>The answer is a stream of events.</summary>
    public static TBuilder Streams<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(string), [EventStream.ContentType]));

    /// <summary>The answer is JSON of a type, written by hand.</summary>
    public static RouteHandlerBuilder Answers<T>(this RouteHandlerBuilder builder, int status = StatusCodes.Status200OK) =>
        builder.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(T), ["application/json"]));

    /// <summary>The body is a file of at most <see cref="RequestBounds.Upload"/> bytes.</summary>
    public static TBuilder Uploads<TBuilder>(this TBuilder builder, string contentType) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AcceptsMetadata([contentType], typeof(byte[])));

    /// <summary>The answer is a file.</summary>
    public static TBuilder Downloads<TBuilder>(this TBuilder builder, string contentType) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(byte[]), [contentType]));
}
