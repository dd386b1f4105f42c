using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Jobs;

/// <summary>A decided change of a job's state, applied only "if still so": by its owner under the fence, or to a job that nobody owns.</summary>
public sealed record JobTransition
{
    private JobTransition()
    {
    }

    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>The new state.</summary>
    public required JobStatus To { get; init; }

    /// <summary>The states it may be applied to.</summary>
    public required IReadOnlyList<JobStatus> From { get; init; }

    /// <summary>Proof of ownership; null: applies only to a job without owner.</summary>
    public Fence? Fence { get; init; }

    /// <summary>The job's last event number as the owner knows it; null: not known (no owner).</summary>
    public long? EventSequence { get; init; }

    /// <summary>The event that tells it.</summary>
    public required JobEvent Event { get; init; }

    /// <summary>The workflow's output; Undefined when there is none.</summary>
    public JsonElement Result { get; init; }

    /// <summary>Tokens and cost of all calls; Undefined when not known.</summary>
    public JsonElement CostData { get; init; }

    /// <summary>Why it failed or was cancelled.</summary>
    public WorkflowError? Error { get; init; }

    /// <summary>From the first start to the end; null: it never started, or did not end.</summary>
    public long? DurationMs { get; init; }

    /// <summary>What a parked job waits for; empty for every other state.</summary>
    public IReadOnlyList<StepWait> Waits { get; init; } = [];

    /// <summary>Told to the main app, recorded in the same transaction; null: nobody asked.</summary>
    public PendingDelivery? Delivery { get; init; }

    /// <summary>It has a result.</summary>
    public static JobTransition Completed(LeasedJob job, long sequence, JobEvent told, JsonElement result, JsonElement costs, long durationMs, PendingDelivery? delivery) =>
        new()
        {
            JobId = job.Fence.JobId, To = JobStatus.Completed, From = [JobStatus.Processing], Fence = job.Fence, EventSequence = sequence,
            Event = told, Result = result, CostData = costs, DurationMs = durationMs, Delivery = delivery,
        };

    /// <summary>It failed under its owner.</summary>
    public static JobTransition Failed(LeasedJob job, long sequence, JobEvent told, WorkflowError error, JsonElement costs, long durationMs, PendingDelivery? delivery) =>
        new()
        {
            JobId = job.Fence.JobId, To = JobStatus.Failed, From = [JobStatus.Processing], Fence = job.Fence, EventSequence = sequence,
            Event = told, Error = error, CostData = costs, DurationMs = durationMs, Delivery = delivery,
        };

    /// <summary>Its owner stopped it by request.</summary>
    public static JobTransition Cancelled(LeasedJob job, long sequence, JobEvent told, WorkflowError error, JsonElement costs, long durationMs, PendingDelivery? delivery) =>
        new()
        {
            JobId = job.Fence.JobId, To = JobStatus.Cancelled, From = [JobStatus.Processing], Fence = job.Fence, EventSequence = sequence,
            Event = told, Error = error, CostData = costs, DurationMs = durationMs, Delivery = delivery,
        };

    /// <summary>Its owner is leaving and hands it back; not counted as a takeover.</summary>
    public static JobTransition Interrupted(LeasedJob job, long sequence, JobEvent told) =>
        new()
        {
            JobId = job.Fence.JobId, To = JobStatus.Queued, From = [JobStatus.Processing], Fence = job.Fence, EventSequence = sequence, Event = told,
        };

    /// <summary>
    /// Nothing can be done until a time or a signal: it is parked, and its owner's slot is free. A job whose signal, or a request to cancel it, has
    /// come meanwhile is queued instead.
    /// </summary>
    public static JobTransition Waiting(LeasedJob job, long sequence, JobEvent told, IReadOnlyList<StepWait> waits) =>
        new()
        {
            JobId = job.Fence.JobId, To = JobStatus.Waiting, From = [JobStatus.Processing], Fence = job.Fence, EventSequence = sequence, Event = told, Waits = waits,
        };

    /// <summary>Cancelled before anybody ran it.</summary>
    public static JobTransition CancelledUnowned(Guid jobId, JobEvent told, WorkflowError error, PendingDelivery? delivery) =>
        new()
        {
            JobId = jobId, To = JobStatus.Cancelled, From = [JobStatus.Pending, JobStatus.Queued, JobStatus.Waiting],
            Event = told, Error = error, Delivery = delivery,
        };

    /// <summary>Its workers died too often. <paramref name="fence"/> is the dead owner's.</summary>
    public static JobTransition Crashed(Fence fence, JobEvent told, WorkflowError error, long durationMs, PendingDelivery? delivery) =>
        new()
        {
            JobId = fence.JobId, To = JobStatus.Failed, From = [JobStatus.Processing], Fence = fence,
            Event = told, Error = error, DurationMs = durationMs, Delivery = delivery,
        };
}
