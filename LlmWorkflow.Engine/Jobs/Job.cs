using System.Text.Json;

namespace LlmWorkflow.Engine.Jobs;

/// <summary>States of a job; the legal moves are drawn in docs/flow.md and repeated by a CHECK constraint.</summary>
public enum JobStatus
{
    /// <summary><c>run_at</c> lies in the future.</summary>
    Pending,

    /// <summary>Waits for a worker.</summary>
    Queued,

    /// <summary>Runs under a lease.</summary>
    Processing,

    /// <summary>Parked without a worker: a wait, a signal or a budget.</summary>
    Waiting,

    /// <summary>Ended with a result.</summary>
    Completed,

    /// <summary>Ended with an error.</summary>
    Failed,

    /// <summary>Ended by request.</summary>
    Cancelled,
}

/// <summary>Texts of <see cref="JobStatus"/> as stored and sent.</summary>
public static class JobStatusText
{
    /// <summary>The stored text.</summary>
    public static string ToText(this JobStatus status) => status switch
    {
        JobStatus.Pending => "pending",
        JobStatus.Queued => "queued",
        JobStatus.Processing => "processing",
        JobStatus.Waiting => "waiting",
        JobStatus.Completed => "completed",
        JobStatus.Failed => "failed",
        JobStatus.Cancelled => "cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };

    /// <summary>The status of a stored text.</summary>
    public static JobStatus Parse(string text) => text switch
    {
        "pending" => JobStatus.Pending,
        "queued" => JobStatus.Queued,
        "processing" => JobStatus.Processing,
        "waiting" => JobStatus.Waiting,
        "completed" => JobStatus.Completed,
        "failed" => JobStatus.Failed,
        "cancelled" => JobStatus.Cancelled,
        _ => throw new ArgumentOutOfRangeException(nameof(text), text, null),
    };

    /// <summary>Whether the job has ended for good.</summary>
    public static bool IsFinal(this JobStatus status) => status is JobStatus.Completed or JobStatus.Failed or JobStatus.Cancelled;
}

/// <summary>Proof of ownership: the worker and the number of its lease on this job. Every fenced write names both.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Owner">The worker's instance id (<c>lease_owner</c>).</param>
/// <param name="Number">Rises with each claim; a write with an older number changes nothing.</param>
public readonly record struct Fence(Guid JobId, Guid Owner, long Number);

/// <summary>Who and what a job is for; never changes after submit.</summary>
public sealed record JobIdentity
{
    /// <summary>UUID version 7.</summary>
    public required Guid JobId { get; init; }

    /// <summary>Name of the workflow.</summary>
    public required string WorkflowName { get; init; }

    /// <summary>Hash of the pinned definition and prompts, lower-case hex SHA-256.</summary>
    public required string DefinitionHash { get; init; }

    /// <summary>The main app's user.</summary>
    public Guid? UserId { get; init; }

    /// <summary>At most 255 characters.</summary>
    public string? Username { get; init; }

    /// <summary>At most 255 characters.</summary>
    public string? Action { get; init; }

    /// <summary>0 (lowest) to 10.</summary>
    public short Priority { get; init; }

    /// <summary>W3C <c>traceparent</c> of the submit.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Keeps rendered prompts and raw replies with the steps.</summary>
    public bool DebugMode { get; init; }

    /// <summary>Cap in USD; null: none.</summary>
    public decimal? MaxCostUsd { get; init; }

    /// <summary>Set at submit by the database's clock.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A job that this worker owns.</summary>
public sealed record LeasedJob
{
    /// <summary>Who and what it is for.</summary>
    public required JobIdentity Identity { get; init; }

    /// <summary>Proof of ownership.</summary>
    public required Fence Fence { get; init; }

    /// <summary><c>input_data</c> as submitted.</summary>
    public required JsonElement Input { get; init; }

    /// <summary>First start of the job by the database's clock; earlier than this claim when it was taken over.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Time of this claim by the database's clock.</summary>
    public DateTimeOffset ClaimedAt { get; init; }

    /// <summary>Running time before this claim; what counts against the job's timeout.</summary>
    public TimeSpan RanBefore { get; init; }

    /// <summary>Seconds between queueing and this claim.</summary>
    public double QueuedSeconds { get; init; }

    /// <summary>Runs of the whole job after the first.</summary>
    public int RetryCount { get; init; }

    /// <summary>Times a dead worker's lease on this job was taken over.</summary>
    public int Takeovers { get; init; }

    /// <summary>Where the result is told; null: nowhere.</summary>
    public WebhookTarget? Webhook { get; init; }

    /// <summary>Signals that were sent before this claim, by name.</summary>
    public IReadOnlyDictionary<string, JsonElement> Signals { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>Cancellation was asked for before this claim.</summary>
    public bool CancelRequested { get; init; }
}

/// <summary>Where and what to tell about a job.</summary>
/// <param name="Url">An absolute http or https URL.</param>
/// <param name="Events">Names of the events asked for; the three final ones by default.</param>
public sealed record WebhookTarget(string Url, IReadOnlyList<string> Events);
