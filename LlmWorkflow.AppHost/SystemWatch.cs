using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using LlmWorkflow.AppHost.Servers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace LlmWorkflow.AppHost;

/// <summary>What a complete system has.</summary>
/// <param name="Counts">Instances that must be healthy, by resource.</param>
/// <param name="Simulated">Names of the upstreams that the simulator stands in for.</param>
internal sealed record ExpectedInstances(IReadOnlyDictionary<string, int> Counts, IReadOnlyList<string> Simulated);

/// <summary>One resource in <c>endpoints.json</c>.</summary>
/// <param name="Url">Its address, if it has one.</param>
/// <param name="Pids">Its processes, in the order of their instances.</param>
/// <param name="ConnectionString">For stores.</param>
internal sealed record EndpointEntry(string? Url, IReadOnlyList<int> Pids, string? ConnectionString);

/// <summary>
/// Follows the resources' states: knows when the system is complete, and keeps <c>endpoints.json</c> in the home directory (name → url, pids)
/// from then to the end, also over restarts of single processes.
/// </summary>
internal sealed class SystemWatch(ResourceNotificationService notifications, ExpectedInstances expected, IConfiguration configuration, TimeProvider time)
    : BackgroundService
{
    public const string EndpointsFile = "endpoints.json";
    private const string PidProperty = "executable.pid";
    private const string DashboardName = "aspire-dashboard";

    private readonly ConcurrentDictionary<string, ResourceEvent> latest = [];
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource dashboard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long startedAt = time.GetTimestamp();
    private string written = "";

    /// <summary>Ends when every expected instance is healthy; fails when one cannot be.</summary>
    public Task Ready => ready.Task;

    /// <summary>Ends when the Aspire dashboard is up, or cannot be.</summary>
    public Task DashboardSettled => dashboard.Task;

    public TimeSpan Elapsed => time.GetElapsedTime(startedAt);

    /// <summary>Called when an instance is healthy for the first time.</summary>
    public event Action<string>? Healthy;

    public string? UrlOf(string resource) => Instances(resource).SelectMany(instance => instance.Snapshot.Urls).FirstOrDefault()?.Url;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        File.Delete(EndpointsPath());
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        HashSet<string> reported = [];
        await foreach (var change in notifications.WatchAsync(stoppingToken))
        {
            latest[change.ResourceId] = change;
            if (IsHealthy(change) && reported.Add(change.ResourceId))
            {
                Healthy?.Invoke(change.ResourceId);
            }

            if (change.Resource.Name == DashboardName)
            {
                SettleDashboard(change);
            }
            else if (!Ready.IsCompleted && HasFailed(change))
            {
                ready.TrySetException(new AppHostException(await DescribeFailureAsync(change, stoppingToken)));
            }

            var complete = expected.Counts.All(resource => Instances(resource.Key).Count(IsHealthy) >= resource.Value);
            if (complete || Ready.IsCompletedSuccessfully)
            {
                SettleDashboard(Instances(DashboardName).FirstOrDefault());
                await WriteAsync(stoppingToken);
                ready.TrySetResult();
            }
        }
    }

    // Where there is none by the time the rest is complete, there will be none.
    private void SettleDashboard(ResourceEvent? change)
    {
        if (change is null || IsHealthy(change) || HasFailed(change))
        {
            dashboard.TrySetResult();
        }
    }

    private static bool IsHealthy(ResourceEvent change) =>
        change.Snapshot.HealthStatus == HealthStatus.Healthy && change.Snapshot.State?.Text == KnownResourceStates.Running;

    private static bool HasFailed(ResourceEvent change) =>
        change.Snapshot.State?.Text is { } state && KnownResourceStates.TerminalStates.Contains(state);

    private IEnumerable<ResourceEvent> Instances(string resource) =>
        latest.Values.Where(instance => instance.Resource.Name == resource).OrderBy(instance => instance.ResourceId, StringComparer.Ordinal);

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        var entries = new SortedDictionary<string, EndpointEntry>(StringComparer.Ordinal);
        foreach (var name in latest.Values.Select(instance => instance.Resource.Name).Distinct())
        {
            var instances = Instances(name).ToList();
            int[] pids = [.. instances.Select(Pid).OfType<int>()];
            var connection = instances[0].Resource is IResourceWithConnectionString store && IsHealthy(instances[0])
                ? await store.GetConnectionStringAsync(cancellationToken)
                : null;
            if (UrlOf(name) is { } url)
            {
                entries.Add(name, new EndpointEntry(url, pids, connection));
            }
            else if (pids.Length > 0 || connection is not null)
            {
                entries.Add(name, new EndpointEntry(null, pids, connection));
            }
        }

        var json = JsonSerializer.Serialize(entries, EndpointsJson.Default.SortedDictionaryStringEndpointEntry);
        if (json != written)
        {
            written = json;
            PrivateFile.Write(EndpointsPath(), json + "\n");
        }
    }

    private static int? Pid(ResourceEvent instance) =>
        instance.Snapshot.Properties.FirstOrDefault(property => property.Name == PidProperty)?.Value as int?;

    private async Task<string> DescribeFailureAsync(ResourceEvent change, CancellationToken cancellationToken)
    {
        const int shown = 25;
        var log = Path.Combine(AppHostSettings.Home(configuration), "logs", change.ResourceId + ".log");
        var lines = File.Exists(log) ? await ReadSharedAsync(log, cancellationToken) : [];
        return $"{change.ResourceId} did not start ({change.Snapshot.State?.Text}). "
            + (lines.Length == 0 ? "Its output is in the Aspire dashboard." : $"The end of {log}:\n  {string.Join("\n  ", lines.TakeLast(shown))}");
    }

    private static async Task<string[]> ReadSharedAsync(string path, CancellationToken cancellationToken)
    {
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return (await reader.ReadToEndAsync(cancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private string EndpointsPath() => Path.Combine(AppHostSettings.Home(configuration), EndpointsFile);
}

[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SortedDictionary<string, EndpointEntry>))]
internal sealed partial class EndpointsJson : JsonSerializerContext;
