using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.Storage;

public sealed class JobStoreTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    private static readonly WorkflowError Error = new() { Type = "Test", Category = ErrorCategory.User, Message = "no" };

    [Fact]
    public async Task InsertAsync_ManyAtOnce_StoresEachOnceWithItsFirstEvent()
    {
        var jobs = Enumerable.Range(0, 300).Select(_ => EngineFixture.NewJob()).ToList();

        var stored = await Task.WhenAll(jobs.Select(j => engine.Jobs.InsertAsync(j, CancellationToken.None)));

        Assert.All(stored, s => Assert.False(s.Repeated));
        Assert.Equal(jobs.Select(j => j.Identity.JobId), stored.Select(s => s.JobId));
        var ids = jobs.Select(j => j.Identity.JobId).ToArray();
        Assert.Equal(300L, await engine.ScalarAsync<long>(
            "select count(*) from llm_workflow_jobs j join llm_job_events e on e.job_id = j.id and e.sequence = 1 and e.type = 'job.queued' where j.id = any($1) and j.status = 'queued'", ids));
    }

    [Fact]
    public async Task InsertAsync_SameIdempotencyKey_GivesTheFirstJob()
    {
        var key = Guid.NewGuid().ToString();
        var jobs = Enumerable.Range(0, 20).Select(_ => EngineFixture.NewJob(idempotencyKey: key)).ToList();

        var stored = await Task.WhenAll(jobs.Select(j => engine.Jobs.InsertAsync(j, CancellationToken.None)));

        Assert.Single(stored.Select(s => s.JobId).Distinct());
        Assert.Single(stored, s => !s.Repeated);
        Assert.All(stored.Where(s => s.Repeated), s => Assert.Equal("h", s.RequestHash));
    }

    [Fact]
    public async Task InsertAsync_TheSameJobAgain_IsHarmless()
    {
        var job = EngineFixture.NewJob();
        await engine.Jobs.InsertAsync(job, CancellationToken.None);

        var again = await engine.Jobs.InsertAsync(job, CancellationToken.None);

        Assert.False(again.Repeated);
        Assert.Equal(1L, await engine.ScalarAsync<long>("select count(*) from llm_job_events where job_id = $1", job.Identity.JobId));
    }

    [Fact]
    public async Task InsertAsync_RunAtInTheFuture_IsPending()
    {
        var stored = await engine.Jobs.InsertAsync(EngineFixture.NewJob(runAt: DateTimeOffset.Parse("2100-01-01T00:00:00Z")), CancellationToken.None);

        Assert.Equal(JobStatus.Pending, stored.Status);
    }

    [Fact]
    public async Task InsertAsync_OneBadJobAmongMany_FailsAlone()
    {
        var bad = EngineFixture.NewJob() with { Identity = EngineFixture.NewJob().Identity with { DefinitionHash = new string('f', 64) } };
        var good = Enumerable.Range(0, 30).Select(_ => EngineFixture.NewJob()).ToList();

        var goodTasks = good.Select(j => engine.Jobs.InsertAsync(j, CancellationToken.None)).ToList();
        var badTask = engine.Jobs.InsertAsync(bad, CancellationToken.None);

        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => badTask);
        Assert.All(await Task.WhenAll(goodTasks), s => Assert.Equal(JobStatus.Queued, s.Status));
    }

    [Fact]
    public async Task ApplyAsync_Completed_WritesResultEventAndDeliveryInOneTransaction()
    {
        var claim = await engine.NewClaimAsync(await engine.NewWorkerAsync());
        var job = claim.Job.Identity;
        var delivery = WebhookPayload.Build(job, claim.Job.Webhook, new() { Status = JobStatus.Completed, At = TimeProvider.System.GetUtcNow() });

        var applied = await engine.Jobs.ApplyAsync(
            JobTransition.Completed(claim.Job, claim.EventSequence, new("job.completed", "{}"), JsonElement.Parse("""{"b":2}"""), default, 12, delivery),
            CancellationToken.None);

        Assert.NotNull(applied);
        Assert.Equal("completed {\"b\":2} 100 12", await engine.ScalarAsync<string>(
            "select status || ' ' || result_data || ' ' || progress || ' ' || duration_ms from llm_workflow_jobs where id = $1 and lease_owner is null and completed_at is not null", job.JobId));
        Assert.Equal("job.completed", await engine.ScalarAsync<string>("select type from llm_job_events where job_id = $1 and sequence = 3", job.JobId));
        Assert.Equal("workflow.completed", await engine.ScalarAsync<string>("select event from llm_webhook_deliveries where job_id = $1", job.JobId));
    }

    [Fact]
    public async Task ApplyAsync_OlderFence_ChangesNothing()
    {
        var worker = await engine.NewWorkerAsync();
        var claim = await engine.NewClaimAsync(worker);
        await engine.Leases.RequeueAsync(worker.Id, countTakeover: true, "test", CancellationToken.None);
        var second = await engine.NewWorkerAsync();
        await engine.Leases.ClaimAsync(second.Id, [claim.Job.Identity.JobId], CancellationToken.None);

        var applied = await engine.Jobs.ApplyAsync(
            JobTransition.Failed(claim.Job, claim.EventSequence, new("job.failed", "{}"), Error, default, 1, null), CancellationToken.None);

        Assert.Null(applied);
        Assert.Equal("processing", await engine.ScalarAsync<string>("select status from llm_workflow_jobs where id = $1", claim.Job.Identity.JobId));
        Assert.Equal(0L, await engine.ScalarAsync<long>("select count(*) from llm_job_events where job_id = $1 and type = 'job.failed'", claim.Job.Identity.JobId));
    }

    [Fact]
    public async Task ApplyAsync_Interrupted_QueuesAgainWithoutCountingATakeover()
    {
        var claim = await engine.NewClaimAsync(await engine.NewWorkerAsync());

        Assert.NotNull(await engine.Jobs.ApplyAsync(JobTransition.Interrupted(claim.Job, claim.EventSequence, new("job.requeued", "{}")), CancellationToken.None));

        Assert.Equal("queued 0", await engine.ScalarAsync<string>(
            "select status || ' ' || takeovers from llm_workflow_jobs where id = $1", claim.Job.Identity.JobId));
    }

    [Fact]
    public async Task ApplyAsync_CancelledUnowned_OnlyWhileNobodyRunsIt()
    {
        var worker = await engine.NewWorkerAsync();
        var running = (await engine.NewClaimAsync(worker)).Job.Identity.JobId;
        var queued = (await engine.Jobs.InsertAsync(EngineFixture.NewJob(), CancellationToken.None)).JobId;

        Assert.Null(await engine.Jobs.ApplyAsync(JobTransition.CancelledUnowned(running, new("job.cancelled", "{}"), Error, null), CancellationToken.None));
        Assert.NotNull(await engine.Jobs.ApplyAsync(JobTransition.CancelledUnowned(queued, new("job.cancelled", "{}"), Error, null), CancellationToken.None));
    }

    [Fact]
    public async Task ApplyAsync_OutputWithNul_IsStoredWithAReplacement()
    {
        var claim = await engine.NewClaimAsync(await engine.NewWorkerAsync());

        Assert.NotNull(await engine.Jobs.ApplyAsync(
            JobTransition.Completed(claim.Job, claim.EventSequence, new("job.completed", "{}"), JsonElement.Parse("""{"t":"a\u0000b","u":"\\u0000"}"""), default, 1, null),
            CancellationToken.None));

        Assert.Equal("a\ufffdb \\u0000", await engine.ScalarAsync<string>(
            "select (result_data->>'t') || ' ' || (result_data->>'u') from llm_workflow_jobs where id = $1", claim.Job.Identity.JobId));
    }
}
