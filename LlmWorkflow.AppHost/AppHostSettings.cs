using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.AppHost;

/// <summary>Something the user has to know and can do something about; the message is all that is shown.</summary>
public sealed class AppHostException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The settings of the AppHost itself, from the environment, the command line (<c>--NAME=value</c>) or user secrets.</summary>
internal sealed record AppHostSettings
{
    public const string HomeVariable = "LLMWORKFLOW_HOME";
    private const string RepositoryKey = "AppHost:Repository";

    /// <summary>0 means any free port.</summary>
    public static readonly IReadOnlyList<string> PortVariables = ["API_PORT", "SIMULATOR_PORT", "ASPIRE_DASHBOARD_PORT", "POSTGRES_PORT", "REDIS_PORT"];

    /// <summary>Default 8000.</summary>
    public required int ApiPort { get; init; }

    /// <summary>Default 8900.</summary>
    public required int SimulatorPort { get; init; }

    /// <summary>Default 18888.</summary>
    public required int AspireDashboardPort { get; init; }

    /// <summary>Default 0: any.</summary>
    public required int PostgresPort { get; init; }

    /// <summary>Default 0: any.</summary>
    public required int RedisPort { get; init; }

    /// <summary>Worker processes. Default 2.</summary>
    public required int Workers { get; init; }

    /// <summary>A database to use instead of one of our own.</summary>
    public string? DatabaseUrl { get; init; }

    /// <summary>A Redis to use instead of one of our own.</summary>
    public string? RedisUrl { get; init; }

    /// <summary>Reads and checks all settings.</summary>
    /// <exception cref="AppHostException">Names every one that is wrong.</exception>
    public static AppHostSettings Read(IConfiguration configuration)
    {
        List<string> errors = [];
        var settings = new AppHostSettings
        {
            ApiPort = Number("API_PORT", 8000, 0, 65535),
            SimulatorPort = Number("SIMULATOR_PORT", 8900, 0, 65535),
            AspireDashboardPort = Number("ASPIRE_DASHBOARD_PORT", 18888, 0, 65535),
            PostgresPort = Number("POSTGRES_PORT", 0, 0, 65535),
            RedisPort = Number("REDIS_PORT", 0, 0, 65535),
            Workers = Number("WORKERS", 2, 1, 100),
            DatabaseUrl = Given(configuration, "DATABASE_URL"),
            RedisUrl = Given(configuration, "REDIS_URL"),
        };
        return errors.Count == 0 ? settings : throw new AppHostException("Wrong settings:\n  " + string.Join("\n  ", errors));

        int Number(string name, int standard, int least, int most)
        {
            var text = Given(configuration, name);
            if (text is null)
            {
                return standard;
            }

            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            {
                return number;
            }

            errors.Add($"{name} is '{text}'; it must be a whole number from {least} to {most} (default {standard}).");
            return standard;
        }
    }

    /// <summary>A setting, or null when it is absent or empty.</summary>
    public static string? Given(IConfiguration configuration, string name) => configuration[name] is { Length: > 0 } value ? value : null;

    /// <summary>Where local data lives; absolute once <see cref="ResolveHome"/> was called.</summary>
    public static string Home(IConfiguration configuration) =>
        Given(configuration, HomeVariable) ?? throw new InvalidOperationException($"{HomeVariable} is not resolved.");

    /// <summary>The directory that holds the solution.</summary>
    public static string Repository(IConfiguration configuration) =>
        Given(configuration, RepositoryKey) ?? throw new InvalidOperationException($"{RepositoryKey} is not resolved.");

    /// <summary>WORKFLOWS_DIR, or the repository's own.</summary>
    public static string WorkflowsDirectory(IConfiguration configuration) =>
        Given(configuration, "WORKFLOWS_DIR") ?? Path.Combine(Repository(configuration), "workflows");

    /// <summary>Makes the home directory's path absolute: relative ones start at the repository's root, whatever the current directory.</summary>
    public static void ResolveHome(IConfiguration configuration, string appHostDirectory)
    {
        var repository = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(appHostDirectory))!;
        configuration[RepositoryKey] = repository;
        configuration[HomeVariable] = Path.GetFullPath(Given(configuration, HomeVariable) ?? ".llmworkflow", repository);
    }
}
