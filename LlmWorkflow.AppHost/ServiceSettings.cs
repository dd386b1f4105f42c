using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.AppHost;

/// <summary>Settings of API and workers that the AppHost hands on, wherever it has them from.</summary>
internal static class ServiceSettings
{
    /// <summary>Needed in every deployment.</summary>
    public static readonly IReadOnlyList<string> Secrets = ["LLM_MICROSERVICE_API_KEY", "ADMIN_API_KEY", "LLM_WEBHOOK_SECRET", "ENCRYPTION_KEY"];

    private const string CompatibleProviders = "OPENAI_COMPATIBLE_PROVIDERS";

    // Of each provider that the list names.
    private static readonly string[] OfCompatibleProvider =
        ["BASE_URL", "API_KEY", "AUTH_HEADER", "API_VERSION", "MAX_TOKENS_FIELD", "STREAM_USAGE", "RESPONSE_FORMATS"];

    private static readonly IReadOnlyList<string> Names =
    [
        .. Secrets,
        .. Upstream.All.SelectMany(upstream => upstream.KeyVariables.Append(upstream.BaseUrlVariable)),
        "OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", CompatibleProviders, "DEFAULT_PROVIDER",
        "LLM_SERVICE_API_SECRET", "LOG_LEVEL", "DEBUG_MODE", "WEBHOOK_TIMEOUT", "WEBHOOK_RETRY_DELAYS", "WEBHOOK_ALLOW_PRIVATE", "CORS_ORIGINS",
        "DATABASE_PREFER_IPV4", "MIGRATE_ON_START", "REDIS_PREFIX", "WORKER_SLOTS", "WORKER_GRACE_SECONDS", "CACHE_DEFAULT_TTL",
    ];

    // What a file under services/ may name: the AppHost does not read those files.
    private static readonly string[] OfServices = ["_API_KEY", "_API_TOKEN", "_BASE_URL"];

    public static IResourceBuilder<ProjectResource> WithSettings(this IResourceBuilder<ProjectResource> service, IConfiguration configuration)
    {
        foreach (var name in Names.Concat(OfCompatibleProviders(configuration)).Concat(OfFiles(configuration)).Distinct(StringComparer.Ordinal))
        {
            if (AppHostSettings.Given(configuration, name) is { } value)
            {
                service.WithEnvironment(name, value);
            }
        }

        return service;
    }

    private static IEnumerable<string> OfFiles(IConfiguration configuration) =>
        configuration.AsEnumerable().Select(setting => setting.Key).Where(name => Array.Exists(OfServices, suffix => name.EndsWith(suffix, StringComparison.Ordinal)));

    private static IEnumerable<string> OfCompatibleProviders(IConfiguration configuration) =>
        from provider in (AppHostSettings.Given(configuration, CompatibleProviders) ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        from setting in OfCompatibleProvider
        select $"{provider.ToUpperInvariant()}_{setting}";
}
