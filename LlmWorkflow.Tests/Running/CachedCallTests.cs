using System.Net.Http.Json;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Running;

/// <summary>The reply cache of <c>llm</c> steps, over the whole fleet.</summary>
[Collection(nameof(RunningSystem))]
public sealed class CachedCallTests
{
    private const int Jobs = 200;

    private const string Asks = """
        {
          "name": "asks_same", "version": "1.0.0",
          "steps": [{ "id": "ask", "type": "llm", "model": "anthropic/claude-3-haiku", "prompt": "What is ${input.what}?", "max_tokens": 50, "cache": { "ttl_seconds": 600 } }],
          "output": { "text": "${steps.ask.output.content}", "cached": "${steps.ask.output.cached}", "cost": "${steps.ask.output.cost_usd}" }
        }
        """;

    [Fact]
    public async Task TwoHundredSameQuestionsAtOnce_OneCallAnswersAll_AlsoWhenItsWorkerIsKilled()
    {
        using var tree = new WorkflowTree(("asks_same", Asks));
        await using var system = await RunningSystem.StartAsync($"--WORKFLOWS_DIR={tree.Root}");
        await system.BehaveAsync("""{"latency_ms":1500,"output_tokens":20,"match":{"path":"chat/completions"}}""");

        var ends = await RunAsync(system, "one", static () => Task.CompletedTask);
        AssertOneReply(ends, payers: 1);
        Assert.Equal(1, await CallsAsync(system));

        // The leader dies in mid-call: the next one asks, and all have its reply.
        await system.BehaveAsync("""{"output_tokens":20,"hold":"mid_stream","hold_id":"leader","match":{"path":"chat/completions"}}""");
        ends = await RunAsync(system, "two", async () =>
        {
            var held = await system.Simulator.GetFromJsonAsync<JsonElement>(new Uri("/_control/holds?id=leader&count=1&timeout_ms=90000", UriKind.Relative));
            Assert.True(held.GetProperty("reached").GetBoolean());
            var leader = await system.ScalarAsync<int>("select w.pid from llm_workers w join llm_provider_usage u on u.owner = w.id where u.state = 'reserved'");
            await system.BehaveAsync("""{"latency_ms":500,"output_tokens":20,"match":{"path":"chat/completions"}}""");
            await RunningSystem.SignalAsync("-9", leader);
        });
        // The call that was cut off costs its job what the provider says afterwards.
        AssertOneReply(ends, payers: 2);
        Assert.Equal(3, await CallsAsync(system));
        Assert.Equal(2L, await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'settled'"));
        Assert.Equal(3L, await system.ScalarAsync<long>("select count(*) from llm_provider_usage"));
    }

    private static void AssertOneReply(IReadOnlyList<JobStatusResponse> ends, int payers)
    {
        Assert.All(ends, end => Assert.Equal("completed", end.Status));
        Assert.Single(ends.Select(end => end.Output!.Value.GetProperty("text").GetString()).Distinct());
        Assert.Equal(Jobs - 1, ends.Count(end => end.Output!.Value.GetProperty("cached").GetBoolean()));
        Assert.InRange(ends.Count(end => end.Metadata.TotalCostUsd > 0), 1, payers);
    }

    private static async Task<IReadOnlyList<JobStatusResponse>> RunAsync(RunningSystem system, string what, Func<Task> meanwhile)
    {
        var request = new SubmitRequest { WorkflowName = "asks_same", InputData = JsonElement.Parse($$"""{"what":"{{what}}"}""") };
        var jobs = await system.RunAsync(Enumerable.Repeat(request, Jobs), TimeSpan.FromMinutes(3), meanwhile);
        return await Task.WhenAll(jobs.Select(job => system.Client.GetStatusAsync(job)));
    }

    private static async Task<int> CallsAsync(RunningSystem system) => (await system.LedgerAsync()).GetProperty("calls").GetArrayLength();
}
