using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.ServiceDefaults;

/// <summary>The check of names under the product's own prefixes: a misspelt setting stops the start instead of being ignored.</summary>
public static class OwnSettings
{
    // No platform gives names of its own under these; others (DATABASE_, REDIS_, OTEL_) are shared with the rest of the world.
    private static readonly string[] Prefixes = ["LLM_", "LLMWORKFLOW_", "WEBHOOK_", "WORKER_", "OPENROUTER_", "OPENAI_COMPATIBLE_"];

    // API, workers and AppHost often share one environment, so each knows the names of the others.
    private static readonly string[] OfOtherProcesses =
    [
        "LLM_MICROSERVICE_API_KEY", "LLM_SERVICE_API_SECRET", "LLMWORKFLOW_HOME", "WORKER_SLOTS", "WORKER_GRACE_SECONDS",
        // Of llmflow.
        "LLMWORKFLOW_API_URL",
        // What Aspire gives beside the connection string of the resource 'llmworkflow'.
        "LLMWORKFLOW_HOST", "LLMWORKFLOW_PORT", "LLMWORKFLOW_USERNAME", "LLMWORKFLOW_PASSWORD", "LLMWORKFLOW_URI", "LLMWORKFLOW_JDBCCONNECTIONSTRING",
        "LLMWORKFLOW_DATABASENAME", "LLMWORKFLOW_DATABASE",
    ];

    /// <summary>Rejects unknown names, each with the nearest known one. Call it when everything else has been read.</summary>
    public static void RejectUnknown(SettingsReader settings, IConfiguration configuration)
    {
        string[] known = [.. OfOtherProcesses, .. configuration.GetChildren().Select(section => section.Key).Where(IsServiceLink)];
        foreach (var prefix in Prefixes)
        {
            settings.RejectUnknown(prefix, known);
        }
    }

    // Kubernetes and Docker name services that run beside this one in its environment: LLMWORKFLOW_API_SERVICE_HOST, LLMWORKFLOW_API_PORT_8000_TCP…
    private static bool IsServiceLink(string name) =>
        name.Contains("_SERVICE_HOST", StringComparison.OrdinalIgnoreCase) || name.Contains("_SERVICE_PORT", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("_PORT", StringComparison.OrdinalIgnoreCase) || name.Contains("_TCP", StringComparison.OrdinalIgnoreCase);
}
