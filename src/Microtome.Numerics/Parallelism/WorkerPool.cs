namespace Microtome.Numerics;

/// <summary>Runs independent pieces of work on all cores. What a piece computes must not depend on which thread runs it.</summary>
public static class WorkerPool
{
    /// <summary>How many threads work at once, this one included; the number of processors unless set.</summary>
    public static int Threads { get; set; } = Environment.ProcessorCount;

    /// <summary>Calls <paramref name="body"/> once for each index below <paramref name="count"/>, in any order, and returns when all are done.</summary>
    public static void For(int count, Action<int> body)
    {
        if (Threads == 1 || count <= 1)
        {
            for (int i = 0; i < count; i++) body(i);
            return;
        }
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Threads }, body);
    }
}
