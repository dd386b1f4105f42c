using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;

namespace LlmWorkflow.Simulator.Anthropic;

/// <summary>Errors as Anthropic words and types them.</summary>
internal static class AnthropicErrors
{
    /// <summary>A code of <c>error.details.error_code</c>: no call is served until the month is over.</summary>
    public const string SpendLimit = "enforced_spend_limit_reached";

    public static UpstreamFault BadRequest(string message) => new(StatusCodes.Status400BadRequest, message) { Type = "invalid_request_error" };

    public static UpstreamFault Unauthorized(string? key) =>
        new(StatusCodes.Status401Unauthorized, key is null ? "x-api-key header is required" : "invalid x-api-key") { Type = "authentication_error" };

    public static UpstreamFault UnknownModel(string model) => new(StatusCodes.Status404NotFound, $"model: {model}") { Type = "not_found_error" };

    /// <param name="status">HTTP status; null: the one of the type.</param>
    /// <param name="type">One of the error types, or the spend limit's code; null: the status's usual type.</param>
    public static UpstreamFault Of(int? status, string? type)
    {
        if (type is SpendLimit)
        {
            return new(status ?? StatusCodes.Status429TooManyRequests, "You have reached your organization's monthly spend limit.")
            {
                Type = "rate_limit_error", Code = type, MayRetry = false,
            };
        }

        var known = status ?? StatusOf(type);
        return new(known, Message(known)) { Type = type ?? TypeOf(known) };
    }

    public static JsonObject Json(UpstreamFault fault, string? requestId)
    {
        var error = new JsonObject { ["type"] = fault.Type, ["message"] = fault.Message };
        if (fault.Code is { } code)
        {
            error["details"] = new JsonObject { ["error_code"] = code };
        }

        var body = new JsonObject { ["type"] = "error", ["error"] = error };
        if (requestId is not null)
        {
            body["request_id"] = requestId;
        }

        return body;
    }

    private static string Message(int status) => status switch
    {
        401 => "invalid x-api-key",
        402 => "There is an issue with your billing or payment information.",
        403 => "Your API key does not have permission to use the specified resource.",
        404 => "The requested resource could not be found.",
        413 => "Request exceeds the maximum allowed number of bytes.",
        429 => "This request would exceed your account's rate limit. Please try again later.",
        504 => "Request timed out.",
        529 => "Overloaded",
        _ => status < 500 ? "The request is not valid." : "Internal server error",
    };

    private static string TypeOf(int status) => status switch
    {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        _ => status < 500 ? "invalid_request_error" : "api_error",
    };

    private static int StatusOf(string? type) => type switch
    {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "api_error" => 500,
        "timeout_error" => 504,
        // What breaks a stream most often.
        _ => 529,
    };
}
