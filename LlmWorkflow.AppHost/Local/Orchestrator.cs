using LlmWorkflow.AppHost.Servers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace LlmWorkflow.AppHost.Local;

/// <summary>Runs the model's resources as plain processes from start to end of the host.</summary>
internal sealed class Orchestrator(
    ResourceCollection resources,
    IConfiguration configuration,
    ResourceNotificationService notifications,
    HealthCheckService healthChecks,
    IHttpClientFactory http,
    DistributedApplicationOptions options,
    TimeProvider time) : IHostedService, IAsyncDisposable
{
    /// <summary>Seconds until a process that ended is started again; tests of takeover set it high.</summary>
    public const string RestartDelayKey = "AppHost:RestartDelaySeconds";

    private readonly CancellationTokenSource stopping = new();
    private readonly Dictionary<string, ResourceLog> logs = [];
    private List<ResourceRunner> runners = [];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var home = AppHostSettings.Home(configuration);
        PrivateFile.CreateDirectory(home, traversable: true);
        PrivateFile.CreateDirectory(Path.Combine(home, "logs"));
        var otlpEndpoint = configuration["OTEL_EXPORTER_OTLP_ENDPOINT"];
        if (string.IsNullOrEmpty(otlpEndpoint) && !options.DisableDashboard && AspireDashboard.Find(configuration) is { } dashboard)
        {
            resources.Add(dashboard);
            otlpEndpoint = dashboard.OtlpEndpoint;
        }

        var firstDelay = configuration.GetValue<double?>(RestartDelayKey) is { } seconds ? TimeSpan.FromSeconds(seconds) : ResourceRunner.DefaultFirstDelay;
        var planner = new InstancePlanner(home, otlpEndpoint, healthChecks, http);
        runners = [.. resources.Cast<Resource>().SelectMany(resource => planner.Plan(resource, id => OpenLog(home, id)))
            .Select(plan => new ResourceRunner(plan, OpenLog(home, plan.Id), notifications, time, firstDelay))];
        foreach (var runner in runners)
        {
            runner.Begin(
                [.. runners.Where(other => runner.Plan.Resource.WaitsFor.Contains(other.Plan.Resource))],
                () => runners.Where(other => other.Plan.Resource.WaitsFor.Contains(runner.Plan.Resource)),
                stopping.Token);
        }

        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync();
        await Task.WhenAll(runners.Select(runner => runner.Stopped)).WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        // A host that failed to start is disposed without having been stopped.
        await StopAsync(CancellationToken.None);
        stopping.Dispose();
        foreach (var log in logs.Values)
        {
            await log.DisposeAsync();
        }
    }

    private ResourceLog OpenLog(string home, string id)
    {
        if (!logs.TryGetValue(id, out var log))
        {
            log = new ResourceLog(Path.Combine(home, "logs"), id, logs.Count, options.EnableResourceLogging);
            logs.Add(id, log);
        }

        return log;
    }
}
