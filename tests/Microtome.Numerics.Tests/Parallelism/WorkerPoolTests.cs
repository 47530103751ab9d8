using System.Diagnostics;
using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Parallelism;

[Collection(nameof(WorkerPool))]
public sealed class WorkerPoolTests : IDisposable
{
    private readonly int _threads = WorkerPool.Threads;

    public WorkerPoolTests() => WorkerPool.Threads = 4;

    public void Dispose() => WorkerPool.Threads = _threads;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10_000)]
    public void Each_index_is_visited_once(int count)
    {
        for (int round = 0; round < 20; round++)
        {
            int[] visits = new int[count];
            WorkerPool.For(count, i => Interlocked.Increment(ref visits[i]));
            visits.ShouldAllBe(visited => visited == 1);
        }
    }

    [Fact]
    public void Several_threads_take_part()
    {
        using Barrier together = new(4);
        WorkerPool.For(4, _ => together.SignalAndWait());
    }

    [Fact]
    public void No_more_threads_than_asked_for_take_part()
    {
        WorkerPool.Threads = 2;
        int active = 0, most = 0;
        WorkerPool.For(50, _ =>
        {
            int now = Interlocked.Increment(ref active);
            int seen;
            while ((seen = Volatile.Read(ref most)) < now) Interlocked.CompareExchange(ref most, now, seen);
            Thread.Sleep(1);
            Interlocked.Decrement(ref active);
        });
        most.ShouldBe(2);
    }

    [Fact]
    public void A_loop_inside_a_loop_runs_on_the_same_thread_in_order()
    {
        WorkerPool.For(16, _ =>
        {
            int thread = Environment.CurrentManagedThreadId;
            List<int> visited = [];
            WorkerPool.For(5, i =>
            {
                Environment.CurrentManagedThreadId.ShouldBe(thread);
                visited.Add(i);
            });
            visited.ShouldBe([0, 1, 2, 3, 4]);
        });
    }

    [Fact]
    public void The_first_exception_reaches_the_caller_and_the_pool_works_on()
    {
        for (int round = 0; round < 20; round++)
            Should.Throw<InvalidTimeZoneException>(() => WorkerPool.For(100, i =>
            {
                if (i == 7) throw new InvalidTimeZoneException();
            }));
        int sum = 0;
        WorkerPool.For(100, i => Interlocked.Add(ref sum, i));
        sum.ShouldBe(4950);
    }

    [Fact]
    public void A_failed_loop_takes_no_further_indexes()
    {
        WorkerPool.Threads = 1;
        int visited = 0;
        Should.Throw<InvalidTimeZoneException>(() => WorkerPool.For(100, _ =>
        {
            visited++;
            throw new InvalidTimeZoneException();
        }));
        visited.ShouldBe(1);
    }

    [Fact]
    public async Task Loops_from_many_threads_at_once_all_finish()
    {
        long total = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(
            () =>
            {
                for (int round = 0; round < 500; round++)
                    WorkerPool.For(20, i => Interlocked.Add(ref total, i));
            },
            TaskCreationOptions.LongRunning)));
        total.ShouldBe(8 * 500 * 190);
    }

    [Fact]
    public void Idle_workers_cost_no_processor_time()
    {
        WorkerPool.For(4, _ => Thread.Sleep(1));
        Thread.Sleep(50);
        using Process process = Process.GetCurrentProcess();
        TimeSpan before = process.TotalProcessorTime;
        Thread.Sleep(300);
        process.Refresh();
        (process.TotalProcessorTime - before).ShouldBeLessThan(TimeSpan.FromMilliseconds(150));
    }

    [Fact]
    public void Fewer_than_one_thread_is_refused() =>
        Should.Throw<ArgumentOutOfRangeException>(() => WorkerPool.Threads = 0);
}
