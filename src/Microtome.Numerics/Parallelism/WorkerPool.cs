using System.Diagnostics;

namespace Microtome.Numerics;

/// <summary>
/// Runs independent pieces of work on all cores. What a piece computes must not depend on which thread runs it. The threads start
/// with the first work for them; they wait for more for some microseconds at full speed, and then sleep.
/// </summary>
public static class WorkerPool
{
    private static readonly long SpinTicks = Stopwatch.Frequency / 20_000; // 50 µs
    private static readonly object Gate = new();
    private static readonly List<WorkerJob> Jobs = []; // those that more threads may join
    private static int s_threads = Environment.ProcessorCount;
    private static int s_workers;
    private static int s_spinning;
    private static int s_sleeping;
    private static volatile bool s_hasJobs;

    [ThreadStatic]
    private static bool t_working;

    /// <summary>How many threads work at once on one <see cref="For"/>, the calling one included; the number of processors unless set.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 1.</exception>
    public static int Threads
    {
        get => s_threads;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            s_threads = value;
        }
    }

    /// <summary>
    /// Calls <paramref name="body"/> once for each index below <paramref name="count"/>, in any order, and returns when all are done. Inside a
    /// body it runs in order on the same thread.
    /// </summary>
    /// <exception cref="Exception">The first that a body threw; the indexes that were not taken by then are left out.</exception>
    public static void For(int count, Action<int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        int helpers = Math.Min(s_threads, count) - 1;
        if (helpers <= 0 || t_working)
        {
            for (int i = 0; i < count; i++) body(i);
            return;
        }
        WorkerJob job = new(count, body, helpers);
        Post(job, helpers);
        Work(job);
        lock (Gate) Withdraw(job);
        job.WaitForHelpers(SpinTicks);
        job.ThrowIfFailed();
    }

    private static void Work(WorkerJob job)
    {
        t_working = true;
        try
        {
            job.Work();
        }
        finally
        {
            t_working = false;
        }
    }

    private static void Post(WorkerJob job, int helpers)
    {
        lock (Gate)
        {
            for (; s_workers < helpers; s_workers++)
                new Thread(WorkerLoop) { IsBackground = true, Name = $"Microtome worker {s_workers + 1}" }.Start();
            Jobs.Add(job);
            s_hasJobs = true;
            int wake = Math.Min(s_sleeping, helpers - s_spinning);
            for (int i = 0; i < wake; i++) Monitor.Pulse(Gate);
        }
    }

    private static void Withdraw(WorkerJob job)
    {
        Jobs.Remove(job);
        s_hasJobs = Jobs.Count > 0;
    }

    private static void WorkerLoop()
    {
        while (true)
        {
            WorkerJob job = Spin() ?? Sleep();
            Work(job);
            job.Leave();
        }
    }

    private static WorkerJob? Spin()
    {
        Interlocked.Increment(ref s_spinning);
        WorkerJob? job = null;
        long end = Stopwatch.GetTimestamp() + SpinTicks;
        do
        {
            if (s_hasJobs)
                lock (Gate) job = TryJoin();
            else
                Thread.SpinWait(8);
        }
        while (job is null && Stopwatch.GetTimestamp() < end);
        Interlocked.Decrement(ref s_spinning);
        return job;
    }

    private static WorkerJob Sleep()
    {
        lock (Gate)
        {
            while (true)
            {
                if (TryJoin() is { } job) return job;
                s_sleeping++;
                Monitor.Wait(Gate);
                s_sleeping--;
            }
        }
    }

    /// <summary>Joins the oldest job that wants more threads. The caller holds the gate.</summary>
    private static WorkerJob? TryJoin()
    {
        if (Jobs.Count == 0) return null;
        WorkerJob job = Jobs[0];
        if (!job.Join()) Withdraw(job);
        return job;
    }
}
