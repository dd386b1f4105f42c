using LlmWorkflow.Engine.Maintenance;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Tests.Engine.Maintenance;

public sealed class RescueTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    [Fact]
    public async Task RunOnceAsync_LeaseRanOut_QueuesTheJobsAgainAndCountsATakeover()
    {
        var dead = await engine.NewWorkerAsync(lease: TimeSpan.FromMilliseconds(-1));
        var job = await ClaimAsDeadAsync(dead);
        var rescuer = await NewRescuerAsync();

        Assert.True(await rescuer.RunOnceAsync(CancellationToken.None));

        Assert.Equal("queued 1", await StateAsync(job));
        Assert.Contains(job, await TakeAllAsync());
        Assert.Equal(0L, await engine.ScalarAsync<long>("select count(*) from llm_workers where id = $1", dead.Id));
    }

    [Fact]
    public async Task RunOnceAsync_ProcessGoneOnThisHost_DoesNotWaitForTheLease()
    {
        // No process has this id: Linux hands out at most 4,194,304.
        var dead = await engine.NewWorkerAsync(lease: TimeSpan.FromMinutes(5), processId: 5_000_000);
        var job = (await engine.NewClaimAsync(dead)).Job.Identity.JobId;
        var rescuer = await NewRescuerAsync();

        Assert.True(await rescuer.RunOnceAsync(CancellationToken.None));

        Assert.Equal("queued 1", await StateAsync(job));
    }

    [Fact]
    public async Task RunOnceAsync_OtherBootOrLivingProcess_LeavesTheJobsAlone()
    {
        var elsewhere = await engine.NewWorkerAsync(processId: 5_000_000, bootId: "another boot");
        var alive = await engine.NewWorkerAsync(processId: Environment.ProcessId);
        var first = (await engine.NewClaimAsync(elsewhere)).Job.Identity.JobId;
        var second = (await engine.NewClaimAsync(alive)).Job.Identity.JobId;
        var rescuer = await NewRescuerAsync();

        await rescuer.RunOnceAsync(CancellationToken.None);

        Assert.Equal("processing 0", await StateAsync(first));
        Assert.Equal("processing 0", await StateAsync(second));
    }

    [Fact]
    public async Task RunOnceAsync_WorkersDiedTooOften_FailsTheJobAndTellsIt()
    {
        Guid job = default;
        for (var death = 1; death <= 3; death++)
        {
            var dead = await engine.NewWorkerAsync(lease: TimeSpan.FromMilliseconds(-1));
            job = death == 1 ? await ClaimAsDeadAsync(dead) : await ReclaimAsDeadAsync(dead, job);
            await (await NewRescuerAsync()).RunOnceAsync(CancellationToken.None);
        }

        Assert.Equal("failed 2", await StateAsync(job));
        Assert.Equal("WorkerCrashed", await engine.ScalarAsync<string>("select error->>'type' from llm_workflow_jobs where id = $1", job));
        Assert.Equal("workflow.failed", await engine.ScalarAsync<string>("select event from llm_webhook_deliveries where job_id = $1", job));
    }

    [Fact]
    public async Task RequeueUnknownAsync_AnswerToTheClaimWasLost_FreesOnlyWhatTheWorkerDoesNotRun()
    {
        var worker = await engine.NewWorkerAsync();
        var running = (await engine.NewClaimAsync(worker)).Job.Identity.JobId;
        var unknown = (await engine.NewClaimAsync(worker)).Job.Identity.JobId;
        var fresh = (await engine.NewClaimAsync(worker)).Job.Identity.JobId;
        await engine.ScalarAsync<int>(
            "update llm_workflow_jobs set run_started_at = now() - interval '6 seconds' where id = any($1) returning 1", new[] { running, unknown });

        var freed = await engine.Leases.RequeueUnknownAsync(worker.Id, [running], CancellationToken.None);

        Assert.Equal([unknown], freed.Select(f => f.JobId));
        Assert.Equal("queued 0", await StateAsync(unknown));
        Assert.Equal("processing 0", await StateAsync(running));
        Assert.Equal("processing 0", await StateAsync(fresh));
    }

    [Fact]
    public async Task Sweep_RedisLostTheEntries_PutsOldRowsBack()
    {
        await TakeAllAsync();
        var job = (await engine.Jobs.InsertAsync(EngineFixture.NewJob(priority: 9), CancellationToken.None)).JobId;
        await engine.ScalarAsync<int>("update llm_workflow_jobs set queued_at = now() - interval '6 seconds' where id = $1 returning 1", job);
        var sweeper = new QueueSweeper(engine.Queue, engine.Stream, NullLogger<QueueSweeper>.Instance);

        Assert.True(await sweeper.RunOnceAsync(CancellationToken.None));

        Assert.Contains(job, await TakeAllAsync());
    }

    [Fact]
    public async Task Timers_RunAtHasCome_QueuesTheJob()
    {
        var job = (await engine.Jobs.InsertAsync(EngineFixture.NewJob(runAt: DateTimeOffset.Parse("2100-01-01T00:00:00Z")), CancellationToken.None)).JobId;
        await engine.ScalarAsync<int>("update llm_workflow_jobs set run_at = now() where id = $1 returning 1", job);
        var bus = new JobEventBus(engine.Redis, Microsoft.Extensions.Options.Options.Create(engine.Options), TimeProvider.System, NullLogger<JobEventBus>.Instance);

        Assert.False(await new JobTimers(engine.Queue, engine.Stream, bus).RunOnceAsync(CancellationToken.None));

        Assert.Equal("queued 0", await StateAsync(job));
        Assert.Contains(job, await TakeAllAsync());
    }

    [Fact]
    public async Task Claim_WorkerExpired_ClaimsNothing()
    {
        var dead = await engine.NewWorkerAsync(lease: TimeSpan.FromMilliseconds(-1));
        var job = (await engine.Jobs.InsertAsync(EngineFixture.NewJob(), CancellationToken.None)).JobId;

        Assert.Empty(await engine.Leases.ClaimAsync(dead.Id, [job], CancellationToken.None));
        Assert.Null(await engine.Leases.RenewAsync(dead.Id, TimeSpan.FromSeconds(10), CancellationToken.None));
    }

    private async Task<JobRescuer> NewRescuerAsync()
    {
        var lease = new WorkerLease(engine.Leases, TimeProvider.System, NullLogger<WorkerLease>.Instance);
        await lease.RegisterAsync(new(Guid.CreateVersion7(), "host", "boot", Environment.ProcessId, "test", 1), CancellationToken.None);
        return new(engine.Leases, engine.Jobs, engine.Stream, lease, TimeProvider.System, NullLogger<JobRescuer>.Instance);
    }

    // A worker with a good lease claims, then its lease runs out.
    private async Task<Guid> ClaimAsDeadAsync(WorkerIdentity dead)
    {
        var stored = await engine.Jobs.InsertAsync(EngineFixture.NewJob(), CancellationToken.None);
        return await ReclaimAsDeadAsync(dead, stored.JobId);
    }

    private async Task<Guid> ReclaimAsDeadAsync(WorkerIdentity dead, Guid job)
    {
        await engine.ScalarAsync<int>("update llm_workers set expires_at = now() + interval '1 minute' where id = $1 returning 1", dead.Id);
        Assert.Single(await engine.Leases.ClaimAsync(dead.Id, [job], CancellationToken.None));
        await engine.ScalarAsync<int>("update llm_workers set expires_at = now() where id = $1 returning 1", dead.Id);
        return job;
    }

    private async Task<List<Guid>> TakeAllAsync()
    {
        var all = new List<Guid>();
        while (await engine.Stream.TakeAsync(64, 1) is { Count: > 0 } taken)
        {
            all.AddRange(taken);
        }

        return all;
    }

    private Task<string?> StateAsync(Guid job) =>
        engine.ScalarAsync<string>("select status || ' ' || takeovers from llm_workflow_jobs where id = $1", job);
}
