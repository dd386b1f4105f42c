using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>How a service call ended: data or an error.</summary>
internal sealed record ServiceOutcome
{
    /// <summary>The reply, mapped as the service's file says; Undefined when it failed.</summary>
    public JsonElement Data { get; init; }

    /// <summary>HTTP status; 0 when there was no reply.</summary>
    public int StatusCode { get; init; }

    /// <summary>No request was made for this call: the reply was known, or another call brought it.</summary>
    public bool Cached { get; init; }

    /// <summary>The reply has expired and stands in for a call that failed; <see cref="Cached"/> too.</summary>
    public bool Stale { get; init; }

    /// <summary>Null when it did not fail.</summary>
    public WorkflowError? Error { get; init; }
}
