using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Submission;

/// <summary>A job as asked for. The API has checked form (lengths, types); the engine checks meaning.</summary>
public sealed record SubmitJob
{
    /// <summary>Name of the workflow.</summary>
    public required string WorkflowName { get; init; }

    /// <summary>The input; an empty object when none was given.</summary>
    public required JsonElement Input { get; init; }

    /// <summary>The main app's user.</summary>
    public Guid? UserId { get; init; }

    /// <summary>At most 255 characters.</summary>
    public string? Username { get; init; }

    /// <summary>At most 255 characters.</summary>
    public string? Action { get; init; }

    /// <summary>0 (lowest) to 10; default 5.</summary>
    public short Priority { get; init; } = 5;

    /// <summary>Not before this time; null: at once.</summary>
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>Cap in USD; null: the workflow's.</summary>
    public decimal? MaxCostUsd { get; init; }

    /// <summary>Keeps rendered prompts and raw replies.</summary>
    public bool DebugMode { get; init; }

    /// <summary>For filters.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Where the result is told.</summary>
    public string? WebhookUrl { get; init; }

    /// <summary>Signs the webhooks of this job; stored encrypted.</summary>
    public string? WebhookSecret { get; init; }

    /// <summary>Events asked for; empty: the three final ones.</summary>
    public IReadOnlyList<string> WebhookEvents { get; init; } = [];

    /// <summary>The caller's <c>Idempotency-Key</c>; null: none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Whose key it is: a hash of the API key. Needed with <see cref="IdempotencyKey"/>.</summary>
    public string? IdempotencyScope { get; init; }

    /// <summary>W3C <c>traceparent</c> of the request.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>What became of a <see cref="SubmitJob"/>.</summary>
public abstract record SubmitResult
{
    private SubmitResult()
    {
    }

    /// <summary>Stored: it will run. With <paramref name="Repeated"/> it is the job of an earlier request with the same idempotency key and body.</summary>
    public sealed record Accepted(Guid JobId, JobStatus Status, DateTimeOffset CreatedAt, bool Repeated) : SubmitResult;

    /// <summary>Nothing is stored.</summary>
    public sealed record Rejected(WorkflowError Error, IReadOnlyList<InputIssue> Issues) : SubmitResult;
}

/// <summary>What a cancel request did.</summary>
public enum CancelOutcome
{
    /// <summary>No such job, or another user's.</summary>
    NotFound,

    /// <summary>It had ended before.</summary>
    AlreadyFinal,

    /// <summary>It did not run, and is cancelled now.</summary>
    Cancelled,

    /// <summary>It runs; its worker stops it within a second.</summary>
    Requested,
}
