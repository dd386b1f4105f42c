using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>Who has to act on an error. Written as <c>USER_ERROR</c>, <c>CONFIG_ERROR</c>, <c>SYSTEM_ERROR</c>, <c>EXTERNAL_ERROR</c>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ErrorCategory>))]
public enum ErrorCategory
{
    /// <summary>The input is wrong: the caller can put it right.</summary>
    [JsonStringEnumMemberName("USER_ERROR")]
    User,

    /// <summary>The definition, a setting or a key is wrong: the operator or author can put it right.</summary>
    [JsonStringEnumMemberName("CONFIG_ERROR")]
    Config,

    /// <summary>The service itself failed. Not retryable by the caller.</summary>
    [JsonStringEnumMemberName("SYSTEM_ERROR")]
    System,

    /// <summary>An upstream failed. Retryable when it was a timeout, 429, 5xx or a network fault.</summary>
    [JsonStringEnumMemberName("EXTERNAL_ERROR")]
    External,
}

/// <summary>An expected failure, carried as a value through results, checkpoints, job rows, problem details and webhooks.</summary>
public sealed record WorkflowError
{
    /// <summary>Stable name in PascalCase, for example <c>ProviderRateLimited</c>; see <see cref="ErrorTypes"/>.</summary>
    public required string Type { get; init; }

    /// <summary>Who has to act.</summary>
    public required ErrorCategory Category { get; init; }

    /// <summary>One or two plain sentences: what is wrong and what is allowed. Sanitised.</summary>
    public required string Message { get; init; }

    /// <summary>Whether the same call may succeed later. Only retryable errors are retried.</summary>
    public bool Retryable { get; init; }

    /// <summary>Seconds that an upstream asked us to wait; null when it did not say.</summary>
    public double? RetryAfter { get; init; }

    /// <summary>The step that failed; null outside a step.</summary>
    public string? StepId { get; init; }

    /// <summary>What was being done, for the reader; sanitised.</summary>
    public ErrorDetails? Details { get; init; }
}

/// <summary>Context of a <see cref="WorkflowError"/>. Values are redacted and cut at 200 characters.</summary>
public sealed record ErrorDetails
{
    /// <summary>The provider or external service.</summary>
    public string? Service { get; init; }

    /// <summary>The operation, model or transform.</summary>
    public string? Operation { get; init; }

    /// <summary>The inputs that led to the failure.</summary>
    public JsonElement? Inputs { get; init; }

    /// <summary>The configuration that led to the failure.</summary>
    public JsonElement? Config { get; init; }

    /// <summary>What the reader can do, most likely first.</summary>
    public IReadOnlyList<string> Suggestions { get; init; } = [];
}

/// <summary>Carries a <see cref="WorkflowError"/> out of a deep call to the nearest place that returns results.</summary>
public sealed class WorkflowException(WorkflowError error, Exception? inner = null) : Exception(error.Message, inner)
{
    /// <summary>The error as a value.</summary>
    public WorkflowError Error { get; } = error;
}
