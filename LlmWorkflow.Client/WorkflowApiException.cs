using System.Net;
using LlmWorkflow.Client.Contracts;

namespace LlmWorkflow.Client;

/// <summary>The service refused a request.</summary>
public sealed class WorkflowApiException(HttpStatusCode status, ProblemResponse? problem, TimeSpan? retryAfter)
    : Exception(problem?.Detail ?? problem?.Error.Message ?? $"The service answered {(int)status}.")
{
    /// <summary>The HTTP status.</summary>
    public HttpStatusCode Status { get; } = status;

    /// <summary>The problem document; null when the answer was none (a proxy's, for example).</summary>
    public ProblemResponse? Problem { get; } = problem;

    /// <summary>How long the service asked to wait; null when it did not.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>Whether the same call may succeed later.</summary>
    public bool Retryable => Problem?.Error.Retryable ?? Status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError;
}
