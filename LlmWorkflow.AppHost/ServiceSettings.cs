using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.AppHost;

/// <summary>Settings of API and workers that the AppHost hands on, wherever it has them from.</summary>
internal static class ServiceSettings
{
    /// <summary>Needed in every deployment.</summary>
    public static readonly IReadOnlyList<string> Secrets = ["LLM_MICROSERVICE_API_KEY", "ADMIN_API_KEY", "LLM_WEBHOOK_SECRET", "ENCRYPTION_KEY"];

    private static readonly IReadOnlyList<string> Names =
    [
        .. Secrets,
        .. Upstream.All.SelectMany(upstream => upstream.KeyVariables.Append(upstream.BaseUrlVariable)),
        "LLM_SERVICE_API_SECRET", "LOG_LEVEL", "DEBUG_MODE", "WEBHOOK_TIMEOUT", "WEBHOOK_RETRY_DELAYS", "WEBHOOK_ALLOW_PRIVATE", "CORS_ORIGINS",
        "DATABASE_PREFER_IPV4", "MIGRATE_ON_START", "REDIS_PREFIX", "WORKER_SLOTS", "WORKER_GRACE_SECONDS",
    ];

    public static IResourceBuilder<ProjectResource> WithSettings(this IResourceBuilder<ProjectResource> service, IConfiguration configuration)
    {
        foreach (var name in Names)
        {
            if (AppHostSettings.Given(configuration, name) is { } value)
            {
                service.WithEnvironment(name, value);
            }
        }

        return service;
    }
}
