using System.Net.Http.Json;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Support;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.Running;

/// <summary>The cache of external services, over the whole fleet.</summary>
[Collection(nameof(RunningSystem))]
public sealed class ServiceCacheTests
{
    private const int Jobs = 500;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task FiveHundredSameCallsAtOnce_OneRequest_TheTableSurvivesRedis_OneRefreshAfterExpiry()
    {
        using var tree = new WorkflowTree(("ask", Definition("ask", 3600)), ("ask_fresh", Definition("ask_fresh", 600)));
        await using var system = await RunningSystem.StartAsync($"--WORKFLOWS_DIR={tree.Root}");
        await system.BehaveAsync("""{"latency_ms":1500,"match":{"path":"current.json"}}""");

        var ends = await RunAsync(system, "ask", Jobs);
        Assert.Equal(1, await RequestsAsync(system));
        Assert.Equal(Jobs - 1, ends.Count(end => end.GetProperty("cached").GetBoolean()));
        Assert.Single(ends.Select(end => end.GetProperty("data").GetRawText()).Distinct());

        // Redis empty and no worker that remembers: the table knows, and it all seems long ago.
        await system.ScalarAsync<int>("update external_api_cache set filled_at = filled_at - interval '20 minutes' returning 1");
        await FlushAllAsync(system);
        await ReplaceWorkersAsync(system);
        ends = await RunAsync(system, "ask", 100);
        Assert.Equal(1, await RequestsAsync(system));
        Assert.All(ends, end => Assert.True(end.GetProperty("cached").GetBoolean()));

        // What is older than ten minutes has expired for these: one of them asks for all.
        ends = await RunAsync(system, "ask_fresh", Jobs);
        Assert.Equal(2, await RequestsAsync(system));
        Assert.Equal(Jobs - 1, ends.Count(end => end.GetProperty("cached").GetBoolean()));
    }

    private static string Definition(string name, int seconds) => $$"""
        {
          "name": "{{name}}", "version": "1.0.0",
          "steps": [{ "id": "weather", "type": "external_api", "service": "weatherapi", "operation": "current", "config": { "q": "Austin" }, "cache_ttl_seconds": {{seconds}} }]
        }
        """;

    private static async Task<IReadOnlyList<JsonElement>> RunAsync(RunningSystem system, string workflow, int count)
    {
        var request = new SubmitRequest { WorkflowName = workflow, InputData = JsonElement.Parse("{}") };
        var jobs = await system.RunAsync(Enumerable.Repeat(request, count), s_patience);
        var ends = await Task.WhenAll(jobs.Select(job => system.Client.GetStatusAsync(job)));
        Assert.All(ends, end => Assert.True(end.Status == "completed", end.ErrorMessage));
        return [.. ends.Select(end => end.Output!.Value)];
    }

    private static async Task<int> RequestsAsync(RunningSystem system) =>
        (await system.Simulator.GetFromJsonAsync<JsonElement>(new Uri("/_control/ledger?path=current.json", UriKind.Relative))).GetProperty("calls").GetArrayLength();

    private static async Task FlushAllAsync(RunningSystem system)
    {
        var redis = await ConnectionMultiplexer.ConnectAsync(system.Redis.ConnectionString);
        await redis.GetDatabase().ExecuteAsync("FLUSHALL");
        await redis.CloseAsync();
    }

    private static async Task ReplaceWorkersAsync(RunningSystem system)
    {
        var old = await system.WorkersAsync();
        Assert.Equal(2, old.Count);
        foreach (var pid in old)
        {
            await RunningSystem.SignalAsync("-9", pid);
        }

        await Eventually.TrueAsync(async () => (await system.WorkersAsync()).Except(old).Count() == 2, s_patience, "two new workers");
    }
}
