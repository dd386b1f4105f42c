using System.Text.Json;
using LlmWorkflow.Client;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Running;

/// <summary>Caps on cost, against the whole system: what the Simulator was asked, and what stands against the cap at every moment.</summary>
[Collection(nameof(RunningSystem))]
public sealed class BudgetRunTests
{
    private const int Items = 20;
    private const int Affordable = 7;

    // A call of exactly 100 output tokens at 1.25 USD per million, and a few input tokens at 0.25: seven and a bit of it.
    private const decimal Cap = 0.00092m;

    private const string Fan = """
        {
          "name": "NAME", "version": "1.0.0", "max_cost_usd": 0.00092, "on_budget": "MODE",
          "steps": [{
            "id": "each", "type": "foreach", "items": "input.items", "as": "item", "max_concurrency": 20,
            "steps": [{ "id": "write", "type": "llm", "model": "anthropic/claude-3-haiku", "prompt": "Item ${item}.", "max_tokens": 100 }]
          }],
          "output": { "texts": "${steps.each.output}" }
        }
        """;

    private const string Single = """
        {
          "name": "single", "version": "1.0.0",
          "steps": [{ "id": "write", "type": "llm", "model": "anthropic/claude-3-haiku", "prompt": "Item ${input.item}.", "max_tokens": 100 }]
        }
        """;

    [Fact]
    public async Task TwentyParallelCalls_BudgetForSeven_ExactlySevenAreMadeAndRaisingItFinishesTheRest()
    {
        using var tree = new WorkflowTree(("fails", Definition("fails", "fail")), ("pauses", Definition("pauses", "pause")), ("single", Single));
        tree.Write("limits.json", """{ "daily_usd": { "workflows": { "single": 0.00092 } } }""");
        await using var system = await RunningSystem.StartAsync($"--WORKFLOWS_DIR={tree.Root}");

        // Over the cap with "pause", and raised.
        await system.BehaveAsync("""{"output_tokens":100,"hold":"before_first_byte","match":{"path":"chat/completions"}}""");
        var paused = await SubmitAsync(system, "pauses", Input());
        await system.HeldAsync(Affordable);
        await AssertWithinAsync(system, paused, Cap);
        await system.BehaveAsync("""{"latency_ms":400,"output_tokens":100,"match":{"path":"chat/completions"}}""");
        await system.ReleaseAsync();
        var waiting = await WatchAsync(system, paused, Cap);
        Assert.Equal("waiting", waiting.Status);
        Assert.Equal(Affordable, await CallsAsync(system));
        Assert.All(waiting.WaitingFor!, wait => Assert.Equal("budget", wait.Reason));
        Assert.Equal(Items - Affordable, waiting.WaitingFor!.Count);
        var conflict = await Assert.ThrowsAsync<WorkflowApiException>(() => system.Client.IncreaseBudgetAsync(paused, new() { MaxCostUsd = 0.0001m }));
        Assert.Equal("BudgetConflict", conflict.Problem?.Error.Type);
        var raised = await system.Client.IncreaseBudgetAsync(paused, new() { MaxCostUsd = 0.01m });
        Assert.Equal(("queued", 0.01m), (raised.Status, raised.MaxCostUsd));
        var finished = await WatchAsync(system, paused, 0.01m);
        Assert.Equal("completed", finished.Status);
        Assert.Equal(Items, finished.Output!.Value.GetProperty("texts").GetArrayLength());
        // No finished call was made again.
        Assert.Equal(Items, await CallsAsync(system));
        Assert.Contains("job.budget_warning", await EventsAsync(system, paused));

        // A cap per day, over twenty jobs on two workers.
        var jobs = await Task.WhenAll(Enumerable.Range(0, Items).Select(i => SubmitAsync(system, "single", $$"""{"item":{{i}}}""")));
        var ends = await Task.WhenAll(jobs.Select(job => system.Client.WaitAsync(job).WaitAsync(TimeSpan.FromMinutes(3))));
        Assert.Equal(Affordable, ends.Count(end => end.Status == "completed"));
        Assert.All(ends.Where(end => end.Status != "completed"), end => Assert.Equal("BudgetExceeded", end.Error!.Type));
        Assert.Equal(Affordable + Items, await CallsAsync(system));
        Assert.Equal(0m, await system.ScalarAsync<decimal>("select sum(reserved_usd) from llm_daily_spend"));

        // With "fail": the first call over the cap ends the job, and stops those of the seven that have not been sent yet.
        var failed = await SubmitAsync(system, "fails", Input());
        var ended = await WatchAsync(system, failed, Cap);
        Assert.Equal("failed", ended.Status);
        Assert.Equal("BudgetExceeded", ended.Error!.Type);
        Assert.Equal(Affordable, await system.ScalarAsync<long>("select count(*) from llm_provider_usage where job_id = $1", failed));
        Assert.InRange(await CallsAsync(system), Affordable + Items, (2 * Affordable) + Items);
    }

    private static string Definition(string name, string mode) => Fan.Replace("NAME", name, StringComparison.Ordinal).Replace("MODE", mode, StringComparison.Ordinal);

    private static string Input() => $$"""{"items":[{{string.Join(',', Enumerable.Range(0, Items))}}]}""";

    private static async Task<Guid> SubmitAsync(RunningSystem system, string workflow, string input) =>
        (await system.Client.SubmitAsync(new SubmitRequest { WorkflowName = workflow, InputData = JsonElement.Parse(input) })).JobId;

    private static async Task<int> CallsAsync(RunningSystem system) => (await system.LedgerAsync()).GetProperty("calls").GetArrayLength();

    private static async Task<string> EventsAsync(RunningSystem system, Guid job) =>
        await system.ScalarAsync<string>("select string_agg(type, ' ') from llm_job_events where job_id = $1", job) ?? "";

    // Looks until the job has ended or waits for its budget.
    private static async Task<JobStatusResponse> WatchAsync(RunningSystem system, Guid job, decimal cap)
    {
        JobStatusResponse status = null!;
        await Eventually.TrueAsync(
            async () =>
            {
                await AssertWithinAsync(system, job, cap);
                status = await system.Client.GetStatusAsync(job);
                return status.IsFinal || status.Status == "waiting";
            },
            TimeSpan.FromMinutes(3),
            "the end or a wait");
        return status;
    }

    // Never may more be spent and held than the cap, neither by the job's row nor by the calls'.
    private static async Task AssertWithinAsync(RunningSystem system, Guid job, decimal cap)
    {
        var byJob = await system.ScalarAsync<decimal>("select total_cost_usd + reserved_usd from llm_workflow_jobs where id = $1", job);
        var byCalls = await system.ScalarAsync<decimal>("select coalesce(sum(coalesce(cost_usd, reserved_usd)), 0) from llm_provider_usage where job_id = $1", job);
        Assert.True(byJob <= cap && byCalls <= cap, $"{byJob} and {byCalls} of {cap}");
    }
}
