using System.Collections.Concurrent;
using Microtome.Studio.Api;

namespace Microtome.Studio.Jobs;

/// <summary>All jobs of this run by id, and the queues that they run in.</summary>
internal sealed class JobBoard(CancellationToken stopping)
{
    private const int MostRemembered = 200;
    private readonly ConcurrentDictionary<string, Job> _jobs = [];
    private readonly ConcurrentQueue<string> _order = [];

    /// <summary>Ends when the server does.</summary>
    public CancellationToken Stopping => stopping;

    public JobQueue Traces { get; } = new(stopping);

    public JobQueue Indexes { get; } = new(stopping);

    public JobQueue Loads { get; } = new(stopping);

    /// <summary>Short work that a person waits for: checks and steering.</summary>
    public JobQueue Interactive { get; } = new(stopping);

    public Job Start(JobQueue queue, string id, string kind, string? model, bool keep, Func<Job, CancellationToken, Task> work)
    {
        Job job = new(id, kind, model, keep, work);
        _jobs[id] = job;
        _order.Enqueue(id);
        Forget();
        try
        {
            queue.Add(job);
        }
        catch
        {
            _jobs.TryRemove(id, out _);
            throw;
        }
        return job;
    }

    public Job? Find(string id) => _jobs.GetValueOrDefault(id);

    public Job Get(string id) => Find(id) ?? throw RequestException.NotFound($"There is no job '{id}'; jobs are kept while the studio runs.");

    public IEnumerable<Job> All => _order.Select(Find).OfType<Job>();

    /// <summary>Sends a job's changes until it ends, at most twenty a second.</summary>
    public async Task WatchAsync(Job job, HttpContext context, Func<Job, JobRecord> recordOf)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        using IDisposable watch = job.Watch();
        EventStream events = EventStream.Begin(context, either.Token);
        while (true)
        {
            Task change = job.NextChange();
            JobRecord record = recordOf(job);
            bool ended = record.State is not ("queued" or "running");
            await events.SendAsync(ended ? record.State : "progress", record, StudioJson.Default.JobRecord);
            if (ended) return;
            await Task.Delay(50, either.Token);
            while (await Task.WhenAny(change, Task.Delay(EventStream.Heartbeat, either.Token)) != change)
            {
                either.Token.ThrowIfCancellationRequested();
                await events.KeepAliveAsync();
            }
        }
    }

    private void Forget()
    {
        while (_order.Count > MostRemembered && _order.TryPeek(out string? oldest) && Find(oldest) is null or { HasEnded: true })
            if (_order.TryDequeue(out oldest)) _jobs.TryRemove(oldest, out _);
    }
}
