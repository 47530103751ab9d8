namespace Microtome.Studio.Api;

/// <summary>The largest bodies and answers.</summary>
internal static class RequestBounds
{
    /// <summary>Bytes of a request's JSON.</summary>
    public const int Body = 1 << 20;

    /// <summary>Bytes of an uploaded graph or vector.</summary>
    public const int Upload = 1 << 26;

    /// <summary>Edges in one answer.</summary>
    public const int EdgesSent = 1_000_000;

    /// <exception cref="RequestException">The number is outside of its range.</exception>
    public static int Within(int value, int least, int most, string name) =>
        value >= least && value <= most ? value : throw RequestException.Bad($"'{name}' is {value}; it must be from {least} to {most}.");
}
