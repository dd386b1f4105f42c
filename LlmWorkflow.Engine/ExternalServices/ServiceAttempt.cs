using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>How one attempt ended: exactly one of reply and error is set.</summary>
internal sealed record ServiceAttempt
{
    /// <summary>What the service answered.</summary>
    public ServiceReply? Reply { get; init; }

    /// <summary>Why there is no reply that can be used.</summary>
    public WorkflowError? Error { get; init; }

    /// <summary>HTTP status; 0 when there was none.</summary>
    public int Status { get; init; }

    /// <summary>Seconds that the service asked to wait, also where <see cref="Error"/> does not say so; null: it did not.</summary>
    public double? RetryAfter { get; init; }

    /// <summary>The service surely has not done what it was asked for.</summary>
    public bool IsUnprocessed { get; init; }

    /// <summary>Counts for the circuit breaker: time-out, network or server error.</summary>
    public bool IsFailure => Error?.Type is ErrorTypes.UpstreamTimeout or ErrorTypes.NetworkError or ErrorTypes.UpstreamServerError or ErrorTypes.Overloaded;
}

/// <summary>What is wrong with a reply; null: it is a success.</summary>
/// <param name="operation">What was asked for.</param>
/// <param name="reply">The answer.</param>
/// <param name="key">The service's key; removed from all that is told.</param>
internal delegate WorkflowError? ReplyCheck(ServiceOperation operation, ServiceReply reply, string? key);
