using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Api;

/// <summary>Errors that arise at the door, before the engine is asked.</summary>
internal static class ApiErrors
{
    public const string Unauthorized = "Unauthorized";
    public const string Forbidden = "Forbidden";
    public const string UnknownRoute = "UnknownRoute";
    public const string MethodNotAllowed = "MethodNotAllowed";
    public const string PayloadTooLarge = "PayloadTooLarge";
    public const string UnsupportedMediaType = "UnsupportedMediaType";

    public static WorkflowError MissingKey { get; } = User(
        Unauthorized, "A key is needed: send it as X-API-Key, X-API-Secret or Authorization: Bearer.", "In development the key is dev-key.");

    public static WorkflowError WrongKey { get; } = User(
        Unauthorized, "The key is not valid. It is read from X-API-Key, X-API-Secret or Authorization: Bearer.",
        "Compare it with LLM_MICROSERVICE_API_KEY of the service.");

    public static WorkflowError WrongToken { get; } = User(
        Unauthorized, "The access_token is not valid for this job, or it has expired. A key in X-API-Key, X-API-Secret or Authorization: Bearer works too.",
        "Ask the main app for a new token.");

    public static WorkflowError AdminOnly { get; } = User(Forbidden, "This call needs an admin key (ADMIN_API_KEY).");

    public static WorkflowError TooLarge { get; } = User(
        PayloadTooLarge, $"The body is larger than {RequestBody.Limit} bytes (1 MiB).", "Send a reference to large content and let a step fetch it.");

    public static WorkflowError UnknownJob { get; } = User(ErrorTypes.UnknownJob, "There is no such job.", "Jobs are found by the job_id that the submit returned.");

    public static WorkflowError LargeSignal { get; } = User(
        PayloadTooLarge, $"The payload of a signal is at most {Engine.Submission.JobSignals.MaxPayloadBytes} bytes (64 KiB).");

    public static WorkflowError DatabaseAway { get; } = new()
    {
        Type = ErrorTypes.DatabaseUnavailable, Category = ErrorCategory.System, Message = "The database does not answer. Nothing was stored.",
        Retryable = true, RetryAfter = 2, Details = new() { Suggestions = ["Try again with the same Idempotency-Key."] },
    };

    public static WorkflowError Fault(string traceId) => new()
    {
        Type = ErrorTypes.InternalError, Category = ErrorCategory.System, Message = $"The service failed; its log tells why under the trace id {traceId}.",
        Details = new() { Suggestions = ["Report it with the trace id."] },
    };

    public static WorkflowError SignalConflict(string signal) => User(
        ErrorTypes.SignalConflict, $"The signal '{signal}' was sent to this job before, with another payload; the first one counts.");

    public static WorkflowError BudgetConflict(string message) => User(ErrorTypes.BudgetConflict, message);

    public static WorkflowError JobEnded(string status) => User(ErrorTypes.JobEnded, $"The job has ended: it is {status}.");

    public static WorkflowError NoRoute(string method, string path) => User(
        UnknownRoute, $"There is no {method} {Cut(path)}.", "The calls are listed at /docs.");

    public static WorkflowError NoMethod(string method, string path, string allowed) => User(
        MethodNotAllowed, $"{Cut(path)} does not take {method}; it takes {allowed}.");

    public static WorkflowError MediaType(string? given) => User(
        UnsupportedMediaType, $"The body must be JSON in UTF-8, sent with Content-Type: application/json, not '{Cut(given ?? "")}'.");

    public static WorkflowError UnknownWorkflow(string name, string? problem, IReadOnlyCollection<string> known) => problem is not null
        ? User(ErrorTypes.UnknownWorkflow, $"The file of workflow '{Cut(name)}' is broken: {problem}", "Correct the file; it is read again by itself.")
        : User(ErrorTypes.UnknownWorkflow, $"There is no workflow '{Cut(name)}'. {NearestNames.Suggest(name, known) ?? "None is loaded: /health says why."}");

    public static WorkflowError Invalid(string message) => User(ErrorTypes.InvalidRequest, message);

    private static WorkflowError User(string type, string message, params string[] suggestions) => new()
    {
        Type = type, Category = ErrorCategory.User, Message = message, Details = suggestions.Length > 0 ? new() { Suggestions = suggestions } : null,
    };

    private static string Cut(string text) => text.Length <= 200 ? text : text[..200] + "…";
}
