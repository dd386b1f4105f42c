using System.Reflection;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Storage;
using StackExchange.Redis;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Looks at what the service stands on, within a second and a half whatever hangs. Probes that come together share one look.</summary>
internal sealed class HealthProbe(JobQueries queries, IConnectionMultiplexer redis, WorkflowCatalog catalog, ApiOptions options, TimeProvider time)
{
    private const string Healthy = "healthy";
    private const string Unhealthy = "unhealthy";
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(1500);

    // The build appends the commit after a plus sign.
    private static readonly string Version =
        typeof(HealthProbe).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    private readonly Lock _lock = new();
    private Task<HealthResponse>? _running;

    /// <summary>How it is now.</summary>
    public Task<HealthResponse> LookAsync()
    {
        lock (_lock)
        {
            return _running is { IsCompleted: false } ? _running : _running = Task.Run(ReadAsync);
        }
    }

    private async Task<HealthResponse> ReadAsync()
    {
        var database = TimedAsync(async token => (await queries.LiveWorkersAsync(token)).Workers);
        var cache = TimedAsync(async _ =>
        {
            await redis.GetDatabase().PingAsync();
            return 0;
        });
        var (databaseLatency, workers) = await database;
        var (redisLatency, _) = await cache;
        var status = databaseLatency is null ? Unhealthy : redisLatency is null || workers == 0 ? "degraded" : Healthy;
        return new()
        {
            Ok = databaseLatency is not null,
            Status = status,
            Version = Version,
            Services = new()
            {
                Database = new() { Status = databaseLatency is null ? Unhealthy : Healthy, Type = "postgresql", LatencyMs = databaseLatency },
                Redis = new() { Status = redisLatency is null ? Unhealthy : Healthy, LatencyMs = redisLatency },
                Workers = databaseLatency is null
                    ? new() { Status = "unknown" }
                    : new() { Status = workers == 0 ? Unhealthy : Healthy, Workers = workers },
            },
            Simulated = options.Simulated,
            Definitions = new() { Problems = [.. catalog.Problems.SelectMany(Describe)] },
            Timestamp = time.GetUtcNow(),
        };
    }

    private static IEnumerable<string> Describe(CatalogProblem problem) => problem.Issues.Select(issue =>
        $"{problem.File}:{issue.Line}:{issue.Column} {issue.Severity.ToString().ToLowerInvariant()} {issue.Code} {issue.Message}"
        + (problem.LastGoodInUse ? " (The last good version is in use.)" : ""));

    private async Task<(double? LatencyMs, int Value)> TimedAsync(Func<CancellationToken, Task<int>> look)
    {
        var started = time.GetTimestamp();
        using var limit = new CancellationTokenSource(Limit, time);
        try
        {
            // A store that hangs may not even honour the token.
            var value = await look(limit.Token).WaitAsync(Limit, time);
            return (Math.Round(time.GetElapsedTime(started).TotalMilliseconds, 2), value);
        }
        catch (Exception)
        {
            // Whatever it is: it does not answer, and that is all that health says.
            return (null, 0);
        }
    }
}
