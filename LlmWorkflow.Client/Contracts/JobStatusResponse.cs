using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>A job as it is now. Every field is always there.</summary>
public sealed record JobStatusResponse
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>The same id, under the name that callers of older services read.</summary>
    public required Guid CeleryTaskId { get; init; }

    /// <summary><c>pending</c>, <c>queued</c>, <c>processing</c>, <c>waiting</c>, <c>completed</c>, <c>failed</c> or <c>cancelled</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Name of the workflow.</summary>
    public required string WorkflowName { get; init; }

    /// <summary>The main app's user.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Guid? UserId { get; init; }

    /// <summary>As submitted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Username { get; init; }

    /// <summary>As submitted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Action { get; init; }

    /// <summary>0 to 10.</summary>
    public int Priority { get; init; }

    /// <summary>As submitted.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>When it was submitted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Not before this time.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>When it was last queued.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public DateTimeOffset? QueuedAt { get; init; }

    /// <summary>First start.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>End.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>From the first start to the end; null before the end.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public long? DurationMs { get; init; }

    /// <summary>The step that runs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? CurrentStepId { get; init; }

    /// <summary>Its display name.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? CurrentStep { get; init; }

    /// <summary>0 to 100.</summary>
    public int Progress { get; init; }

    /// <summary>What a job in <c>waiting</c> waits for; null in every other state.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public IReadOnlyList<JobWait>? WaitingFor { get; init; }

    /// <summary>The workflow's output; null before the end.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JsonElement? Output { get; init; }

    /// <summary>The output's fields plus <c>cost_data</c>; an output that is no object stands under <c>output</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JsonElement? Result { get; init; }

    /// <summary>Tokens and cost, with a breakdown per call; null when no call was made.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JsonElement? CostData { get; init; }

    /// <summary>Totals.</summary>
    public required JobMetadata Metadata { get; init; }

    /// <summary>Why it failed or was cancelled.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ApiError? Error { get; init; }

    /// <summary>The error's message.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? ErrorMessage { get; init; }

    /// <summary>Runs of the whole job after the first.</summary>
    public int RetryCount { get; init; }

    /// <summary>Whether cancellation was asked for.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>Whether it has ended for good.</summary>
    [JsonIgnore]
    public bool IsFinal => Status is "completed" or "failed" or "cancelled";
}

/// <summary>A step that waits.</summary>
public sealed record JobWait
{
    /// <summary>The step.</summary>
    public required string StepId { get; init; }

    /// <summary>Its place in the run, with branch names and iteration numbers.</summary>
    public required string StepPath { get; init; }

    /// <summary>Its name for end users.</summary>
    public required string DisplayName { get; init; }

    /// <summary>
    /// Why: <c>time</c> (a <c>wait</c> step), <c>signal</c> (an <c>approval</c>), <c>budget</c> (a cap on cost is reached), <c>provider</c> (the provider is paused or
    /// paced) or <c>reply</c> (another call is about to answer the same question).
    /// </summary>
    public string Reason { get; init; } = "";

    /// <summary>The signal to send to <c>/api/v1/jobs/{id}/signals/{signal}</c>; null: none is waited for.</summary>
    public string? Signal { get; init; }

    /// <summary>What is asked.</summary>
    public string? Message { get; init; }

    /// <summary>End of the wait, when the step is tried again; null: it has none.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <summary>Totals of a job.</summary>
public sealed record JobMetadata
{
    /// <summary>From the first start to the end; null before the end.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public long? DurationMs { get; init; }

    /// <summary>Input plus output tokens until now.</summary>
    public long TotalTokens { get; init; }

    /// <summary>USD until now; calls without a known price are not in it.</summary>
    public decimal TotalCostUsd { get; init; }
}
