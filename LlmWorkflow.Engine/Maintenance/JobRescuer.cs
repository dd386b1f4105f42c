using System.Diagnostics;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Maintenance;

/// <summary>
/// Queues the jobs of dead workers again; never runs one. A worker is dead when its lease has run out, or at once when it ran on this host
/// and boot and its process is gone. Safe on every worker at once.
/// </summary>
public sealed class JobRescuer(LeaseStore leases, JobStore jobs, JobStream stream, WorkerLease worker, TimeProvider time, ILogger<JobRescuer> logger)
{
    /// <summary>Time between looks.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    /// <summary>Looks once. True: jobs were found.</summary>
    public async Task<bool> RunOnceAsync(CancellationToken cancellationToken)
    {
        await ExpireDeadOnHostAsync(cancellationToken);
        var found = false;
        foreach (var gone in await leases.GoneAsync(cancellationToken))
        {
            found |= await RescueAsync(gone, "its lease ran out", countTakeover: true, cancellationToken);
        }

        return found;
    }

    /// <summary>
    /// Queues the jobs of one worker again and removes it. A takeover is not counted when the worker gave its jobs up itself: that says
    /// nothing against the jobs.
    /// </summary>
    /// <param name="workerId">The worker.</param>
    /// <param name="reason">For the log.</param>
    /// <param name="countTakeover">Counts against the jobs' <c>max_retries</c>.</param>
    /// <param name="cancellationToken">Stops between two writes; the next look goes on.</param>
    /// <param name="leaving">It gave its lease back in order, so none is lost.</param>
    public async Task<bool> RescueAsync(Guid workerId, string reason, bool countTakeover, CancellationToken cancellationToken, bool leaving = false)
    {
        if (countTakeover)
        {
            await FailExhaustedAsync(workerId, cancellationToken);
        }

        var queued = await leases.RequeueAsync(workerId, countTakeover, "worker_lost", cancellationToken);
        // Whoever removes it counts it: several rescuers may be at it.
        if (await leases.RemoveAsync(workerId, cancellationToken) && !leaving)
        {
            EngineTelemetry.LeasesLost.Add(1);
        }

        if (queued.Count == 0)
        {
            return false;
        }

        Log.WorkerGone(logger, workerId, reason, queued.Count);
        await stream.AddAsync(queued);
        return true;
    }

    private async Task ExpireDeadOnHostAsync(CancellationToken cancellationToken)
    {
        if (worker.Worker.BootId.Length == 0)
        {
            return;
        }

        var dead = (await leases.LiveOnHostAsync(worker.Worker, cancellationToken))
            .Where(other => other.ProcessId != Environment.ProcessId && !IsAlive(other.ProcessId))
            .Select(other => other.Id)
            .ToList();
        if (dead.Count > 0)
        {
            await leases.ExpireAsync(dead, cancellationToken);
        }
    }

    private async Task FailExhaustedAsync(Guid workerId, CancellationToken cancellationToken)
    {
        foreach (var job in await leases.ExhaustedAsync(workerId, cancellationToken))
        {
            var error = JobErrors.WorkerCrashed(job.Takeovers + 1);
            var delivery = WebhookPayload.Build(job.Identity, job.Webhook, new()
            {
                Status = JobStatus.Failed, At = time.GetUtcNow(), DurationMs = job.DurationMs, Error = error,
                TotalTokens = job.TotalTokens, TotalCostUsd = job.TotalCostUsd,
            });
            var told = new JobEvent("job.failed", EngineJson.Object(writer =>
            {
                writer.WriteNumber("duration_ms", job.DurationMs);
                writer.WritePropertyName("error");
                System.Text.Json.JsonSerializer.Serialize(writer, error, EngineJson.Default.WorkflowError);
            }));
            if (await jobs.ApplyAsync(JobTransition.Crashed(job.Fence, told, error, job.DurationMs, delivery), cancellationToken) is not null)
            {
                EngineTelemetry.JobEnded(job.Identity.WorkflowName, JobStatus.Failed.ToText(), job.DurationMs);
            }
        }
    }

    private static bool IsAlive(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
