using System.Text;
using System.Text.Json;
using LlmWorkflow.Client;
using LlmWorkflow.Tests.AppHost;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.Running;

/// <summary>Crashes of all kinds in mid-run: nothing is lost, no finished call is paid twice, the books agree with the upstream's.</summary>
[Collection(nameof(RunningSystem))]
public sealed class CrashTests
{
    [Fact]
    public async Task TwoHundredJobs_WorkerKilledRedisFlushedPostgresRestarted_AllCompleteAndTheBooksAgree()
    {
        // Fewer slots than jobs: both workers have some, however late one of them looks.
        await using var system = await RunningSystem.StartAsync("--WORKER_SLOTS=150");
        await system.BehaveAsync("""{"latency_ms":1500,"output_tokens":120,"tokens_per_second":400,"match":{"path":"chat/completions"}}""");
        const int Jobs = 200;
        var submitted = await Task.WhenAll(Enumerable.Range(0, Jobs).Select(_ => system.Client.SubmitAsync(RunningSystem.Sample(system.Inbox("crash")))));
        var ids = submitted.Select(s => s.JobId).ToHashSet();

        // In mid-run: calls are under way on both workers.
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(distinct owner) from llm_provider_usage where state = 'reserved'") == 2,
            TimeSpan.FromMinutes(2), "calls under way on both workers");
        var victim = (await system.WorkersAsync())[0];
        var victimId = await system.ScalarAsync<Guid>("select id from llm_workers where pid = $1", victim);
        await RunningSystem.SignalAsync("-9", victim);
        // Its lease would hold for long: the others see that its process is gone.
        await system.ScalarAsync<int>("update llm_workers set expires_at = now() + interval '1 hour' where id = $1 and expires_at > now() returning 1", victimId);
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from llm_workflow_jobs where lease_owner = $1", victimId) == 0,
            TimeSpan.FromSeconds(60), "the takeover of the killed worker's jobs");

        await using (var redis = new RedisAdmin(system.Redis.ConnectionString))
        {
            await redis.FlushAsync();
        }

        await system.Postgres.RestartAsync(CancellationToken.None);

        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    return await system.ScalarAsync<long>("select count(*) from llm_workflow_jobs where status = 'completed'") == Jobs;
                }
                catch (Npgsql.NpgsqlException)
                {
                    return false;
                }
            },
            TimeSpan.FromMinutes(4), "the completion of all jobs");

        await AssertWebhooksAsync(system, ids);
        await AssertBooksAsync(system, victimId);
    }

    [Fact]
    public async Task WorkerKilledElsewhere_IsTakenOverWhenItsLeaseHasRunOut()
    {
        // Both workers run on this host, so to be taken over by its lease alone the dead one must look like another host's.
        await using var system = await RunningSystem.StartAsync("--AppHost:RestartDelaySeconds=600");
        await system.BehaveAsync("""{"latency_ms":600000,"match":{"path":"chat/completions"}}""");
        var job = (await system.Client.SubmitAsync(RunningSystem.Sample())).JobId;
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from llm_provider_usage where job_id = $1", job) == 1, TimeSpan.FromSeconds(90), "the call");
        var owner = await system.ScalarAsync<Guid>("select lease_owner from llm_workflow_jobs where id = $1", job);
        await system.ScalarAsync<int>("update llm_workers set host = 'elsewhere' where id = $1 returning 1", owner);
        await RunningSystem.SignalAsync("-9", await system.ScalarAsync<int>("select pid from llm_workers where id = $1", owner));
        var leaseEnd = await system.ScalarAsync<DateTime>("select expires_at from llm_workers where id = $1", owner);
        Assert.InRange(await system.ScalarAsync<double>("select extract(epoch from $1 - now())::float8", leaseEnd), 0, 10);

        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from llm_workflow_jobs where id = $1 and lease_owner <> $2", job, owner) == 1,
            TimeSpan.FromSeconds(60), "the takeover");

        // At most 15 s after the kill.
        Assert.InRange(await system.ScalarAsync<double>("select extract(epoch from now() - $1)::float8", leaseEnd), 0, 5);
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<string>("select string_agg(state, ',' order by ordinal) from llm_provider_usage where job_id = $1", job) == "possibly_billed,reserved",
            TimeSpan.FromSeconds(60), "the mark on the dead worker's call, and a new call");
    }

    [Fact]
    public async Task WorkerTerminatedUnderLoad_HandsItsJobsBackAtOnce()
    {
        await using var system = await RunningSystem.StartAsync("--AppHost:RestartDelaySeconds=600", "--WORKER_GRACE_SECONDS=1", "--WORKER_SLOTS=45");
        await system.BehaveAsync("""{"output_tokens":20,"hold":"before_first_byte","match":{"path":"chat/completions"}}""");
        const int Jobs = 60;
        await Task.WhenAll(Enumerable.Range(0, Jobs).Select(_ => system.Client.SubmitAsync(RunningSystem.Sample())));
        // Slots for fewer jobs than there are: both workers have calls under way.
        await system.HeldAsync(Jobs);
        var leaving = (await system.WorkersAsync())[0];
        var leavingId = await system.ScalarAsync<Guid>("select id from llm_workers where pid = $1", leaving);

        await RunningSystem.SignalAsync("-TERM", leaving);

        // The grace period is 1 s; nobody takes over what it hands back, as would be if its lease ran out.
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from llm_workers where id = $1", leavingId) == 0, TimeSpan.FromSeconds(60), "the worker's leave");
        Assert.Equal(0L, await system.ScalarAsync<long>("select count(*) from llm_workflow_jobs where lease_owner = $1", leavingId));
        await system.BehaveAsync("""{"output_tokens":20,"match":{"path":"chat/completions"}}""");
        await Eventually.TrueAsync(
            async () => await system.HeldAsync(0) == await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'reserved'"),
            TimeSpan.FromSeconds(60), "the end of the leaving worker's connections");
        await system.ReleaseAsync();
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from llm_workflow_jobs where status = 'completed'") == Jobs, TimeSpan.FromMinutes(3), "all jobs");
        Assert.Equal(0L, await system.ScalarAsync<long>("select sum(takeovers) from llm_workflow_jobs"));
        Assert.Equal(0L, await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'reserved'"));
        // Cut off before anything of the answer had come: nobody can know what they cost.
        var cutOff = (await system.LedgerAsync()).GetProperty("calls").EnumerateArray().Count(call => call.GetProperty("outcome").GetString() == "aborted");
        Assert.Equal(cutOff, await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'possibly_billed'"));
    }

    [Fact]
    public async Task WorkerStoppedPastItsLeaseAndContinued_WritesNothingOfTheJob()
    {
        await using var system = await RunningSystem.StartAsync();
        await system.BehaveAsync("""{"output_tokens":20,"hold":"before_first_byte","match":{"path":"chat/completions"}}""");
        var job = (await system.Client.SubmitAsync(RunningSystem.Sample(system.Inbox("zombie")))).JobId;
        await system.HeldAsync(1);
        var owner = await system.ScalarAsync<Guid>("select lease_owner from llm_workflow_jobs where id = $1", job);
        var zombie = await system.ScalarAsync<int>("select pid from llm_workers where id = $1", owner);

        await RunningSystem.SignalAsync("-STOP", zombie);
        await system.BehaveAsync("[]");
        var finished = await system.Client.WaitAsync(job).WaitAsync(TimeSpan.FromMinutes(2));
        await Eventually.TrueAsync(async () => (await system.DeliveriesAsync("zombie")).Count > 0, TimeSpan.FromSeconds(60), "the webhook");
        // Its call is answered too.
        await system.ReleaseAsync();
        var before = await SnapshotAsync(system, job);
        await RunningSystem.SignalAsync("-CONT", zombie);

        // It finds its lease lost and registers anew; from then on it has had its chance to do harm.
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from llm_workers where pid = $1 and id <> $2 and expires_at > now()", zombie, owner) == 1,
            TimeSpan.FromSeconds(60), "the zombie's new lease");
        Assert.Equal("completed", finished.Status);
        Assert.Equal(before, await SnapshotAsync(system, job));
        Assert.Single(await system.DeliveriesAsync("zombie"));

        // It works again.
        var others = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => system.Client.SubmitAsync(RunningSystem.Sample())));
        foreach (var other in others)
        {
            Assert.Equal("completed", (await system.Client.WaitAsync(other.JobId).WaitAsync(TimeSpan.FromMinutes(2))).Status);
        }
    }

    private static Task<string?> SnapshotAsync(RunningSystem system, Guid job) => system.ScalarAsync<string>(
        """
        select j.status || '|' || j.fence || '|' || j.event_seq || '|' || j.completed_at || '|' || md5(j.result_data::text) || '|' ||
               (select string_agg(step_path || status || attempts || md5(output::text) || completed_at, ',' order by step_path) from llm_step_runs where job_id = j.id) || '|' ||
               (select count(*) from llm_job_events where job_id = j.id) || '|' || (select count(*) from llm_webhook_deliveries where job_id = j.id)
        from llm_workflow_jobs j where j.id = $1
        """, job);

    private static async Task AssertWebhooksAsync(RunningSystem system, HashSet<Guid> ids)
    {
        await Eventually.TrueAsync(
            async () => await system.ScalarAsync<long>("select count(*) from llm_webhook_deliveries where state = 'delivered'") == ids.Count,
            TimeSpan.FromMinutes(3), "the delivery of all webhooks");
        var verifier = new WebhookVerifier(RunningSystem.WebhookSecret);
        var told = new HashSet<Guid>();
        foreach (var delivery in await system.DeliveriesAsync("crash"))
        {
            var headers = delivery.GetProperty("headers");
            var body = Encoding.UTF8.GetBytes(delivery.GetProperty("body").GetString()!);
            Assert.Equal(
                WebhookVerification.Valid,
                verifier.Verify(name => headers.TryGetProperty(name.ToLowerInvariant(), out var value) ? value.GetString() : null, body));
            using var document = JsonDocument.Parse(body);
            Assert.Equal("workflow.completed", document.RootElement.GetProperty("event").GetString());
            told.Add(document.RootElement.GetProperty("job_id").GetGuid());
        }

        Assert.Equal(ids.Order(), told.Order());
    }

    // What the upstream billed against what we recorded, call by call.
    private static async Task AssertBooksAsync(RunningSystem system, Guid victimId)
    {
        var upstream = (await system.LedgerAsync()).GetProperty("calls").EnumerateArray().ToDictionary(c => c.GetProperty("id").GetString()!);
        var ours = new Dictionary<string, (string State, long Tokens, decimal? Usd)>();
        await using (var command = system.Source.CreateCommand("select response_id, state, input_tokens + output_tokens, cost_usd from llm_provider_usage where response_id is not null"))
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                ours[reader.GetString(0)] = (reader.GetString(1), reader.GetInt64(2), await reader.IsDBNullAsync(3) ? null : reader.GetDecimal(3));
            }
        }

        // The calls whose fate nobody can know: they were in flight in the killed process.
        var unknown = await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'possibly_billed' and owner = $1", victimId);
        Assert.Equal(0L, await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'possibly_billed' and owner is distinct from $1", victimId));
        Assert.Equal(0L, await system.ScalarAsync<long>("select count(*) from llm_provider_usage where state = 'reserved'"));
        Assert.Equal(0L, await system.ScalarAsync<long>("select count(*) from (select from llm_provider_usage where state = 'settled' group by job_id, step_path having count(*) > 1) twice"));
        Assert.InRange(upstream.Keys.Count(id => !ours.ContainsKey(id)), 0, (int)unknown);
        foreach (var (id, (state, tokens, usd)) in ours.Where(o => o.Value.State == "settled"))
        {
            var billed = upstream[id];
            Assert.Equal("completed", billed.GetProperty("outcome").GetString());
            Assert.Equal(billed.GetProperty("input_tokens").GetInt64() + billed.GetProperty("output_tokens").GetInt64(), tokens);
            Assert.Equal(billed.GetProperty("usd").GetDecimal(), usd);
        }
    }
}

/// <summary>Administration of a test's own Redis.</summary>
internal sealed class RedisAdmin(string connection) : IAsyncDisposable
{
    private readonly ConnectionMultiplexer _redis = ConnectionMultiplexer.Connect(connection + ",allowAdmin=true");

    public async Task FlushAsync() => await _redis.GetDatabase().ExecuteAsync("FLUSHALL");

    public ValueTask DisposeAsync()
    {
        _redis.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>Tests that start whole systems run one after the other: each has two workers and an API on two cores.</summary>
[CollectionDefinition(nameof(RunningSystem), DisableParallelization = true)]
public sealed class RunningSystemGroup;
