using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Microtome.Numerics;

/// <summary>One parallel loop: indexes to take, threads that take them, the first failure.</summary>
internal sealed class WorkerJob(int count, Action<int> body, int helpers)
{
    private int _wanted = helpers;
    private int _active;
    private long _next;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Lets the calling thread take part; false when it is the last one wanted.</summary>
    public bool Join()
    {
        Interlocked.Increment(ref _active);
        return --_wanted > 0;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _active) != 0) return;
        lock (this) Monitor.PulseAll(this);
    }

    public void Work()
    {
        try
        {
            for (long index; (index = Interlocked.Increment(ref _next) - 1) < count;) body((int)index);
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
            Interlocked.Exchange(ref _next, count);
        }
    }

    /// <summary>Returns when no thread works any more; nobody may join now.</summary>
    public void WaitForHelpers(long spinTicks)
    {
        long end = Stopwatch.GetTimestamp() + spinTicks;
        while (Volatile.Read(ref _active) != 0)
        {
            if (Stopwatch.GetTimestamp() < end)
            {
                Thread.SpinWait(4);
                continue;
            }
            lock (this)
                while (Volatile.Read(ref _active) != 0) Monitor.Wait(this);
        }
    }

    public void ThrowIfFailed() => _failure?.Throw();
}
