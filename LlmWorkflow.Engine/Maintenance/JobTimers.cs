using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Engine.Maintenance;

/// <summary>Queues the jobs whose time has come: <c>run_at</c>, the end of a <c>wait</c>, the longest wait of an <c>approval</c>. Safe on every worker at once.</summary>
public sealed class JobTimers(QueueStore queue, JobStream stream, JobEventBus bus)
{
    /// <summary>Time between looks, each one probe of two small indexes. A wait of seconds should not last noticeably longer.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);

    private const int Batch = 1000;

    /// <summary>Looks once. True: there may be more.</summary>
    public async Task<bool> RunOnceAsync(CancellationToken cancellationToken)
    {
        var pending = await queue.PromoteAsync(Batch, cancellationToken);
        var parked = await queue.WakeAsync(Batch, cancellationToken);
        if (pending.Count + parked.Count > 0)
        {
            await stream.AddAsync([.. pending, .. parked]);
            foreach (var job in parked)
            {
                bus.Nudge(job.JobId);
            }
        }

        return pending.Count == Batch || parked.Count == Batch;
    }
}
