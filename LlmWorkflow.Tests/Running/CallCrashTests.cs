using System.Net.Http.Json;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Support;
using Npgsql;

namespace LlmWorkflow.Tests.Running;

/// <summary>
/// Workers killed (SIGKILL) at each named point of a model call. In each round jobs are brought to the point in both workers, and both are killed: whatever
/// was settled is not bought again, whatever nobody can know is marked, and the ledger agrees with the Simulator's.
/// </summary>
[Collection(nameof(RunningSystem))]
public sealed class CallCrashTests
{
    private const int Rounds = 5;
    private const int JobsPerRound = 4;

    private const string TwoCalls = """
        {
          "name": "two_calls", "version": "1.0.0",
          "steps": [
            { "id": "first", "type": "llm", "model": "anthropic/claude-3-haiku", "prompt": "First of ${input.n}.", "max_tokens": 60 },
            { "id": "second", "type": "llm", "model": "anthropic/claude-3-haiku", "prompt": "Second of ${input.n}.", "max_tokens": 60 }
          ],
          "output": { "done": true }
        }
        """;

    [Theory]
    [Trait("Category", "Full")]
    [InlineData("before_request")]
    [InlineData("first_byte")]
    [InlineData("mid_stream")]
    [InlineData("last_byte")]
    [InlineData("before_settle")]
    [InlineData("before_checkpoint")]
    [InlineData("after")]
    public Task Kill_AtAPointOfACall_TwentyTimes_PaysForNothingTwiceAndHidesNothing(string point) => RunAsync(point, Rounds);

    [Fact]
    public Task Kill_BetweenSettlingAndCheckpoint_UsesTheSettledReply() => RunAsync("before_checkpoint", rounds: 1);

    private static async Task RunAsync(string point, int rounds)
    {
        using var tree = new WorkflowTree(("two_calls", TwoCalls));
        await using var proxy = new HoldingProxy();
        await using var system = await RunningSystem.StartAsync(
            $"--WORKFLOWS_DIR={tree.Root}", $"--OPENROUTER_BASE_URL=http://127.0.0.1:{proxy.Port}/openrouter/api/v1", "--OPENROUTER_API_KEY=simulated-key");
        proxy.Target = system.Simulator.BaseAddress;
        List<Guid> jobs = [];
        for (var round = 0; round < rounds; round++)
        {
            jobs.AddRange(await RoundAsync(system, proxy, point, round));
        }

        var settledTwice = await system.ScalarAsync<long>(
            "select count(*) from (select from llm_provider_usage where state = 'settled' group by job_id, step_path having count(*) > 1) twice");
        Assert.Equal(0, settledTwice);
        Assert.Equal(0L, await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'reserved'"));
        await ReconcileAsync(system, point, jobs.Count);
    }

    private static async Task<IReadOnlyList<Guid>> RoundAsync(RunningSystem system, HoldingProxy proxy, string point, int round)
    {
        await BehaveAsync(system, point);
        proxy.Holds = point == "before_request";
        var heldBefore = proxy.Held;
        await Eventually.TrueAsync(async () => (await system.WorkersAsync()).Count >= 2, TimeSpan.FromSeconds(60), "two workers");
        var workers = await system.WorkersAsync();
        var jobs = await Task.WhenAll(Enumerable.Range(0, JobsPerRound).Select(i => SubmitAsync(system, (round * JobsPerRound) + i)));
        await using var locks = await system.Source.OpenConnectionAsync();
        await using var transaction = await locks.BeginTransactionAsync();
        await ReachAsync(system, proxy, point, jobs, locks, heldBefore);

        foreach (var worker in workers)
        {
            await RunningSystem.SignalAsync("-9", worker);
        }

        await Eventually.GoneAsync(TimeSpan.FromSeconds(60), [.. workers]);
        // Postgres would carry out what a dead client had asked for as soon as the lock is gone.
        await ExecuteAsync(locks, "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and pid <> pg_backend_pid() and datname = current_database()");
        await transaction.RollbackAsync();
        proxy.Holds = false;
        await system.BehaveAsync("[]");
        await system.Simulator.PostAsync(new Uri("/_control/holds/release", UriKind.Relative), null);
        foreach (var job in jobs)
        {
            var end = await system.Client.WaitAsync(job).WaitAsync(TimeSpan.FromMinutes(3));
            Assert.True(end.Status == "completed", $"{point}: {end.Status} {end.ErrorMessage}");
        }

        return jobs;
    }

    private static Task BehaveAsync(RunningSystem system, string point) => system.BehaveAsync(point switch
    {
        "before_request" => "[]",
        "first_byte" => """{"output_tokens":40,"hold":"before_first_byte","hold_id":"here","match":{"path":"chat/completions","text":"First of"}}""",
        "last_byte" => """{"output_tokens":40,"hold":"before_last_byte","hold_id":"here","match":{"path":"chat/completions","text":"First of"}}""",
        // So that the first call is settled and its checkpoint written.
        "after" => """{"output_tokens":40,"hold":"before_first_byte","hold_id":"here","match":{"path":"chat/completions","text":"Second of"}}""",
        _ => """{"output_tokens":40,"hold":"mid_stream","hold_id":"here","match":{"path":"chat/completions","text":"First of"}}""",
    });

    private static async Task ReachAsync(RunningSystem system, HoldingProxy proxy, string point, Guid[] jobs, NpgsqlConnection locks, int heldBefore)
    {
        if (point == "before_request")
        {
            await Eventually.TrueAsync(() => Task.FromResult(proxy.Held - heldBefore >= jobs.Length), TimeSpan.FromSeconds(60), "requests that never arrive");
            return;
        }

        var held = await system.Simulator.GetFromJsonAsync<JsonElement>(new Uri($"/_control/holds?id=here&count={jobs.Length}&timeout_ms=90000", UriKind.Relative));
        Assert.True(
            held.GetProperty("reached").GetBoolean(),
            $"{point}: held {held.GetRawText()}; jobs {await system.ScalarAsync<string>("select string_agg(status || ' ' || coalesce(waiting_for::text, ''), '; ') from llm_workflow_jobs where id = any($1)", jobs)}");
        if (point is "mid_stream" or "last_byte" or "before_settle")
        {
            // The ids of the replies are noted soon after the first byte.
            await Eventually.TrueAsync(
                async () => await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'reserved' and response_id is not null") == jobs.Length,
                TimeSpan.FromSeconds(60), "noted ids");
        }

        switch (point)
        {
            case "before_settle":
                await ExecuteAsync(locks, "select from llm_provider_usage where state = 'reserved' for update");
                await ReleaseAndWaitForLocksAsync(system, jobs.Length);
                break;
            case "before_checkpoint":
                await ExecuteAsync(locks, "lock table llm_step_runs in share mode");
                await ReleaseAndWaitForLocksAsync(system, 1);
                await Eventually.TrueAsync(
                    async () => await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'reserved'") == 0, TimeSpan.FromSeconds(60), "settled calls");
                break;
        }
    }

    private static async Task ReleaseAndWaitForLocksAsync(RunningSystem system, int waiting)
    {
        await system.Simulator.PostAsync(new Uri("/_control/holds/release", UriKind.Relative), null);
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()") >= waiting,
            TimeSpan.FromSeconds(60), "writes that wait for the lock");
    }

    // What the Simulator billed is in the ledger to the last digit, call by call; what is not in it is as many calls as are marked.
    private static async Task ReconcileAsync(RunningSystem system, string point, int jobs)
    {
        // Calls whose ids are known are looked up at the provider.
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'possibly_billed' and response_id is not null") == 0,
            TimeSpan.FromSeconds(60), "calls looked up");
        var billed = (await system.LedgerAsync()).GetProperty("calls").EnumerateArray().ToDictionary(c => c.GetProperty("id").GetString()!, c => c.GetProperty("usd").GetDecimal());
        Dictionary<string, decimal> booked = [];
        await using (var command = system.Source.CreateCommand("select response_id, cost_usd from llm_provider_usage where response_id is not null"))
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                booked.Add(reader.GetString(0), reader.GetDecimal(1));
            }
        }

        Assert.All(booked, call => Assert.Equal(billed[call.Key], call.Value));
        var marked = await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'possibly_billed'");
        var unknown = billed.Count(call => !booked.ContainsKey(call.Key));
        Assert.True(unknown <= marked, $"{point}: {unknown} calls are not in the ledger, {marked} are marked");
        var calls = await system.ScalarAsync<long>("select count(*) from llm_provider_usage");
        var (expectedCalls, expectedMarked) = point switch
        {
            "before_checkpoint" => (2 * jobs, 0),
            "before_request" or "first_byte" or "after" => (3 * jobs, jobs),
            // Looked up, so their cost is known: aborted.
            _ => (3 * jobs, 0),
        };
        Assert.Equal((expectedCalls, expectedMarked), ((int)calls, (int)marked));
    }

    private static async Task<Guid> SubmitAsync(RunningSystem system, int n) =>
        (await system.Client.SubmitAsync(new SubmitRequest { WorkflowName = "two_calls", InputData = JsonElement.Parse($$"""{"n":{{n}}}""") })).JobId;

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
