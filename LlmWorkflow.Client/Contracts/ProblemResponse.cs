using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>An error as RFC 9457 problem details.</summary>
public sealed record ProblemResponse
{
    /// <summary>Identifies the kind of problem: <c>urn:llmworkflow:error:</c> and the error's type.</summary>
    public required string Type { get; init; }

    /// <summary>The HTTP status in words.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What was wrong and what is allowed.</summary>
    public string? Detail { get; init; }

    /// <summary>The path that was called.</summary>
    public string? Instance { get; init; }

    /// <summary>Finds the request in traces and logs.</summary>
    public string? TraceId { get; init; }

    /// <summary>The error object that job status and webhooks carry too.</summary>
    public required ApiError Error { get; init; }

    /// <summary>Every fault of the request; null when there is nothing to list.</summary>
    public IReadOnlyList<ProblemIssue>? Errors { get; init; }
}

/// <summary>One fault of a request.</summary>
public sealed record ProblemIssue
{
    /// <summary>JSON pointer (RFC 6901) into the request body; null when it is not about the body.</summary>
    public string? Pointer { get; init; }

    /// <summary>The header or query parameter; null when it is about the body.</summary>
    public string? Parameter { get; init; }

    /// <summary>What is wrong and what is allowed.</summary>
    public required string Message { get; init; }
}

/// <summary>An error: what happened, who has to act, whether trying again helps.</summary>
public sealed record ApiError
{
    /// <summary>Stable name in PascalCase.</summary>
    public required string Type { get; init; }

    /// <summary><c>USER_ERROR</c>, <c>CONFIG_ERROR</c>, <c>SYSTEM_ERROR</c> or <c>EXTERNAL_ERROR</c>.</summary>
    public required string Category { get; init; }

    /// <summary>What is wrong and what is allowed.</summary>
    public required string Message { get; init; }

    /// <summary>Whether the same call may succeed later.</summary>
    public bool Retryable { get; init; }

    /// <summary>Seconds to wait before trying again; null: not known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public double? RetryAfter { get; init; }

    /// <summary>The step that failed; null outside a step.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? StepId { get; init; }

    /// <summary>What was being done.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ApiErrorDetails? Details { get; init; }
}

/// <summary>Context of an error; secrets are redacted.</summary>
public sealed record ApiErrorDetails
{
    /// <summary>The provider or external service.</summary>
    public string? Service { get; init; }

    /// <summary>The operation, model or transform.</summary>
    public string? Operation { get; init; }

    /// <summary>The inputs that led to it.</summary>
    public JsonElement? Inputs { get; init; }

    /// <summary>The configuration that led to it.</summary>
    public JsonElement? Config { get; init; }

    /// <summary>What the reader can do, most likely first.</summary>
    public IReadOnlyList<string> Suggestions { get; init; } = [];
}
