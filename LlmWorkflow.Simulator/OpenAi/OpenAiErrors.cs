using System.Globalization;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Simulator.OpenAi;

/// <summary>Errors as OpenAI words and types them.</summary>
internal static class OpenAiErrors
{
    private const string Invalid = "invalid_request_error";

    public static UpstreamFault BadRequest(string message, string? param = null, string? code = null) =>
        new(StatusCodes.Status400BadRequest, message) { Type = Invalid, Param = param, Code = code };

    public static UpstreamFault Unauthorized(string? key) => key is null
        ? new(StatusCodes.Status401Unauthorized, "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth.") { Type = Invalid }
        : new(StatusCodes.Status401Unauthorized, $"Incorrect API key provided: {Masked(key)}. You can find your API key at https://platform.openai.com/account/api-keys.")
        {
            Type = Invalid, Code = "invalid_api_key",
        };

    public static UpstreamFault UnknownModel(string model) =>
        new(StatusCodes.Status404NotFound, $"The model `{model}` does not exist or you do not have access to it.") { Type = Invalid, Code = "model_not_found" };

    public static UpstreamFault Limited(RateDecision rate, string model)
    {
        var (what, gauge) = rate.LimitedByTokens ? ("tokens per min (TPM)", rate.Tokens) : ("requests per min (RPM)", rate.Requests);
        var limit = gauge?.Limit ?? 0;
        var used = limit - (gauge?.Remaining ?? 0);
        return new(StatusCodes.Status429TooManyRequests, string.Create(CultureInfo.InvariantCulture,
            $"Rate limit reached for {model} in organization org-simulated on {what}: Limit {limit}, Used {used}. Please try again in {RateLimitHeaders.Duration(rate.FreeAfter)}."))
        {
            Type = rate.LimitedByTokens ? "tokens" : "requests", Code = "rate_limit_exceeded",
        };
    }

    public static UpstreamFault Of(int? status, string? code, string? model) => code switch
    {
        "insufficient_quota" or "credit_balance_exhausted" =>
            new(status ?? 429, "You exceeded your current quota, please check your plan and billing details.") { Type = "insufficient_quota", Code = code, MayRetry = false },
        "context_length_exceeded" =>
            new(status ?? 400, "Your input exceeds the context window of this model. Please adjust your input and try again.") { Type = Invalid, Param = "messages", Code = code },
        "content_filter" or "content_policy_violation" =>
            new(status ?? 400, "Your request was rejected as a result of our safety system.") { Type = Invalid, Code = code },
        _ => OfStatus(status ?? 500, code, model),
    };

    public static JsonObject Body(UpstreamFault fault) => new()
    {
        ["error"] = new JsonObject { ["message"] = fault.Message, ["type"] = fault.Type, ["param"] = fault.Param, ["code"] = fault.Code },
    };

    private static UpstreamFault OfStatus(int status, string? code, string? model) => status switch
    {
        401 => Unauthorized("") with { Code = code ?? "invalid_api_key" },
        404 => UnknownModel(model ?? "") with { Code = code ?? "model_not_found" },
        413 => new(status, "Request payload is too large.") { Type = Invalid, Code = code },
        429 => new(status, $"Rate limit reached for {model}.") { Type = "requests", Code = code ?? "rate_limit_exceeded" },
        503 => new(status, "The engine is currently overloaded, please try again later.") { Type = "service_unavailable_error", Code = code ?? "service_unavailable" },
        >= 500 => new(status, "The server had an error while processing your request. Sorry about that!") { Type = "server_error", Code = code },
        _ => new(status, "The request is not valid.") { Type = Invalid, Code = code },
    };

    private static string Masked(string key) => key.Length <= 8 ? new string('*', key.Length) : $"{key[..4]}{new string('*', key.Length - 8)}{key[^4..]}";
}
