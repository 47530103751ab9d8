namespace Microtome.Studio.Jobs;

/// <summary>Runs jobs one at a time, in the order in which they came.</summary>
internal sealed class JobQueue(CancellationToken stopping)
{
    /// <summary>The most jobs that wait.</summary>
    public const int Longest = 100;

    private readonly Lock _lock = new();
    private readonly LinkedList<Job> _waiting = [];
    private Job? _running;

    /// <exception cref="Api.RequestException">Too many wait already.</exception>
    public void Add(Job job)
    {
        lock (_lock)
        {
            if (_waiting.Count >= Longest) throw Api.RequestException.Conflict($"{Longest} jobs wait already; cancel some or wait.");
            _waiting.AddLast(job);
            ShowPlaces();
            if (_running is null) StartNext();
        }
        job.OnCancel(() => Withdraw(job));
    }

    private void Withdraw(Job job)
    {
        lock (_lock)
        {
            if (!_waiting.Remove(job)) return;
            ShowPlaces();
        }
        job.EndUnstarted();
    }

    /// <summary>The caller holds the lock.</summary>
    private void StartNext()
    {
        _running = _waiting.First?.Value;
        if (_running is null) return;
        _waiting.RemoveFirst();
        ShowPlaces();
        _ = RunAsync(_running);
    }

    private async Task RunAsync(Job job)
    {
        await job.RunAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        lock (_lock) StartNext();
    }

    private void ShowPlaces()
    {
        int place = _running is null ? 0 : 1;
        foreach (Job job in _waiting) job.MoveTo(place++);
    }
}
