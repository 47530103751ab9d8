using Microtome.Dictionaries;
using Microtome.Studio.Jobs;

namespace Microtome.Studio.Features;

/// <summary>Shows indexing as a job's progress.</summary>
internal sealed class IndexPhases(Job job) : IProgress<IndexingProgress>
{
    public void Report(IndexingProgress value) => job.Report(value.Phase, value.Fraction);
}
