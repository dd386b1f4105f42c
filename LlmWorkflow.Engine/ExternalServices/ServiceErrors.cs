using System.Globalization;
using System.Net.Sockets;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Failed service call to <see cref="WorkflowError"/>.</summary>
internal static class ServiceErrors
{
    /// <summary>The error of a reply with a status other than success.</summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="words">The service's own message, sanitised; null when it gave none.</param>
    /// <param name="retryAfter">Seconds that it asked to wait.</param>
    public static WorkflowError FromStatus(int status, string? words, double? retryAfter)
    {
        var error = status switch
        {
            401 or 403 => Make(ErrorTypes.AuthenticationFailed, false, "The service refused the key", "Check the service's key and what it is allowed to use.")
                with { Category = ErrorCategory.Config },
            408 or 504 => Make(ErrorTypes.UpstreamTimeout, true, "The service did not answer in time", "A retry may succeed."),
            429 => Make(ErrorTypes.RateLimited, true, "The service says: too many requests", "Wait and retry; lower the concurrency or raise the limit at the service."),
            >= 300 and < 400 => Make(ErrorTypes.UpstreamBadRequest, false, "The service answered with a redirect, which is not followed", "Check the service's base URL.")
                with { Category = ErrorCategory.Config },
            >= 500 => Make(ErrorTypes.UpstreamServerError, true, "The service failed", "A retry may succeed."),
            _ => Make(ErrorTypes.UpstreamBadRequest, false, "The service refused the request as wrong", "Check the parameters of the call (the step's 'config') against what the service takes."),
        };
        return error with
        {
            Message = string.Create(CultureInfo.InvariantCulture, $"{error.Message} (status {status}).{(words is null ? "" : $" It said: {words}")}"),
            RetryAfter = error.Retryable ? retryAfter : null,
        };
    }

    /// <summary>The types that a rule of a service file may give an error.</summary>
    public static IReadOnlyList<string> RuleTypes { get; } =
    [
        ErrorTypes.AuthenticationFailed, ErrorTypes.QuotaExceeded, ErrorTypes.InvalidParameter, ErrorTypes.UpstreamBadRequest, ErrorTypes.RateLimited,
        ErrorTypes.Overloaded, ErrorTypes.UpstreamServerError, ErrorTypes.UpstreamTimeout, ErrorTypes.InvalidResponse,
    ];

    /// <summary>The error of a reply that reports a failure although its HTTP status is one of success.</summary>
    public static WorkflowError Unsuccessful(int status, string? words) =>
        Make(ErrorTypes.UpstreamBadRequest, false, Told("The service reports a failure", status, words), "Check the parameters of the call (the step's 'config') and the service's key.");

    /// <summary>The error of a reply that a rule of the service's file recognised.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="words">The service's own message, sanitised; null when it gave none.</param>
    /// <param name="retryAfter">Seconds that it asked to wait.</param>
    public static WorkflowError FromRule(ErrorRule rule, int status, string? words, double? retryAfter)
    {
        var (category, retryable, meaning, suggestion) = rule.Type switch
        {
            ErrorTypes.AuthenticationFailed => (ErrorCategory.Config, false, "The service refused the key", "Check the service's key and what it is allowed to use."),
            ErrorTypes.QuotaExceeded => (ErrorCategory.Config, false, "The quota of the service's key is used up", "Raise the quota at the service, or use another key."),
            ErrorTypes.InvalidParameter => (ErrorCategory.User, false, "The service does not know or take a value that was given", "Correct the input."),
            ErrorTypes.RateLimited => (ErrorCategory.External, true, "The service says: too many requests", "Wait and retry; lower the 'rate_limit' in the service's file."),
            ErrorTypes.Overloaded => (ErrorCategory.External, true, "The service is overloaded", "A retry may succeed."),
            ErrorTypes.UpstreamServerError => (ErrorCategory.External, true, "The service failed", "A retry may succeed."),
            ErrorTypes.UpstreamTimeout => (ErrorCategory.External, true, "The service did not answer in time", "A retry may succeed."),
            ErrorTypes.InvalidResponse => (ErrorCategory.External, false, "The service's reply cannot be used", "Check the service's file against what the service sends."),
            _ => (ErrorCategory.External, false, "The service refused the request", "Check the parameters of the call (the step's 'config') against what the service takes."),
        };
        var error = Make(rule.Type, rule.Retryable ?? retryable, Told(meaning, status, words), rule.Suggestion ?? suggestion) with { Category = category };
        return error with { RetryAfter = error.Retryable ? retryAfter : null };
    }

    /// <summary>The error of a reply that an expression of the service's file cannot work on.</summary>
    public static WorkflowError Unreadable(string what, string problem) =>
        Make(ErrorTypes.InvalidResponse, false, $"{what} of the service's file cannot be worked out from its reply: {problem}",
            "Correct the service's file: the reply is not as it expects.");

    /// <summary>The error of a list that the service does not give page by page as its file says.</summary>
    public static WorkflowError Pages(string problem) =>
        Make(ErrorTypes.InvalidResponse, false, $"The service's pages cannot be followed: {problem}.", "Check 'pagination' in the service's file.");

    /// <summary>The error of a number of items that is none.</summary>
    public static WorkflowError NoLimit(string expression, string value) =>
        Make(ErrorTypes.InvalidParameter, false, $"'max_items' ({expression}) gives {value}, not a number from 1.", "Correct the parameters of the call, or 'pagination' in the service's file.")
            with { Category = ErrorCategory.Config };

    /// <summary>The error of a failed or broken connection.</summary>
    public static WorkflowError Network(Exception exception) =>
        Make(ErrorTypes.NetworkError, true, $"The connection to the service failed or broke ({Reason(exception)}).",
            "Check that the service's base URL is right and that this machine reaches it; a retry may succeed.");

    /// <summary>The error of a call that took too long.</summary>
    public static WorkflowError Timeout(double seconds) =>
        Make(ErrorTypes.UpstreamTimeout, true, string.Create(CultureInfo.InvariantCulture, $"The service did not answer within {seconds:0.###} s."),
            "A retry may succeed; else raise 'timeout_seconds' in the service's file.");

    /// <summary>The error of a reply larger than allowed.</summary>
    public static WorkflowError TooLarge(int limit) =>
        Make(ErrorTypes.InvalidResponse, false, string.Create(CultureInfo.InvariantCulture, $"The service's reply is larger than {(limit % (1024 * 1024) == 0 ? $"{limit / (1024 * 1024)} MiB" : $"{limit} bytes")}."),
            "Ask for less, for example by fewer results or fields, or raise 'max_response_bytes' in the service's file.");

    /// <summary>The error of a reply with too many or too long headers.</summary>
    public static WorkflowError TooManyHeaders() =>
        Make(ErrorTypes.InvalidResponse, false, "The service's reply has more than 64 KB of headers.", "Check the service's base URL and path.");

    /// <summary>The error of a reply that is nested too deeply.</summary>
    public static WorkflowError TooDeep(int depth) =>
        Make(ErrorTypes.InvalidResponse, false, string.Create(CultureInfo.InvariantCulture, $"The service's reply is nested deeper than {depth} levels."), "Ask for less, for example by fewer fields.");

    /// <summary>The error of a reply that is not JSON.</summary>
    public static WorkflowError NotJson(string? contentType) =>
        Make(ErrorTypes.InvalidResponse, false, $"The service answered with {Redactor.Text(contentType) ?? "no content type"} instead of JSON.",
            "Check the service's base URL and path.");

    /// <summary>The error of a reply that calls itself JSON and is not.</summary>
    public static WorkflowError Malformed() =>
        Make(ErrorTypes.InvalidResponse, true, "The service answered with malformed JSON.", "A retry may succeed.");

    /// <summary>The error of a call whose turn would come after its time is up.</summary>
    /// <param name="service">Service name.</param>
    /// <param name="wait">Until the turn.</param>
    public static WorkflowError TurnTooLate(string service, TimeSpan wait)
    {
        var seconds = Seconds(wait);
        return Make(ErrorTypes.RateLimited, true,
            string.Create(CultureInfo.InvariantCulture, $"The turn of this call of {service} comes in {seconds:0.#} s, after the time of its step is up."),
            $"Retry later, raise the step's 'timeout_seconds', or lower the concurrency; if the service allows more, raise 'rate_limit' in services/{service}.json.")
            with { RetryAfter = seconds };
    }

    /// <summary>The circuit breaker is open.</summary>
    /// <param name="service">Service name.</param>
    /// <param name="rest">Until the next call is let through.</param>
    public static WorkflowError CircuitOpen(string service, TimeSpan rest)
    {
        var seconds = Seconds(rest);
        return Make(ErrorTypes.CircuitOpen, true,
            string.Create(CultureInfo.InvariantCulture, $"Calls of {service} failed again and again; it is not called for another {seconds:0.#} s."),
            "Retry later; look at the service's status page.")
            with { RetryAfter = seconds };
    }

    /// <summary>The error of a reply without a body where JSON was expected.</summary>
    public static WorkflowError Empty() =>
        Make(ErrorTypes.InvalidResponse, true, "The service's reply is empty, where JSON was expected.", "A retry may succeed; else check the path in the service's file.");

    /// <summary>The error of a connection that was not made in time: the request was not sent.</summary>
    public static WorkflowError NotConnected(double seconds) =>
        Make(ErrorTypes.NetworkError, true, string.Create(CultureInfo.InvariantCulture, $"No connection to the service within {seconds:0.###} s."),
            "Check that the service's base URL is right and that this machine reaches it; a retry may succeed.");

    /// <summary>The error of a reply whose compression is broken.</summary>
    public static WorkflowError Undecodable() =>
        Make(ErrorTypes.InvalidResponse, true, "The service's reply cannot be decompressed.", "A retry may succeed.");

    /// <summary>The error of a host that leads where the service's file does not allow it.</summary>
    /// <param name="service">Service name.</param>
    /// <param name="host">The host.</param>
    /// <param name="isRedirect">A redirect led there, not the base URL.</param>
    public static WorkflowError AddressRefused(string service, string host, bool isRedirect) =>
        Make(ErrorTypes.InvalidServiceFile, false,
            $"{(isRedirect ? "A redirect of the service" : "The base URL")} leads to {Redactor.Text(host)}, a private or reserved address, which is not allowed.",
            $"Correct services/{service}.json; if the service runs inside your network, set 'allow_private_addresses' there.") with { Category = ErrorCategory.Config };

    /// <summary>The error of a redirect that is not followed.</summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="problem">Completes "The service redirects …"; holds no query.</param>
    /// <param name="suggestion">What to do.</param>
    public static WorkflowError Redirect(int status, string problem, string suggestion) =>
        Make(ErrorTypes.UpstreamBadRequest, false, string.Create(CultureInfo.InvariantCulture, $"The service redirects (status {status}) {problem}."), suggestion)
            with { Category = ErrorCategory.Config };

    // The system's own name for it is more exact than HTTP's; neither holds addresses.
    private static string Reason(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is SocketException socket)
            {
                return socket.SocketErrorCode.ToString();
            }
        }

        return UpstreamFailure.Reason(exception);
    }

    // Rounded up: who comes back then is not too early.
    private static double Seconds(TimeSpan time) => Math.Max(0.1, Math.Ceiling(time.TotalSeconds * 10) / 10);

    private static string Told(string meaning, int status, string? words) =>
        string.Create(CultureInfo.InvariantCulture, $"{meaning} (status {status}).{(words is null ? "" : $" It said: {words}")}");

    private static WorkflowError Make(string type, bool retryable, string message, string suggestion) => new()
    {
        Type = type,
        Category = ErrorCategory.External,
        Message = message,
        Retryable = retryable,
        Details = new ErrorDetails { Suggestions = [suggestion] },
    };
}
