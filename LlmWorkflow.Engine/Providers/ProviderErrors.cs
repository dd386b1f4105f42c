using System.Globalization;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Providers;

/// <summary>Upstream failure to <see cref="WorkflowError"/>: one place, so that every provider fails alike.</summary>
internal static class ProviderErrors
{
    private const int MostIssues = 5;

    // What some providers say in words only: Anthropic, and servers of OpenAI's form.
    private static readonly string[] s_tooLong = ["context length", "context window", "context size", "prompt is too long", "input length and `max_tokens` exceed"];
    private static readonly string[] s_spent = ["credit balance is too low", "usage limit", "spend limit", "spending limit"];

    /// <summary>The error of a fault that the provider told.</summary>
    public static WorkflowError From(ProviderFault fault, string provider, string model, params ReadOnlySpan<string?> secrets)
    {
        var error = Describe(Classify(fault), fault, provider, model);
        var words = Redactor.Text(fault.Message?.Trim(), secrets);
        var told = string.IsNullOrEmpty(words) ? error.Message : $"{error.Message} It said: {words}";
        var retryable = error.Retryable && fault.MayRetry;
        return error with
        {
            Message = fault.RequestId is { Length: > 0 } id ? $"{told} Request id: {Redactor.Text(id, secrets)}" : told,
            Retryable = retryable,
            RetryAfter = retryable ? fault.RetryAfter : null,
        };
    }

    /// <summary>The error of a failed or broken connection.</summary>
    public static WorkflowError Network(Exception exception, string provider, string model) =>
        Make(ErrorTypes.NetworkError, true, provider, model, $"The connection to {provider} failed or broke ({UpstreamFailure.Reason(exception)}).",
            ["Check that the provider's base URL is right and that this machine reaches it; a retry may succeed."]);

    /// <summary>The error of a stream that ended before the reply did.</summary>
    public static WorkflowError Cut(string provider, string model) =>
        Make(ErrorTypes.NetworkError, true, provider, model, $"The stream from {provider} ended before the reply was complete.", ["A retry may succeed."]);

    /// <summary>The error of a call that took longer than allowed.</summary>
    public static WorkflowError Timeout(string provider, string model, TimeSpan? limit) =>
        Make(ErrorTypes.UpstreamTimeout, true, provider, model,
            limit is { } time
                ? string.Create(CultureInfo.InvariantCulture, $"{provider} did not finish its answer within {time.TotalSeconds:0.###} s.")
                : $"The connection to {provider} was not made in time.",
            ["Lower 'max_tokens' or choose a faster model; a retry may succeed."]);

    /// <summary>The error of an answer that cannot be read.</summary>
    public static WorkflowError Unreadable(string provider, string model, string what) =>
        Make(ErrorTypes.InvalidResponse, true, provider, model, $"{provider} answered something that cannot be read: {what}.",
            ["Check that the provider's base URL is right; a retry may succeed."]);

    /// <summary>The error of a reply that the provider's content filter ended.</summary>
    public static WorkflowError Filtered(string provider, string model) =>
        Describe(ErrorTypes.ContentFiltered, new ProviderFault(null, [], null), provider, model);

    /// <summary>The error of a reply that is not the JSON asked for.</summary>
    /// <param name="provider">Whose reply.</param>
    /// <param name="model">Whose reply.</param>
    /// <param name="issues">What is wrong, with pointers into the JSON.</param>
    /// <param name="repairs">How often the model was shown what is wrong.</param>
    /// <param name="finishReason">Why the reply ended.</param>
    public static WorkflowError InvalidOutput(string provider, string model, IReadOnlyList<SchemaIssue> issues, int repairs, string? finishReason)
    {
        var told = string.Join("; ", issues.Take(MostIssues).Select(issue => Redactor.Text($"{(issue.Pointer.Length == 0 ? "the reply" : issue.Pointer)} {issue.Message}")));
        var more = issues.Count > MostIssues ? $"; and {issues.Count - MostIssues} more" : "";
        var after = repairs switch { 0 => "", 1 => " after one repair", _ => $" after {repairs} repairs" };
        return Make(ErrorTypes.InvalidOutput, true, provider, model, $"{model} did not give the JSON that 'response_format' asks for{after}: {told}{more}.",
        [
            .. finishReason == "length" ? ["Raise 'max_tokens': the reply was cut off."] : (string[])[],
            repairs == 0 ? "Set 'repair_attempts', so that the model is shown what is wrong." : "Show in the prompt what the JSON must look like, or choose a stronger 'repair_model'.",
            "A retry may succeed.",
        ]);
    }

    /// <summary>The error of a setting without which no request is sent.</summary>
    public static WorkflowError MissingKey(string provider, string setting) => new()
    {
        Type = ErrorTypes.MissingSetting,
        Category = ErrorCategory.Config,
        Message = $"{setting} is not set: {provider} cannot be asked without a key.",
        Details = new ErrorDetails { Service = provider, Suggestions = [$"Set {setting} in the environment of the workers."] },
    };

    /// <summary>What a foreign client's exception means; null for those that are no upstream failure.</summary>
    public static WorkflowError? FromException(Exception exception, string provider, string model) => exception switch
    {
        WorkflowException known => known.Error,
        HttpRequestException { StatusCode: { } status } http => From(new ProviderFault((int)status, [], http.Message), provider, model),
        HttpRequestException or IOException => Network(exception, provider, model),
        TimeoutException => Timeout(provider, model, null),
        System.Text.Json.JsonException => Unreadable(provider, model, "malformed JSON"),
        _ => null,
    };

    private static string Classify(ProviderFault fault) =>
        fault.Kinds.Select(ClassifyKind).FirstOrDefault(type => type is not null) ?? ClassifyCode(fault);

    // The names that decide by themselves. The rest (invalid_request_error, not_found_error…) say no more than the status.
    private static string? ClassifyKind(string kind) => kind switch
    {
        "context_length_exceeded" or "token_limit_exceeded" or "payload_too_large" or "request_too_large" or "string_above_max_length" => ErrorTypes.ContextTooLong,
        "payment_required" or "insufficient_quota" or "credit_balance_exhausted" or "enforced_spend_limit_reached" or "billing_error"
            or "billing_hard_limit_reached" or "billing_not_active" => ErrorTypes.QuotaExceeded,
        "rate_limit_exceeded" or "rate_limit_error" => ErrorTypes.RateLimited,
        "provider_overloaded" or "provider_unavailable" or "overloaded_error" or "engine_overloaded" => ErrorTypes.Overloaded,
        "timeout" or "timeout_error" => ErrorTypes.UpstreamTimeout,
        "authentication" or "permission_denied" or "authentication_error" or "permission_error" or "invalid_api_key" => ErrorTypes.AuthenticationFailed,
        "content_policy_violation" or "refusal" or "content_filter" or "ResponsibleAIPolicyViolation" => ErrorTypes.ContentFiltered,
        "server" or "api_error" or "server_error" => ErrorTypes.UpstreamServerError,
        "max_tokens_exceeded" => ErrorTypes.UpstreamBadRequest,
        _ => null,
    };

    private static string ClassifyCode(ProviderFault fault) => Code(fault) switch
    {
        401 => ErrorTypes.AuthenticationFailed,
        402 => ErrorTypes.QuotaExceeded,
        403 => fault.Moderated ? ErrorTypes.ContentFiltered : ErrorTypes.AuthenticationFailed,
        408 or 504 => ErrorTypes.UpstreamTimeout,
        413 => ErrorTypes.ContextTooLong,
        429 => ErrorTypes.RateLimited,
        503 or 529 => ErrorTypes.Overloaded,
        >= 500 or null or < 300 => ErrorTypes.UpstreamServerError,
        _ when Says(fault.Message, s_tooLong) => ErrorTypes.ContextTooLong,
        _ when Says(fault.Message, s_spent) => ErrorTypes.QuotaExceeded,
        _ => ErrorTypes.UpstreamBadRequest,
    };

    // An error in mid-stream has no status, and its name may stand for one.
    private static int? Code(ProviderFault fault) => fault.Code ?? fault.Kinds.Select(kind => kind switch
    {
        "invalid_request_error" or "invalid_request" => 400,
        "not_found_error" or "model_not_found" => 404,
        _ => (int?)null,
    }).FirstOrDefault(code => code is not null);

    private static bool Says(string? message, string[] phrases) =>
        message is not null && phrases.Any(phrase => message.Contains(phrase, StringComparison.OrdinalIgnoreCase));

    private static WorkflowError Describe(string type, ProviderFault fault, string provider, string model) => type switch
    {
        ErrorTypes.AuthenticationFailed => Make(type, false, provider, model, $"{provider} refused the key, or the key may not use {model}.",
            ["Check the provider's key and what it is allowed to use."]) with { Category = ErrorCategory.Config },
        ErrorTypes.RateLimited => Make(type, true, provider, model, $"{provider} says: too many requests for {model}.",
            ["Wait and retry; lower the concurrency or raise the provider's limit."]),
        ErrorTypes.QuotaExceeded => Make(type, false, provider, model, $"The quota or credit at {provider} is used up.",
            ["Add credit or raise the spend limit at the provider; waiting does not help."]),
        ErrorTypes.UpstreamTimeout => Make(type, true, provider, model, $"{provider} reports that {model} did not answer in time.", ["A retry may succeed."]),
        ErrorTypes.ContextTooLong => Make(type, false, provider, model, $"The prompt is longer than {model} takes.",
            ["Shorten the prompt or its input.", "Lower 'max_tokens'.", "Choose a model with a longer context."]),
        ErrorTypes.ContentFiltered => Make(type, false, provider, model, $"The content filter of {provider} stopped the call.",
            ["Change the prompt or its input so that it respects the provider's policy."]),
        ErrorTypes.Overloaded => Make(type, true, provider, model, $"{provider} has no capacity for {model} at the moment.", ["A retry may succeed; a fallback model helps."]),
        ErrorTypes.UpstreamBadRequest when Code(fault) is 404 => Make(type, false, provider, model, $"{provider} does not know the model {model}, or its base URL is wrong.",
            ["Check 'model' in the step.", "Check the provider's base URL."]) with { Category = ErrorCategory.Config },
        ErrorTypes.UpstreamBadRequest when fault.Code is >= 300 and < 400 => Make(type, false, provider, model, $"{provider} answered with a redirect, which is not followed.",
            ["Check the provider's base URL."]) with { Category = ErrorCategory.Config },
        ErrorTypes.UpstreamBadRequest => Make(type, false, provider, model, $"{provider} refused the request as wrong{Status(fault)}.",
            ["Check the step's parameters against what the model takes."]),
        _ => Make(type, true, provider, model, $"{provider} failed{Status(fault)}.", ["A retry may succeed."]),
    };

    private static WorkflowError Make(string type, bool retryable, string provider, string model, string message, IReadOnlyList<string> suggestions) => new()
    {
        Type = type,
        Category = ErrorCategory.External,
        Message = message,
        Retryable = retryable,
        Details = new ErrorDetails { Service = provider, Operation = model, Suggestions = suggestions },
    };

    private static string Status(ProviderFault fault) => fault.Code is { } code ? string.Create(CultureInfo.InvariantCulture, $" (status {code})") : "";
}
