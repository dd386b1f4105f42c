using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>A job to run. Only <see cref="WorkflowName"/> is needed.</summary>
public sealed record SubmitRequest
{
    /// <summary>Name of the workflow, for example <c>emergency_contacts</c>.</summary>
    [Description("Name of the workflow, for example `emergency_contacts`.")]
    public required string WorkflowName { get; init; }

    /// <summary>The workflow's input, an object; empty when it is left out.</summary>
    [Description("The workflow's input, an object that fits its `input_schema`; `{}` when it is left out.")]
    public JsonElement? InputData { get; init; }

    /// <summary>The main app's user.</summary>
    [Description("The main app's user.")]
    public Guid? UserId { get; init; }

    /// <summary>At most 255 characters.</summary>
    [Description("At most 255 characters.")]
    public string? Username { get; init; }

    /// <summary>What the user did, for lists and reports. At most 255 characters.</summary>
    [Description("What the user did, for lists and reports. At most 255 characters.")]
    public string? Action { get; init; }

    /// <summary>An http or https URL that is told of the job's end.</summary>
    [Description("An http or https URL that is told of the job's end. Private and loopback addresses are refused outside development.")]
    public string? WebhookUrl { get; init; }

    /// <summary>Signs the webhooks of this job. 8 to 512 characters; the setting's secret by default.</summary>
    [Description("Signs the webhooks of this job. 8 to 512 characters; `LLM_WEBHOOK_SECRET` by default.")]
    public string? WebhookSecret { get; init; }

    /// <summary>Events to be told; the three final ones by default.</summary>
    [Description("Events to be told: `workflow.completed`, `workflow.failed`, `workflow.cancelled`; all three by default.")]
    public IReadOnlyList<string>? WebhookEvents { get; init; }

    /// <summary>0 (lowest) to 10; 5 by default.</summary>
    [Description("0 (lowest) to 10; 5 by default.")]
    public int? Priority { get; init; }

    /// <summary>Not before this time; at once by default.</summary>
    [Description("Not before this time (ISO 8601, UTC when it has no offset); at once by default.")]
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>Cap on the job's cost in USD, above 0; the workflow's by default.</summary>
    [Description("Cap on the job's cost in USD, above 0; the workflow's by default.")]
    public decimal? MaxCostUsd { get; init; }

    /// <summary>Keeps rendered prompts and raw replies with the steps.</summary>
    [Description("Keeps rendered prompts and raw replies with the steps.")]
    public bool? DebugMode { get; init; }

    /// <summary>For filters: at most 20, each of 1 to 100 characters.</summary>
    [Description("For filters: at most 20, each of 1 to 100 characters.")]
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
