using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Maintenance;

/// <summary>
/// Puts back into the streams what they lost: this is what makes an outbox needless. Safe on every worker at once; a job added twice is claimed
/// once.
/// </summary>
public sealed class QueueSweeper(QueueStore queue, JobStream stream, ILogger<QueueSweeper> logger)
{
    /// <summary>Time between sweeps.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    // Younger rows are most likely on their way into the stream.
    private static readonly TimeSpan OldEnough = TimeSpan.FromSeconds(5);

    // A row that is this much older than its stream's oldest entry is not in the stream.
    private static readonly TimeSpan FarOlder = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan MissedEvery = TimeSpan.FromMinutes(1);

    // A flushed Redis is rebuilt in batches: the next sweep adds more when these are taken.
    private const int Batch = 1000;

    /// <summary>Sweeps once. True: jobs were put back.</summary>
    public async Task<bool> RunOnceAsync(CancellationToken cancellationToken)
    {
        var swept = 0;
        var waiting = (await queue.OldestAsync(cancellationToken)).Where(w => w.Now - w.QueuedAt > OldEnough).ToList();
        if (waiting.Count > 0 && await stream.OldestAsync() is { } entries)
        {
            foreach (var (priority, queuedAt, now) in waiting)
            {
                swept += entries[priority] is not { } entry ? await RefillAsync(priority, now - OldEnough, cancellationToken)
                    : queuedAt < entry - FarOlder ? await AddMissedAsync(priority, entry - FarOlder, cancellationToken)
                    : 0;
            }
        }

        if (swept > 0)
        {
            Log.SweptJobs(logger, swept);
        }

        return swept > 0;
    }

    private async Task<int> RefillAsync(short priority, DateTimeOffset before, CancellationToken cancellationToken)
    {
        var jobs = await queue.QueuedBeforeAsync(priority, before, Batch, cancellationToken);
        return jobs.Count > 0 ? await stream.FillAsync(priority, jobs) : 0;
    }

    private async Task<int> AddMissedAsync(short priority, DateTimeOffset before, CancellationToken cancellationToken)
    {
        // They stay the oldest rows until somebody takes them, so without a gate every sweep of every worker would add them again.
        if (!await stream.TryEnterAsync($"missed:{priority}", MissedEvery))
        {
            return 0;
        }

        var jobs = await queue.QueuedBeforeAsync(priority, before, Batch, cancellationToken);
        await stream.AddAsync([.. jobs.Select(id => new QueuedJob(id, priority))]);
        return jobs.Count;
    }
}
