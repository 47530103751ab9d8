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
    public void Idle_workers_sleep()
    {
        if (!OperatingSystem.IsLinux()) return; // the system's own word on what its threads do is only read there
        WorkerPool.For(4, _ => Thread.Sleep(1));
        WorkerStates().ShouldNotBeEmpty();
        // A worker that waits at full speed is running whenever one looks; one that sleeps is not. Other tests may use the pool in between.
        Enumerable.Range(0, 200).Any(_ =>
        {
            Thread.Sleep(5);
            return WorkerStates().All(state => state == 'S');
        }).ShouldBeTrue();
    }

    /// <summary>What each of the pool's threads does, as the system calls it: R for running, S for sleeping.</summary>
    private static List<char> WorkerStates()
    {
        List<char> states = [];
        foreach (string thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            string stat = File.ReadAllText(Path.Combine(thread, "stat"));
            if (stat.Contains("(Microtome", StringComparison.Ordinal)) states.Add(stat[stat.LastIndexOf(')') + 2]);
        }
        return states;
    }

    [Fact]
    public void Fewer_than_one_thread_is_refused() =>
        Should.Throw<ArgumentOutOfRangeException>(() => WorkerPool.Threads = 0);
}
