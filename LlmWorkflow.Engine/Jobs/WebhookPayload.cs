namespace LlmWorkflow.Engine.Jobs;

/// <summary>A webhook to be recorded with the change that it tells of.</summary>
public sealed record PendingDelivery
{
    /// <summary>UUID version 7; sent as <c>webhook-id</c>.</summary>
    public required Guid Id { get; init; }

    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>For example <c>workflow.completed</c>.</summary>
    public required string Event { get; init; }

    /// <summary>The receiver.</summary>
    public required string Url { get; init; }

    /// <summary>Encrypted secret; null: the setting's.</summary>
    public byte[]? Secret { get; init; }

    /// <summary>The exact body.</summary>
    public required string Payload { get; init; }

    /// <summary>W3C <c>traceparent</c>.</summary>
    public string? TraceParent { get; init; }
}
