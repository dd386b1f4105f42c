using LlmWorkflow.ServiceDefaults.Resilience;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Scalar.AspNetCore;

namespace LlmWorkflow.ServiceDefaults;

/// <summary>Hosting=Aspire: the client integrations of Aspire. <c>Integrations.Local.cs</c> has the same methods.</summary>
public static partial class Integrations
{
    internal static bool SupportsRedisUser => true;
    internal const string NoRedisUser = "";

    internal static void AddRedis(IHostApplicationBuilder builder, RedisSettings settings) =>
        builder.AddRedisClient(
            "redis",
            client =>
            {
                client.ConnectionString = settings.Text;
                // The whole's health is the API's /health; a lost Redis is not a dead process.
                client.DisableHealthChecks = true;
                client.DisableTracing = true;
                client.DisableAutoActivation = true;
            },
            settings.Apply);

    /// <summary>
    /// Timeouts, retries of idempotent requests and a circuit breaker for calls between the product's own services. Not for providers and webhooks: the
    /// engine retries those itself.
    /// </summary>
    public static IHttpClientBuilder AddInternalResilience(this IHttpClientBuilder builder)
    {
        builder.AddResilienceHandler("internal", InternalHttpPolicy.Configure);
        return builder;
    }

    /// <summary>
    /// The interactive API reference (Scalar) at <paramref name="path"/>, reading the document at <paramref name="openApiUrl"/>. All assets are served by this process.
    /// </summary>
    public static IEndpointConventionBuilder MapApiReference(
        this IEndpointRouteBuilder endpoints, string path = "/docs", string openApiUrl = "/openapi/v1.json", string title = "LlmWorkflow API") =>
        endpoints.MapScalarApiReference(path, options =>
        {
            options.Title = title;
            options.OpenApiRoutePattern = openApiUrl;
            // The script comes from the package's own endpoint as long as no CdnUrl is set; the fonts would come from a CDN.
#if !ASPIRE_STUBS
            options.DefaultFonts = false;
#endif
        });
}
