using LlmWorkflow.ServiceDefaults;

namespace LlmWorkflow.Api;

/// <summary>Settings of the API process.</summary>
internal sealed class ApiOptions
{
    /// <summary>Keys with scope app.</summary>
    public IReadOnlyList<string> AppKeys { get; init; } = [];

    /// <summary>Keys with scope admin, which includes app.</summary>
    public IReadOnlyList<string> AdminKeys { get; init; } = [];

    /// <summary>Origins of browsers that may call; <c>*</c> for any. Default: none.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>Upstreams that the simulator stands in for, as the AppHost says.</summary>
    public IReadOnlyList<string> Simulated { get; init; } = [];

    /// <summary>Applies missing migrations at start. Default true.</summary>
    public bool MigrateOnStart { get; init; } = true;
}

/// <summary>Reads <see cref="ApiOptions"/> and checks the names of all settings; the engine's are read by <see cref="Engine.EngineSettings"/>.</summary>
internal static class ApiSettings
{
    private const string DevelopmentKey = "dev-key";
    private const string DevelopmentAdminKey = "dev-admin-key";

    /// <summary>Reads the settings; what is wrong goes to <paramref name="settings"/>. Call it last: it also looks for unknown names.</summary>
    public static ApiOptions Read(SettingsReader settings, IConfiguration configuration, bool development)
    {
        var options = new ApiOptions
        {
            AppKeys = Keys(settings, development, DevelopmentKey, "LLM_MICROSERVICE_API_KEY", "LLM_SERVICE_API_SECRET"),
            AdminKeys = Keys(settings, development, DevelopmentAdminKey, "ADMIN_API_KEY"),
            CorsOrigins = Origins(settings),
            Simulated = List(settings.Text("SIMULATED_UPSTREAMS")),
            MigrateOnStart = settings.Flag("MIGRATE_ON_START", true),
        };
        OwnSettings.RejectUnknown(settings, configuration);
        return options;
    }

    private static List<string> Keys(SettingsReader settings, bool development, string developmentKey, params string[] names)
    {
        var keys = names.SelectMany(name => List(settings.Text(name))).Distinct(StringComparer.Ordinal).ToList();
        if (development)
        {
            return keys.Count > 0 ? keys : [developmentKey];
        }

        if (keys.Count == 0)
        {
            settings.Reject(names[0], "is missing: outside development the service does not start without keys");
        }

        foreach (var name in names.Where(n => List(settings.Text(n)).Any(k => k is DevelopmentKey or DevelopmentAdminKey)))
        {
            settings.Reject(name, $"holds a key for development ({DevelopmentKey}, {DevelopmentAdminKey}); set another");
        }

        return keys;
    }

    private static List<string> Origins(SettingsReader settings)
    {
        var origins = List(settings.Text("CORS_ORIGINS"));
        if (origins.Any(o => o != "*" && !IsOrigin(o)))
        {
            settings.Reject("CORS_ORIGINS", "must be '*' or origins such as https://app.example.com, without a path, separated by commas");
        }

        return [.. origins.Select(o => o.TrimEnd('/'))];
    }

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.PathAndQuery == "/" && url.UserInfo.Length == 0;

    private static List<string> List(string? text) => [.. (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
}
