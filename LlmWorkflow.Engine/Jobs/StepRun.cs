using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Jobs;

/// <summary>How a step ended.</summary>
public enum StepStatus
{
    /// <summary>It has an output.</summary>
    Completed,

    /// <summary>It has an error.</summary>
    Failed,

    /// <summary>Its <c>when</c> was false.</summary>
    Skipped,
}

/// <summary>Texts of <see cref="StepStatus"/> for logs and metrics.</summary>
internal static class StepStatusText
{
    public static string ToText(this StepStatus status) => status switch
    {
        StepStatus.Completed => "completed",
        StepStatus.Failed => "failed",
        _ => "skipped",
    };
}

/// <summary>A finished step, as checkpointed.</summary>
public sealed record StepRun
{
    /// <summary>The step's place in the run; its key within the job.</summary>
    public required string StepPath { get; init; }

    /// <summary>Its id in the definition.</summary>
    public required string StepId { get; init; }

    /// <summary>Its type.</summary>
    public required string StepType { get; init; }

    /// <summary>The name shown to end users.</summary>
    public required string DisplayName { get; init; }

    /// <summary>How it ended.</summary>
    public required StepStatus Status { get; init; }

    /// <summary>Attempts made.</summary>
    public int Attempts { get; init; } = 1;

    /// <summary>Undefined when there is none.</summary>
    public JsonElement Output { get; init; }

    /// <summary>Why it failed; null when it did not.</summary>
    public WorkflowError? Error { get; init; }

    /// <summary>Tokens and cost; Undefined when it made no call.</summary>
    public JsonElement Usage { get; init; }

    /// <summary>Which branch a <c>conditional</c> took: a name, a case's index, or null; Undefined for other steps.</summary>
    public JsonElement Branch { get; init; }

    /// <summary>What <c>debug_mode</c> keeps.</summary>
    public JsonElement Debug { get; init; }

    /// <summary>First start, pinned over retries and resumes.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Its end.</summary>
    public required DateTimeOffset CompletedAt { get; init; }

    /// <summary>Milliseconds from the first start of this run of the step to its end.</summary>
    public required long DurationMs { get; init; }
}

/// <summary>A durable event of a job.</summary>
/// <param name="Type">For example <c>step.completed</c>.</param>
/// <param name="Data">A JSON object.</param>
public readonly record struct JobEvent(string Type, string Data);

/// <summary>Progress that is written in one transaction, if the job is still ours.</summary>
public sealed record Checkpoint
{
    /// <summary>Proof of ownership.</summary>
    public required Fence Fence { get; init; }

    /// <summary>The job's last event number as the owner knows it; makes a repeated write harmless.</summary>
    public required long EventSequence { get; init; }

    /// <summary>The step that ended; null when only a start is recorded.</summary>
    public StepRun? Step { get; init; }

    /// <summary>The step that starts; null when only an end is recorded.</summary>
    public StepStart? Started { get; init; }

    /// <summary>At least one event.</summary>
    public required IReadOnlyList<JobEvent> Events { get; init; }

    /// <summary>The step that runs from now on; null: none.</summary>
    public string? CurrentStepId { get; init; }

    /// <summary>Its display name.</summary>
    public string? CurrentStep { get; init; }

    /// <summary>0 to 100.</summary>
    public required short Progress { get; init; }
}

/// <summary>A step's start.</summary>
/// <param name="StepPath">Its place in the run.</param>
/// <param name="At">When; the first start of a step counts for good.</param>
public readonly record struct StepStart(string StepPath, DateTimeOffset At);

/// <summary>What became of a checkpoint.</summary>
/// <param name="Owned">False: the job is no longer ours, and nothing was written.</param>
/// <param name="CancelRequested">Somebody asked to cancel the job.</param>
public readonly record struct CheckpointResult(bool Owned, bool CancelRequested);

/// <summary>What earlier owners of a job left behind.</summary>
/// <param name="Steps">Finished steps by path.</param>
/// <param name="Starts">First start of steps by path, finished or not.</param>
public sealed record JobHistory(IReadOnlyDictionary<string, StepRun> Steps, IReadOnlyDictionary<string, DateTimeOffset> Starts)
{
    /// <summary>Nothing was done yet.</summary>
    public static JobHistory Empty { get; } = new(new Dictionary<string, StepRun>(), new Dictionary<string, DateTimeOffset>());
}

/// <summary>Where finished steps are kept. Two implementations: Postgres for the service, memory for runs without servers.</summary>
public interface ICheckpointStore
{
    /// <summary>What earlier owners left behind.</summary>
    Task<JobHistory> ReadAsync(Guid jobId, CancellationToken cancellationToken);

    /// <summary>Writes a checkpoint if the job is still ours. Tries again while the database is away, until <paramref name="cancellationToken"/>.</summary>
    Task<CheckpointResult> SaveAsync(Checkpoint checkpoint, CancellationToken cancellationToken);
}
