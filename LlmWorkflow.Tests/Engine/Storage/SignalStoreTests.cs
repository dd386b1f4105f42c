using System.Text.Json;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.Storage;

public sealed class SignalStoreTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    private readonly SignalStore _signals = new(engine.Database);

    [Fact]
    public async Task SendAsync_JobWaitsForIt_QueuesTheJobWithAnEventAndTheNextClaimHasThePayload()
    {
        var (worker, claim) = await NewClaimAsync();
        Assert.Equal(JobStatus.Waiting, await ParkAsync(claim, Wait("ok")));

        var sent = await SendAsync(claim, "ok", """{"b":1.50,"a":2}""");

        Assert.True(sent is { IsStored: true, Wakes: true, Status: JobStatus.Queued, Priority: 5 });
        var again = Assert.Single(await engine.Leases.ClaimAsync(worker.Id, [claim.Job.Identity.JobId], CancellationToken.None));
        Assert.Equal("""{"b":1.50,"a":2}""", again.Job.Signals["ok"].GetRawText());
        Assert.Equal(
            "job.queued,job.started,job.waiting,job.resumed,job.started",
            await engine.ScalarAsync<string>("select string_agg(type, ',' order by sequence) from llm_job_events where job_id = $1", claim.Job.Identity.JobId));
        Assert.Equal(5L, again.EventSequence);
    }

    [Fact]
    public async Task SendAsync_JobRuns_IsKeptAndTheJobIsNotParkedOverIt()
    {
        var (_, claim) = await NewClaimAsync();

        var sent = await SendAsync(claim, "ok", "1");

        Assert.True(sent is { IsStored: true, Wakes: false, Status: JobStatus.Processing });
        Assert.Equal(JobStatus.Queued, await ParkAsync(claim, Wait("ok")));
    }

    [Fact]
    public async Task SendAsync_AnotherSignal_LeavesTheJobWaiting()
    {
        var (_, claim) = await NewClaimAsync();
        await ParkAsync(claim, Wait("ok"));

        Assert.False((await SendAsync(claim, "other", "1"))!.Wakes);
        Assert.Equal("waiting", await StatusAsync(claim));
    }

    [Fact]
    public async Task SendAsync_TheSameNameTwice_KeepsTheFirst()
    {
        var (_, claim) = await NewClaimAsync();

        await SendAsync(claim, "ok", "1");
        var second = await SendAsync(claim, "ok", "2");

        Assert.True(second is { IsStored: false, Known: "1" });
    }

    [Fact]
    public async Task SendAsync_ManyAtOnce_StoresEachAndWakesOnce()
    {
        var (_, claim) = await NewClaimAsync();
        await ParkAsync(claim, [.. Enumerable.Range(0, 20).Select(i => Wait($"ok{i}"))]);

        var sent = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => SendAsync(claim, $"ok{i}", "true")));

        Assert.All(sent, s => Assert.True(s!.IsStored));
        Assert.Equal(1, sent.Count(s => s!.Wakes));
    }

    [Fact]
    public async Task SendAsync_EndedOrAnotherUsersOrUnknownOrTooMany_StoresNothing()
    {
        var (_, claim) = await NewClaimAsync();
        Assert.Null(await _signals.SendAsync(claim.Job.Identity.JobId, Guid.NewGuid(), "ok", "1", 10, CancellationToken.None));
        Assert.Null(await _signals.SendAsync(Guid.NewGuid(), null, "ok", "1", 10, CancellationToken.None));
        Assert.False((await _signals.SendAsync(claim.Job.Identity.JobId, null, "ok", "1", 0, CancellationToken.None))!.IsStored);
        await engine.Jobs.ApplyAsync(
            JobTransition.Completed(claim.Job, claim.EventSequence, new("job.completed", "{}"), JsonElement.Parse("1"), default, 1, null), CancellationToken.None);

        Assert.True(await SendAsync(claim, "ok", "1") is { IsStored: false, Status: JobStatus.Completed });
        Assert.Equal("{}", await engine.ScalarAsync<string>("select signals::text from llm_workflow_jobs where id = $1", claim.Job.Identity.JobId));
    }

    [Fact]
    public async Task ParkAsync_SignalSentAtTheSameMoment_IsNeverSleptOver()
    {
        for (var i = 0; i < 50; i++)
        {
            var (_, claim) = await NewClaimAsync();

            await Task.WhenAll(ParkAsync(claim, Wait("ok")), SendAsync(claim, "ok", "1"));

            Assert.Equal("queued", await StatusAsync(claim));
        }
    }

    [Fact]
    public async Task ParkAsync_CancelRequested_QueuesTheJobForItsCancellation()
    {
        var (_, claim) = await NewClaimAsync();
        await engine.Jobs.RequestCancelAsync(claim.Job.Identity.JobId, CancellationToken.None);

        Assert.Equal(JobStatus.Queued, await ParkAsync(claim, Wait("ok")));
    }

    [Fact]
    public async Task ParkAsync_OwnerLostTheJob_WritesNothing()
    {
        var (worker, claim) = await NewClaimAsync();
        await engine.Leases.RequeueAsync(worker.Id, countTakeover: true, "test", CancellationToken.None);

        Assert.Null(await ParkAsync(claim, Wait("ok")));
    }

    [Fact]
    public async Task WakeAsync_TimeHasCome_QueuesTheJobWithoutCountingTheWaitAsRunningTime()
    {
        var (worker, claim) = await NewClaimAsync();
        var (_, later) = await NewClaimAsync();
        await ParkAsync(claim, Wait(null) with { Until = TimeProvider.System.GetUtcNow().AddSeconds(-1) });
        await ParkAsync(later, Wait(null) with { Until = TimeProvider.System.GetUtcNow().AddHours(1) });

        var woken = await engine.Queue.WakeAsync(10, CancellationToken.None);

        Assert.Equal([claim.Job.Identity.JobId], woken.Select(w => w.JobId));
        Assert.Equal(("queued", "waiting"), (await StatusAsync(claim), await StatusAsync(later)));
        Assert.Null(await engine.ScalarAsync<string>("select waiting_for::text from llm_workflow_jobs where id = $1", claim.Job.Identity.JobId));
        var again = Assert.Single(await engine.Leases.ClaimAsync(worker.Id, [claim.Job.Identity.JobId], CancellationToken.None));
        Assert.InRange(again.Job.RanBefore, TimeSpan.Zero, TimeSpan.FromSeconds(30));
        Assert.Equal(2, again.Job.Fence.Number);
    }

    [Fact]
    public async Task CancelledUnowned_WaitingJob_IsCancelledAndWaitsForNothing()
    {
        var (_, claim) = await NewClaimAsync();
        await ParkAsync(claim, Wait("ok"));

        var applied = await engine.Jobs.ApplyAsync(
            JobTransition.CancelledUnowned(claim.Job.Identity.JobId, new("job.cancelled", "{}"), JobErrors.Cancelled, null), CancellationToken.None);

        Assert.Equal(JobStatus.Cancelled, applied);
        Assert.Equal(0, await engine.ScalarAsync<int>("select cardinality(wake_signals) from llm_workflow_jobs where id = $1", claim.Job.Identity.JobId));
    }

    [Fact]
    public async Task Checkpoint_WithBranch_ReadsBackTheSame()
    {
        var (_, claim) = await NewClaimAsync();
        await engine.Checkpoints.SaveAsync(
            new()
            {
                Fence = claim.Job.Fence,
                EventSequence = claim.EventSequence,
                Events = [new("step.completed", "{}")],
                Progress = 1,
                Step = new()
                {
                    StepPath = "pick", StepId = "pick", StepType = "conditional", DisplayName = "pick", Status = StepStatus.Completed, Branch = JsonElement.Parse("2"),
                    StartedAt = DateTimeOffset.UnixEpoch, CompletedAt = DateTimeOffset.UnixEpoch, DurationMs = 0,
                },
            },
            CancellationToken.None);

        Assert.Equal("2", (await engine.Checkpoints.ReadAsync(claim.Job.Identity.JobId, CancellationToken.None)).Steps["pick"].Branch.GetRawText());
    }

    private static StepWait Wait(string? signal) => new() { StepPath = "ask", StepId = "ask", DisplayName = "Ask", Reason = signal is null ? WaitReason.Time : WaitReason.Signal, Signal = signal };

    private async Task<(WorkerIdentity Worker, ClaimedJob Claim)> NewClaimAsync()
    {
        var worker = await engine.NewWorkerAsync();
        return (worker, await engine.NewClaimAsync(worker));
    }

    private Task<JobStatus?> ParkAsync(ClaimedJob claim, params StepWait[] waits) =>
        engine.Jobs.ApplyAsync(JobTransition.Waiting(claim.Job, claim.EventSequence, new("job.waiting", "{}"), waits), CancellationToken.None);

    private Task<SentSignal?> SendAsync(ClaimedJob claim, string name, string payload) =>
        _signals.SendAsync(claim.Job.Identity.JobId, null, name, payload, 100, CancellationToken.None);

    private Task<string?> StatusAsync(ClaimedJob claim) => engine.ScalarAsync<string>("select status from llm_workflow_jobs where id = $1", claim.Job.Identity.JobId);
}
