using System.Runtime.ExceptionServices;
using System.Text.Json.Serialization.Metadata;
using Microtome.Studio.Api;
using Microtome.Studio.Storage;

namespace Microtome.Studio.Jobs;

/// <summary>Work whose request waits for it, one at a time; it ends when the request does.</summary>
internal static class InteractiveAnswers
{
    /// <summary>Answers with what the work returns, as one JSON object or, where events are asked for, as progress and a <c>result</c>.</summary>
    public static async Task AnswerAsync<T>(this JobBoard jobs, HttpContext context, string kind, string? model, JsonTypeInfo<T> type, Func<Job, CancellationToken, T> work) where T : class
    {
        T? result = null;
        using Job job = new(DataFolder.NewId(), kind, model, keep: false, (job, cancellation) =>
        {
            result = work(job, cancellation);
            return Task.CompletedTask;
        });
        jobs.Interactive.Add(job);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, jobs.Stopping);
        using CancellationTokenRegistration leaving = either.Token.Register(job.Cancel);
        if (EventStream.IsWanted(context.Request))
        {
            EventStream events = EventStream.Begin(context, either.Token);
            while (true)
            {
                Task change = job.NextChange();
                JobRecord record = job.Record();
                if (job.HasEnded) break;
                await events.SendAsync(record.State == "queued" ? "queued" : "progress", record, StudioJson.Default.JobRecord);
                await change;
            }
            if (result is not null && job.State == JobState.Done) await events.SendAsync("result", result, type);
            else await events.SendAsync(job.Record().State, job.Record(), StudioJson.Default.JobRecord);
            return;
        }
        await job.Ended;
        either.Token.ThrowIfCancellationRequested();
        if (job.Failure is not null) ExceptionDispatchInfo.Throw(job.Failure);
        await TypedResults.Json(result!, type).ExecuteAsync(context);
    }
}
