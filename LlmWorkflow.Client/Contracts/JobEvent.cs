using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>
/// An event of a job. <c>job.*</c> and <c>step.*</c> are durable and have a <see cref="Sequence"/>; <c>llm.snapshot</c> (the text so far:
/// replace), <c>llm.delta</c> (a piece: append) and <c>llm.reset</c> (the step is called again: clear) are best effort and have none.
/// </summary>
public sealed record JobEvent
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>1 for the first durable event, without gaps; null for <c>llm.*</c>.</summary>
    public long? Sequence { get; init; }

    /// <summary>For example <c>step.completed</c>.</summary>
    public required string Type { get; init; }

    /// <summary>When it was stored; null for <c>llm.*</c>.</summary>
    public DateTimeOffset? Timestamp { get; init; }

    /// <summary>The step.</summary>
    public string? StepId { get; init; }

    /// <summary>The step's name for end users.</summary>
    public string? DisplayName { get; init; }

    /// <summary>The step's type.</summary>
    public string? StepType { get; init; }

    /// <summary>Milliseconds.</summary>
    public long? DurationMs { get; init; }

    /// <summary>0 to 100.</summary>
    public int? Progress { get; init; }

    /// <summary>The call's ordinal within the step; of <c>llm.*</c>.</summary>
    public int? Call { get; init; }

    /// <summary>Text of <c>llm.snapshot</c> and <c>llm.delta</c>.</summary>
    public string? Text { get; init; }

    /// <summary>Why a step or the job failed.</summary>
    public ApiError? Error { get; init; }

    /// <summary>What else the event says.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Other { get; set; }

    /// <summary>Whether it ends the stream.</summary>
    [JsonIgnore]
    public bool IsFinal => Type is "job.completed" or "job.failed" or "job.cancelled";
}
