using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Running;

/// <summary>Crashes and restarts inside composite steps and waits, against the whole system.</summary>
[Collection(nameof(RunningSystem))]
public sealed class NestedCrashTests
{
    private const int Items = 20;
    private const int AtOnce = 4;

    private const string Each = """
        {
          "name": "each_item", "version": "1.0.0",
          "steps": [{
            "id": "each", "type": "foreach", "items": "input.items", "as": "item", "max_concurrency": 4,
            "steps": [{ "id": "write", "type": "llm", "model": "anthropic/claude-3-haiku", "prompt": "Write about ${item}.", "max_tokens": 100 }]
          }],
          "output": { "texts": "${steps.each.output}" }
        }
        """;

    private const string Asks = """
        {
          "name": "asks", "version": "1.0.0",
          "steps": [
            { "id": "draft", "type": "llm", "model": "anthropic/claude-3-haiku", "prompt": "Draft.", "max_tokens": 20 },
            { "id": "ask", "type": "approval", "signal": "publish", "message": "Publish this?", "timeout_seconds": "TIMEOUT", "on_timeout": "continue", "default": { "by": "nobody" } }
          ],
          "output": { "answer": "${steps.ask.output}" }
        }
        """;

    [Fact]
    public async Task ForeachOfTwentyLlmItems_WorkerKilledInTheMiddle_CallsOnlyThoseInFlightAgain()
    {
        using var tree = new WorkflowTree(("each_item", Each));
        await using var system = await RunningSystem.StartAsync($"--WORKFLOWS_DIR={tree.Root}");
        // One item of the first ten and all of the others stand still, four at once; nine end.
        await system.BehaveAsync("""{"output_tokens":20,"hold":"before_first_byte","match":{"path":"chat/completions","text":"Write about 1"}}""");
        var job = await SubmitAsync(system, "each_item", $$"""{"items":[{{string.Join(',', Enumerable.Range(0, Items))}}]}""");
        await system.HeldAsync(AtOnce);
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from llm_step_runs where job_id = $1 and step_id = 'write'", job) == 9, TimeSpan.FromSeconds(60), "nine finished iterations");
        var owner = await system.ScalarAsync<Guid>("select lease_owner from llm_workflow_jobs where id = $1", job);
        await system.BehaveAsync("""{"output_tokens":20,"match":{"path":"chat/completions"}}""");

        await RunningSystem.SignalAsync("-9", await system.ScalarAsync<int>("select pid from llm_workers where id = $1", owner));
        var finished = await system.Client.WaitAsync(job).WaitAsync(TimeSpan.FromMinutes(2));

        Assert.Equal("completed", finished.Status);
        Assert.Equal(Items, finished.Output!.Value.GetProperty("texts").GetArrayLength());
        await Eventually.TrueAsync(
            async () => (await system.LedgerAsync()).GetProperty("calls").GetArrayLength() == Items + AtOnce, TimeSpan.FromSeconds(60), "all calls in the upstream's books");
        Assert.Equal(Items, await system.ScalarAsync<long>("select count(*) from llm_provider_usage where job_id = $1 and state = 'settled'", job));
        Assert.Equal(AtOnce, await system.ScalarAsync<long>("select count(*) from llm_provider_usage where job_id = $1 and state = 'possibly_billed'", job));
        Assert.Equal(0L, await system.ScalarAsync<long>(
            "select count(*) from (select from llm_provider_usage where job_id = $1 and state = 'settled' group by step_path having count(*) > 1) twice", job));
    }

    [Fact]
    public async Task Approval_RestartOfEverything_WaitsWithoutASlotAndGoesOnWithTheSignal()
    {
        using var tree = new WorkflowTree(("asks", Asks.Replace("\"TIMEOUT\"", "3600", StringComparison.Ordinal)));
        await using var system = await RunningSystem.StartAsync($"--WORKFLOWS_DIR={tree.Root}", "--WORKER_SLOTS=1");
        var job = await SubmitAsync(system, "asks", "{}");
        await UntilWaitingAsync(system, job);

        await system.RestartEverythingAsync();

        var waiting = await system.Client.GetStatusAsync(job);
        Assert.Equal("waiting", waiting.Status);
        var wait = Assert.Single(waiting.WaitingFor!);
        Assert.Equal(("ask", "publish", "Publish this?"), (wait.StepPath, wait.Signal, wait.Message));
        // Two workers of one slot each: a job that held one would leave these to the other alone; none is held, so both finish while it waits.
        var others = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => system.Client.SubmitAsync(RunningSystem.Sample())));
        foreach (var other in others)
        {
            Assert.Equal("completed", (await system.Client.WaitAsync(other.JobId).WaitAsync(TimeSpan.FromMinutes(2))).Status);
        }

        Assert.Equal(0L, await system.ScalarAsync<long>("select count(*) from llm_workflow_jobs where id = $1 and lease_owner is not null", job));
        Assert.Equal("queued", (await system.Client.SignalAsync(job, "publish", JsonElement.Parse("""{"by":"Ada"}"""))).Status);
        var finished = await system.Client.WaitAsync(job).WaitAsync(TimeSpan.FromMinutes(2));

        Assert.Equal("""{"answer":{"by":"Ada"}}""", finished.Output!.Value.GetRawText());
        // The draft was not written again.
        Assert.Equal(1L, await system.ScalarAsync<long>("select count(*) from llm_provider_usage where job_id = $1", job));
    }

    [Fact]
    public async Task Approval_NobodyAnswers_TakesTheTimeoutPathByItself()
    {
        using var tree = new WorkflowTree(("asks", Asks.Replace("\"TIMEOUT\"", "2", StringComparison.Ordinal)));
        await using var system = await RunningSystem.StartAsync($"--WORKFLOWS_DIR={tree.Root}");
        var job = await SubmitAsync(system, "asks", "{}");

        var finished = await system.Client.WaitAsync(job).WaitAsync(TimeSpan.FromMinutes(2));

        Assert.Equal("""{"answer":{"by":"nobody"}}""", finished.Output!.Value.GetRawText());
        Assert.Equal("job.queued,job.started,job.waiting,job.resumed,job.started,job.completed", await system.ScalarAsync<string>(
            "select string_agg(type, ',' order by sequence) from llm_job_events where job_id = $1 and type like 'job.%'", job));
    }

    private static async Task<Guid> SubmitAsync(RunningSystem system, string workflow, string input) =>
        (await system.Client.SubmitAsync(new SubmitRequest { WorkflowName = workflow, InputData = JsonElement.Parse(input) })).JobId;

    private static Task UntilWaitingAsync(RunningSystem system, Guid job) => Eventually.TrueAsync(
        async () => (await system.Client.GetStatusAsync(job)).Status == "waiting", TimeSpan.FromSeconds(90), "the wait");
}
