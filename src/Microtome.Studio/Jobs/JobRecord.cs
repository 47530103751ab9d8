using Microtome.Studio.Traces;

namespace Microtome.Studio.Jobs;

/// <summary>How a piece of long work stands.</summary>
/// <param name="Kind">trace, index or load.</param>
/// <param name="State">queued, running, done, failed or cancelled.</param>
/// <param name="Place">While queued: how much runs before it. Null afterwards.</param>
/// <param name="Phase">What is being done.</param>
/// <param name="Fraction">Of the phase, from 0 to 1; null where it is not known.</param>
/// <param name="Detail">More about the phase, such as how large the work is.</param>
/// <param name="Error">What went wrong.</param>
/// <param name="Model">The model it is about.</param>
/// <param name="Trace">The finished trace.</param>
public sealed record JobRecord(string Id, string Kind, string State, int? Place, string? Phase, double? Fraction, string? Detail, string? Error, string? Model, TraceRecord? Trace = null);

public sealed record JobList(IReadOnlyList<JobRecord> Jobs);
