namespace Microtome.Studio.Jobs;

internal enum JobState
{
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// <summary>A piece of long work that can be watched and cancelled.</summary>
internal sealed class Job(string id, string kind, string? model, bool keep, Func<Job, CancellationToken, Task> work) : IDisposable
{
    /// <summary>How long work goes on unwatched after its last watcher left: a page may be reloading.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _cancellation = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _watchers;
    private int _departures;

    public string Id => id;

    public string Kind => kind;

    public string? Model => model;

    public JobState State { get; private set; }

    public int Place { get; private set; }

    public string? Phase { get; private set; }

    public double? Fraction { get; private set; }

    public string? Detail { get; private set; }

    public string? Error { get; private set; }

    /// <summary>What was thrown, where it failed.</summary>
    public Exception? Failure { get; private set; }

    public bool HasEnded => State > JobState.Running;

    /// <summary>Done when the work is over, however it went.</summary>
    public Task Ended => _ended.Task;

    public JobRecord Record(Traces.TraceRecord? trace = null)
    {
        lock (_lock)
            return new JobRecord(id, kind, State.ToString().ToLowerInvariant(), HasEnded ? null : Place, Phase, Fraction, Detail, Error, model, trace);
    }

    /// <summary>A task that ends at the next change after this call.</summary>
    public Task NextChange()
    {
        lock (_lock) return _changed.Task;
    }

    public void Report(string phase, double? fraction = null, string? detail = null) => Change(() =>
    {
        if (phase != Phase) Detail = null;
        (Phase, Fraction, Detail) = (phase, fraction, detail ?? Detail);
    });

    public void MoveTo(int place)
    {
        if (place != Place) Change(() => Place = place);
    }

    public void Cancel()
    {
        if (!HasEnded) _cancellation.Cancel();
    }

    /// <summary>Counts a watcher until the result is disposed of. When the last one leaves before the end, the work is cancelled after a moment, unless it is kept.</summary>
    public IDisposable Watch()
    {
        lock (_lock) _watchers++;
        return new Watcher(this);
    }

    /// <summary>Does the work; never throws.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(_cancellation.Token, stopping);
        try
        {
            either.Token.ThrowIfCancellationRequested();
            Change(() => (State, Place) = (JobState.Running, 0));
            await Task.Run(() => work(this, either.Token), either.Token);
            End(JobState.Done, null);
        }
        catch (OperationCanceledException)
        {
            End(JobState.Cancelled, null);
        }
#pragma warning disable CA1031 // whatever went wrong is told to who watches, and the next job runs
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Failure = exception;
            End(JobState.Failed, Api.ErrorAnswers.MessageOf(exception));
        }
    }

    /// <summary>Ends what was cancelled before it began.</summary>
    public void EndUnstarted() => End(JobState.Cancelled, null);

    /// <summary>Called when cancelled.</summary>
    public CancellationTokenRegistration OnCancel(Action action) => _cancellation.Token.Register(action);

    public void Dispose() => _cancellation.Dispose();

    private void End(JobState state, string? error)
    {
        Change(() => (State, Error) = (state, error));
        _ended.TrySetResult();
    }

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            if (HasEnded) return;
            change();
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        changed.SetResult();
    }

    private void Leave()
    {
        int departure;
        lock (_lock)
        {
            departure = ++_departures;
            if (--_watchers > 0 || keep || HasEnded) return;
        }
        _ = CancelUnwatchedAsync(departure);
    }

    private async Task CancelUnwatchedAsync(int departure)
    {
        await Task.Delay(Grace);
        lock (_lock)
            if (_watchers > 0 || _departures != departure) return;
        Cancel();
    }

    private sealed class Watcher(Job job) : IDisposable
    {
        private Job? _job = job;

        public void Dispose() => Interlocked.Exchange(ref _job, null)?.Leave();
    }
}
