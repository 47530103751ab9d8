namespace Microtome.Studio.Api;

/// <summary>Refusals as problem details (RFC 9457).</summary>
/// <param name="Title">The kind of refusal.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What is wrong and what would be right.</param>
public sealed record Problem(string Title, int Status, string Detail);

/// <summary>Thrown where a request cannot be answered.</summary>
internal sealed class RequestException(int status, string detail) : Exception(detail)
{
    public int Status => status;

    public static RequestException NotFound(string detail) => new(StatusCodes.Status404NotFound, detail);

    public static RequestException Conflict(string detail) => new(StatusCodes.Status409Conflict, detail);

    public static RequestException Bad(string detail) => new(StatusCodes.Status400BadRequest, detail);

    public static RequestException Forbidden(string detail) => new(StatusCodes.Status403Forbidden, detail);

    public static RequestException TooLarge(string detail) => new(StatusCodes.Status413PayloadTooLarge, detail);
}

internal static class Problems
{
    public static IResult Unauthorized(string detail) => Of(StatusCodes.Status401Unauthorized, detail);

    public static IResult Forbidden(string detail) => Of(StatusCodes.Status403Forbidden, detail);

    public static IResult Of(int status, string detail) =>
        TypedResults.Json(new Problem(Title(status), status, detail), StudioJson.Default.Problem, "application/problem+json", status);

    private static string Title(int status) => status switch
    {
        400 => "Bad request",
        401 => "No access",
        403 => "Forbidden",
        404 => "Not found",
        405 => "Method not allowed",
        409 => "Conflict",
        413 => "Too large",
        415 => "Wrong type",
        _ => "The request failed",
    };
}
