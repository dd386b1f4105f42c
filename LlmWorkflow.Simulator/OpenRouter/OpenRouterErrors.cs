using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;

namespace LlmWorkflow.Simulator.OpenRouter;

/// <summary>Errors as OpenRouter words and types them.</summary>
internal static class OpenRouterErrors
{
    public static UpstreamFault Unauthorized(string? key) =>
        new(StatusCodes.Status401Unauthorized, key is null ? "No auth credentials found" : "User not found.");

    public static UpstreamFault BadRequest(string message) => new(StatusCodes.Status400BadRequest, message);

    /// <param name="status">HTTP status; null: what the provider behind it broke with, after the reply had begun.</param>
    /// <param name="type">One of OpenRouter's error types; null: the status's usual one.</param>
    public static UpstreamFault Of(int? status, string? type)
    {
        var known = status ?? StatusOf(type);
        return new(known, Message(known)) { Type = type ?? TypeOf(known) };
    }

    public static JsonObject Json(UpstreamFault fault, string? providerName)
    {
        var error = new JsonObject { ["code"] = fault.Status, ["message"] = fault.Message };
        if (fault.Type is { } type)
        {
            var metadata = new JsonObject { ["error_type"] = type };
            if (providerName is not null)
            {
                metadata["provider_name"] = providerName;
            }

            error["metadata"] = metadata;
        }

        return error;
    }

    private static string Message(int status) => status switch
    {
        400 => "Provider returned error",
        401 => "User not found.",
        402 => "Insufficient credits. Add more credits to your account.",
        403 => "Your chosen model requires moderation and your input was flagged",
        408 => "Your request timed out",
        413 => "Request payload is too large",
        429 => "Rate limit exceeded",
        502 => "Provider returned error",
        503 => "No allowed providers are available for the selected model.",
        _ => status < 500 ? "Invalid request" : "Internal Server Error",
    };

    private static string TypeOf(int status) => status switch
    {
        401 => "authentication",
        402 => "payment_required",
        403 => "content_policy_violation",
        408 or 504 => "timeout",
        413 => "payload_too_large",
        429 => "rate_limit_exceeded",
        502 => "provider_unavailable",
        503 or 529 => "provider_overloaded",
        _ => status < 500 ? "invalid_request" : "server",
    };

    private static int StatusOf(string? type) => type switch
    {
        "authentication" => 401,
        "payment_required" => 402,
        "permission_denied" or "content_policy_violation" => 403,
        "timeout" => 408,
        "payload_too_large" => 413,
        "rate_limit_exceeded" => 429,
        "provider_overloaded" => 503,
        "server" => 500,
        "invalid_request" or "context_length_exceeded" or "max_tokens_exceeded" or "token_limit_exceeded" or "refusal" => 400,
        _ => 502,
    };
}
