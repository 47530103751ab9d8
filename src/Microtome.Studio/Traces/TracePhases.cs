using Microtome.Circuits;
using Microtome.Studio.Jobs;

namespace Microtome.Studio.Traces;

/// <summary>Shows the phases of an attribution as a job's progress.</summary>
internal sealed class TracePhases(Job job) : IProgress<AttributionProgress>
{
    public void Report(AttributionProgress value)
    {
        string? detail = value.Plan is { } plan ? FormattableString.Invariant($"{plan.Features:N0} active features, {plan.Rows:N0} rows of {plan.Sources:N0} sources, {plan.Bytes / 1048576.0:N1} MB") : null;
        job.Report(value.Phase.ToString().ToLowerInvariant(), value.Phase is AttributionPhase.Forward or AttributionPhase.Targets ? null : value.Fraction, detail);
    }
}
