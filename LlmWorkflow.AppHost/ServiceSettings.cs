using System.Text.Json;
using System.Text.Json.Nodes;
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

    /// <summary>Keys of services that only a file under <c>services/</c> knows, one for each: a deployment asks for them. Files that cannot be read have none.</summary>
    /// <param name="workflows">The workflows folder.</param>
    public static IReadOnlyList<string> KeysOfFiles(string workflows)
    {
        var folder = Path.Combine(workflows, "services");
        return !Directory.Exists(folder) ? [] :
        [
            .. Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal).Select(KeyOf).OfType<string>()
                .Except(Upstream.All.SelectMany(upstream => upstream.KeyVariables), StringComparer.Ordinal),
        ];
    }

    private static string? KeyOf(string file)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(file))?["auth"]?["variables"]?[0]?.GetValue<string>();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentOutOfRangeException or IOException or UnauthorizedAccessException)
        {
            // The engine says what is wrong with it.
            return null;
        }
    }

    private static IEnumerable<string> OfFiles(IConfiguration configuration) =>
        configuration.AsEnumerable().Select(setting => setting.Key).Where(name => Array.Exists(OfServices, suffix => name.EndsWith(suffix, StringComparison.Ordinal)));

    private static IEnumerable<string> OfCompatibleProviders(IConfiguration configuration) =>
        from provider in (AppHostSettings.Given(configuration, CompatibleProviders) ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        from setting in OfCompatibleProvider
        select $"{provider.ToUpperInvariant()}_{setting}";
}
