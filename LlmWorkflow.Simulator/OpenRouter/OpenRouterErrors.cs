using System.Globalization;
using LlmWorkflow.Simulator.Control;

namespace LlmWorkflow.Simulator.OpenRouter;

/// <summary>Errors as OpenRouter words and types them.</summary>
internal static class OpenRouterErrors
{
    public static readonly ErrorDetail Unauthorized = new(401, "No auth credentials found", Metadata: null);

    // What OpenRouter answers when the provider behind it broke after the reply had begun.
    public static readonly ErrorDetail Provider = OfStatus(StatusCodes.Status502BadGateway, "DeepInfra");

    public static ErrorDetail BadRequest(string message) => new(400, message, Metadata: null);

    public static ErrorDetail OfStatus(int status, string? providerName) => new(status, Message(status), new ErrorMetadata(Type(status), providerName));

    public static Task SendAsync(HttpResponse response, int status, ErrorDetail error, CancellationToken cancellation)
    {
        response.StatusCode = status;
        return response.WriteAsJsonAsync(new ErrorReply(error), SimulatorJson.Wire.ErrorReply, cancellationToken: cancellation);
    }

    /// <summary>Writes the headers of a 429: when to come back, and what the limit is.</summary>
    public static void AddRateLimitHeaders(HttpResponse response, RateLimitHit hit, double? retryAfter, DateTimeOffset now)
    {
        response.AddRetryAfter(retryAfter ?? Math.Ceiling(hit.FreeAfter.TotalSeconds));
        response.Headers["x-ratelimit-limit"] = hit.RequestsPerMinute.ToString(CultureInfo.InvariantCulture);
        response.Headers["x-ratelimit-remaining"] = "0";
        response.Headers["x-ratelimit-reset"] = now.Add(hit.FreeAfter).ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
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

    private static string Type(int status) => status switch
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
}
