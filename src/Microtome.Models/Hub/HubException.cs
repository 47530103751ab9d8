using System.Net;

namespace Microtome.Models.Hub;

/// <summary>A model could not be had from the Hub or its cache. The message says what was asked for, what went wrong and what to do.</summary>
public sealed class HubException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>The status the server answered with; null when there was no answer or the fault lies elsewhere.</summary>
    public HttpStatusCode? Status { get; internal init; }

    /// <summary>Whether the same request may succeed later: a dropped connection, a busy server.</summary>
    internal bool IsTransient { get; init; }

    /// <summary>How long the server asks to be left alone.</summary>
    internal TimeSpan? RetryAfter { get; init; }

    /// <summary>The commit that has no such file, when that is what the server says.</summary>
    internal string? MissingIn { get; init; }
}
