using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Parallelism;

/// <summary>Tests that change the number of threads do not run beside others.</summary>
[CollectionDefinition(nameof(WorkerPool), DisableParallelization = true)]
public sealed class WorkerPoolCollection;
