using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Engine.Submission;

/// <summary>What can be done to a job from outside.</summary>
public sealed class JobControl(JobStore jobs, JobEventBus events, TimeProvider time)
{
    // A job may change hands between the look and the write; a few rounds always meet it in one state.
    private const int Rounds = 5;

    /// <summary>
    /// Cancels a job: at once when nobody runs it, else its worker stops it within a second. With <paramref name="userId"/>, another user's
    /// job is not found.
    /// </summary>
    public async Task<(CancelOutcome Outcome, JobStatus Status)> CancelAsync(Guid jobId, Guid? userId, CancellationToken cancellationToken)
    {
        var status = JobStatus.Queued;
        for (var round = 0; round < Rounds; round++)
        {
            if (await jobs.FindAsync(jobId, cancellationToken) is not { } found || (userId is { } user && found.Identity.UserId != user))
            {
                return (CancelOutcome.NotFound, default);
            }

            status = found.Status;
            if (status.IsFinal())
            {
                return (CancelOutcome.AlreadyFinal, status);
            }

            if (status is JobStatus.Processing)
            {
                if (await jobs.RequestCancelAsync(jobId, cancellationToken))
                {
                    events.RequestCancel(jobId);
                    return (CancelOutcome.Requested, status);
                }

                continue;
            }

            if (await CancelUnownedAsync(found.Identity, found.Webhook, cancellationToken))
            {
                EngineTelemetry.JobEnded(found.Identity.WorkflowName, JobStatus.Cancelled.ToText(), durationMs: null);
                events.Nudge(jobId);
                return (CancelOutcome.Cancelled, JobStatus.Cancelled);
            }
        }

        return (CancelOutcome.Requested, status);
    }

    private async Task<bool> CancelUnownedAsync(JobIdentity job, WebhookTarget? webhook, CancellationToken cancellationToken)
    {
        var error = JobErrors.Cancelled;
        var delivery = WebhookPayload.Build(job, webhook, new() { Status = JobStatus.Cancelled, At = time.GetUtcNow(), Error = error });
        return await jobs.ApplyAsync(
            JobTransition.CancelledUnowned(job.JobId, new("job.cancelled", "{}"), error, delivery), cancellationToken) is not null;
    }
}
