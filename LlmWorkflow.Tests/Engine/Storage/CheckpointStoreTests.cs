using System.Text.Json;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.Storage;

public sealed class CheckpointStoreTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    [Fact]
    public async Task SaveAsync_ManyJobsAtOnce_NumbersEventsWithoutGaps()
    {
        var worker = await engine.NewWorkerAsync();
        var claims = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => engine.NewClaimAsync(worker)));

        await Task.WhenAll(claims.Select(async claim =>
        {
            for (var i = 0; i < 5; i++)
            {
                var saved = await engine.Checkpoints.SaveAsync(Make(claim.Job.Fence, claim.EventSequence + (2 * i), $"s{i}"), CancellationToken.None);
                Assert.True(saved.Owned);
            }
        }));

        foreach (var claim in claims)
        {
            Assert.Equal("1,2,3,4,5,6,7,8,9,10,11,12", await engine.ScalarAsync<string>(
                "select string_agg(sequence::text, ',' order by sequence) from llm_job_events where job_id = $1", claim.Job.Identity.JobId));
        }
    }

    [Fact]
    public async Task SaveAsync_LeaseTakenOver_WritesNothing()
    {
        var worker = await engine.NewWorkerAsync();
        var claim = await engine.NewClaimAsync(worker);
        await engine.Leases.RequeueAsync(worker.Id, countTakeover: true, "test", CancellationToken.None);

        var saved = await engine.Checkpoints.SaveAsync(Make(claim.Job.Fence, claim.EventSequence, "s"), CancellationToken.None);

        Assert.False(saved.Owned);
        Assert.Empty((await engine.Checkpoints.ReadAsync(claim.Job.Identity.JobId, CancellationToken.None)).Steps);
    }

    [Fact]
    public async Task SaveAsync_CancelRequested_SaysSo()
    {
        var claim = await engine.NewClaimAsync(await engine.NewWorkerAsync());
        Assert.True(await engine.Jobs.RequestCancelAsync(claim.Job.Identity.JobId, CancellationToken.None));

        var saved = await engine.Checkpoints.SaveAsync(Make(claim.Job.Fence, claim.EventSequence, "s"), CancellationToken.None);

        Assert.Equal(new CheckpointResult(Owned: true, CancelRequested: true), saved);
    }

    [Fact]
    public async Task ReadAsync_AfterCheckpoints_GivesStepsAndStarts()
    {
        var claim = await engine.NewClaimAsync(await engine.NewWorkerAsync());
        await engine.Checkpoints.SaveAsync(Make(claim.Job.Fence, claim.EventSequence, "one"), CancellationToken.None);

        var history = await engine.Checkpoints.ReadAsync(claim.Job.Identity.JobId, CancellationToken.None);

        var step = history.Steps["one"];
        Assert.Equal(StepStatus.Completed, step.Status);
        Assert.Equal("""{"v":1}""", step.Output.GetRawText());
        Assert.Contains("next", history.Starts.Keys);
    }

    [Fact]
    public async Task SaveAsync_ConnectionsKilledInMidWrite_CountsEachCheckpointOnce()
    {
        // A pool of its own: its connections are killed during each write, sometimes before the commit, sometimes after.
        var settings = new Npgsql.NpgsqlConnectionStringBuilder(engine.ConnectionString) { ApplicationName = "victim", MaxPoolSize = 4 };
        await using var source = Npgsql.NpgsqlDataSource.Create(settings.ConnectionString);
        var database = new Database(source, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<Database>.Instance);
        await using var checkpoints = new CheckpointStore(database);
        var claim = await engine.NewClaimAsync(await engine.NewWorkerAsync());

        for (var i = 0; i < 50; i++)
        {
            var save = checkpoints.SaveAsync(Make(claim.Job.Fence, claim.EventSequence + (2 * i), $"s{i}"), CancellationToken.None);
            await engine.ScalarAsync<long>("select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'victim'");
            Assert.True((await save).Owned);
        }

        Assert.Equal(102L, await engine.ScalarAsync<long>("select count(*) from llm_job_events where job_id = $1", claim.Job.Identity.JobId));
        Assert.Equal(102L, await engine.ScalarAsync<long>("select event_seq from llm_workflow_jobs where id = $1", claim.Job.Identity.JobId));
    }

    private static Checkpoint Make(Fence fence, long sequence, string step) => new()
    {
        Fence = fence,
        EventSequence = sequence,
        Progress = 10,
        CurrentStepId = "next",
        CurrentStep = "Next",
        Events = [new("step.completed", $$"""{"step_path":"{{step}}"}"""), new("step.started", """{"step_path":"next"}""")],
        Step = new()
        {
            StepPath = step, StepId = step, StepType = "transform", DisplayName = step, Status = StepStatus.Completed,
            Output = JsonElement.Parse("""{"v":1}"""), StartedAt = DateTimeOffset.UnixEpoch, CompletedAt = DateTimeOffset.UnixEpoch, DurationMs = 1,
        },
    };
}
