using LlmWorkflow.Cli.Checking;
using LlmWorkflow.Cli.Recording;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.Providers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Cli.Running;

/// <summary>The engine in this process, over a workflows folder and the upstreams' settings.</summary>
internal static class InProcessServices
{
    /// <exception cref="CliException">A setting of an upstream is wrong.</exception>
    public static ServiceProvider Build(WorkflowTree tree, UpstreamSettings upstreams, EngineLog log, CallRecording? recording = null)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning).AddProvider(log));
        services.AddSingleton(tree.Catalog);
        var read = Settings(upstreams);
        services.AddLlmWorkflowInProcess(options =>
        {
            read(options);
            options.WorkflowsDirectory = tree.Root;
        });
        if (recording is { Records: true } or { Replays: true })
        {
            string[] clients = [ProviderRegistrations.HttpClientName, ExternalServiceRegistrations.TrustedHttpClientName, ExternalServiceRegistrations.PublicHttpClientName];
            foreach (var client in clients)
            {
                services.AddHttpClient(client).AddHttpMessageHandler(() => new RecordingHandler(recording, upstreams));
            }
        }

        return services.BuildServiceProvider();
    }

    private static Action<EngineOptions> Settings(UpstreamSettings upstreams)
    {
        var further = (upstreams.Setting("OPENAI_COMPATIBLE_PROVIDERS") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        List<string> problems = [];
        var read = EngineSettings.Read(upstreams.Setting, development: true, (name, problem) =>
        {
            // The rest are settings of the service.
            if (name is "DEFAULT_PROVIDER" or "OPENAI_COMPATIBLE_PROVIDERS" || name.EndsWith("_BASE_URL", StringComparison.Ordinal)
                || further.Any(provider => name.StartsWith($"{provider}_", StringComparison.OrdinalIgnoreCase)))
            {
                problems.Add($"{name} {problem}.");
            }
        });
        return problems.Count == 0 ? read : throw new CliException(string.Join(' ', problems));
    }
}
