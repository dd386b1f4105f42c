using System.Text.Json;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Health, for probes and people; needs no key.</summary>
internal static class HealthEndpoints
{
    public static IReadOnlyList<RouteHandlerBuilder> MapHealth(this IEndpointRouteBuilder api) =>
        [.. new[] { api.MapGet("/health", HealthAsync), api.MapGet("/api/v1/health", HealthAsync) }.Select(b => b.AllowAnonymous().DisableHttpMetrics())];

    private static async Task HealthAsync(HttpContext context, HealthProbe probe)
    {
        var health = await probe.LookAsync();
        context.Response.StatusCode = health.Ok ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.CacheControl = "no-store";
        await ProblemDetailsMapping.WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(health, ApiJson.Wire.HealthResponse));
    }
}
