using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>A job to run. Only <see cref="WorkflowName"/> is needed.</summary>
public sealed record SubmitRequest
{
    /// <summary>Name of the workflow, for example <c>emergency_contacts</c>.</summary>
    public required string WorkflowName { get; init; }

    /// <summary>The workflow's input, an object that fits its <c>input_schema</c>; empty when it is left out.</summary>
    public JsonElement? InputData { get; init; }

    /// <summary>The main app's user.</summary>
    public Guid? UserId { get; init; }

    /// <summary>At most 255 characters.</summary>
    public string? Username { get; init; }

    /// <summary>What the user did, for lists and reports. At most 255 characters.</summary>
    public string? Action { get; init; }

    /// <summary>An http or https URL that is told of the job's end. Private and loopback addresses are refused unless the service allows them.</summary>
    public string? WebhookUrl { get; init; }

    /// <summary>Signs the webhooks of this job. 8 to 512 characters; the setting's secret by default.</summary>
    public string? WebhookSecret { get; init; }

    /// <summary>Events to be told: <c>workflow.completed</c>, <c>workflow.failed</c>, <c>workflow.cancelled</c>; all three by default.</summary>
    public IReadOnlyList<string>? WebhookEvents { get; init; }

    /// <summary>0 (lowest) to 10; 5 by default.</summary>
    public int? Priority { get; init; }

    /// <summary>Not before this time (ISO 8601, UTC when it has no offset); at once by default.</summary>
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>Cap on the job's cost in USD, above 0; the workflow's by default.</summary>
    public decimal? MaxCostUsd { get; init; }

    /// <summary>Keeps rendered prompts and raw replies with the steps.</summary>
    public bool? DebugMode { get; init; }

    /// <summary>For filters: at most 20, each of 1 to 100 characters.</summary>
    public IReadOnlyList<string>? Tags { get; init; }
}

/// <summary>The answer to a submit: the job is stored and will run.</summary>
public sealed record SubmitResponse
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>The same id, under the name that callers of older services read.</summary>
    public required Guid CeleryTaskId { get; init; }

    /// <summary><c>queued</c>, or <c>pending</c> with a <c>run_at</c> in the future; its present status when the request was repeated.</summary>
    public required string Status { get; init; }

    /// <summary>Name of the workflow.</summary>
    public required string WorkflowName { get; init; }

    /// <summary>Seconds until a worker takes it, as far as can be told; null: cannot be told.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public double? EstimatedWaitSeconds { get; init; }

    /// <summary>Where its status is, relative to the service.</summary>
    public required string StatusUrl { get; init; }

    /// <summary>Where its events are, relative to the service.</summary>
    public required string EventsUrl { get; init; }

    /// <summary>For browsers: <c>?access_token=</c> on status and events of this job, read only, for 24 hours.</summary>
    public required string AccessToken { get; init; }

    /// <summary>When it was stored.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>The answer to a cancel.</summary>
public sealed record CancelResponse
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>Its status now; <c>processing</c> means that its worker stops it within a second.</summary>
    public required string Status { get; init; }

    /// <summary>Whether this request ended it or will.</summary>
    public required bool Cancelled { get; init; }

    /// <summary>What was done, in a sentence.</summary>
    public required string Message { get; init; }
}
