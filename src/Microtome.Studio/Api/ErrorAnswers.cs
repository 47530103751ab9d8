using System.Text.Json;
using Microtome.Models.Hub;

namespace Microtome.Studio.Api;

/// <summary>Turns what can go wrong into problem details; no answer has a stack trace.</summary>
internal static class ErrorAnswers
{
    private const string TooLarge = "The body is larger than this request may have; docs/studio-api.md lists the bounds.";

    public static async Task Handle(HttpContext context, Func<Task> next)
    {
        try
        {
            await next();
            if (context.Response.HasStarted || context.Response.StatusCode < 400 || context.Response.ContentLength is not null || context.Response.ContentType is not null) return;
            int status = context.Response.StatusCode;
            await Problems.Of(status, status switch
            {
                404 => $"There is nothing at {context.Request.Path}; /openapi.json lists what there is.",
                405 => $"{context.Request.Path} does not take {context.Request.Method}.",
                413 => TooLarge,
                415 => "The body must be JSON (Content-Type: application/json).",
                _ => "The request could not be read; /openapi.json says what it must look like.",
            }).ExecuteAsync(context);
        }
        catch (OperationCanceledException)
        {
            // The client left, or the server ends.
            if (!context.Response.HasStarted) context.Response.StatusCode = 499;
        }
        catch (Exception exception) when (!context.Response.HasStarted && StatusOf(exception) is { } status)
        {
            await Problems.Of(status, MessageOf(exception)).ExecuteAsync(context);
        }
    }

    /// <summary>Null for mistakes of the program's own.</summary>
    public static int? StatusOf(Exception exception) => exception switch
    {
        RequestException request => request.Status,
        BadHttpRequestException request => request.StatusCode,
        JsonException or ArgumentException or InvalidDataException or HubException => 400,
        IOException or UnauthorizedAccessException or OutOfMemoryException => 500,
        _ => null,
    };

    public static string MessageOf(Exception exception) => exception switch
    {
        BadHttpRequestException { StatusCode: 413 } => TooLarge,
        BadHttpRequestException { InnerException: JsonException json } => MessageOf(json),
        JsonException json => $"The JSON cannot be used at {json.Path ?? "$"}, line {(json.LineNumber ?? 0) + 1}: it must be as /openapi.json describes.",
        OutOfMemoryException => "There is not enough memory; trace fewer features.",
        ArgumentException { ParamName: { } name } argument => argument.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal),
        _ => StatusOf(exception) is null ? $"The program made a mistake ({exception.GetType().Name})." : exception.Message,
    };
}
