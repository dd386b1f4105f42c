using System.Diagnostics;
using System.Net;
using LlmWorkflow.Client;
using LlmWorkflow.Tests.AppHost;

namespace LlmWorkflow.Tests.Running;

/// <summary>A store that is away, and cancellation, against the whole system.</summary>
[Collection(nameof(RunningSystem))]
public sealed class OutageTests
{
    [Fact]
    public async Task RedisDown_SubmitsAreAcceptedAndRunOnceItIsBack()
    {
        await using var system = await RunningSystem.StartAsync();
        await system.Redis.StopAsync();

        await Eventually.TrueAsync(
            async () => (await system.Client.GetHealthAsync()) is { Status: "degraded", Services.Redis.Status: not "healthy" }, TimeSpan.FromSeconds(60), "degraded health");
        var job = (await system.Client.SubmitAsync(RunningSystem.Sample())).JobId;
        Assert.Equal("queued", (await system.Client.GetStatusAsync(job)).Status);

        await system.Redis.StartAsync(CancellationToken.None);

        Assert.Equal("completed", (await system.Client.WaitAsync(job).WaitAsync(TimeSpan.FromMinutes(2))).Status);
    }

    [Fact]
    public async Task PostgresDown_Answers503WithRetryAfterAndRecoversWithoutARestart()
    {
        await using var system = await RunningSystem.StartAsync();
        await system.Postgres.StopAsync();

        var refused = await Assert.ThrowsAsync<WorkflowApiException>(() => system.Client.SubmitAsync(RunningSystem.Sample()));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
        Assert.NotNull(refused.RetryAfter);
        using (var health = await system.Api.GetAsync(new Uri("/health", UriKind.Relative)))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        }

        await system.Postgres.StartAsync(CancellationToken.None);

        Guid job = default;
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    job = (await system.Client.SubmitAsync(RunningSystem.Sample())).JobId;
                    return true;
                }
                catch (WorkflowApiException e) when (e.Status is HttpStatusCode.ServiceUnavailable)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(90), "an accepted submit");
        Assert.Equal("completed", (await system.Client.WaitAsync(job).WaitAsync(TimeSpan.FromMinutes(2))).Status);
    }

    [Fact]
    public async Task CancelDuringTheCall_ClosesTheConnectionWithinASecondAndRecordsTheTokens()
    {
        await using var system = await RunningSystem.StartAsync();
        await system.BehaveAsync("""{"latency_ms":100,"output_tokens":4000,"tokens_per_second":20,"match":{"path":"chat/completions"}}""");
        var job = (await system.Client.SubmitAsync(RunningSystem.Sample())).JobId;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        await foreach (var told in system.Client.StreamAsync(job, cancellationToken: limit.Token))
        {
            if (told.Type is "llm.delta" or "llm.snapshot")
            {
                break;
            }
        }

        // The whole reply takes 200 s.
        var cancelled = Stopwatch.StartNew();
        await system.Client.CancelAsync(job);
        await Eventually.TrueAsync(
            async () => (await system.LedgerAsync()).GetProperty("calls").GetArrayLength() == 1, TimeSpan.FromSeconds(60), "the end of the upstream call");
        Assert.InRange(cancelled.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1));

        var ended = await system.Client.WaitAsync(job).WaitAsync(TimeSpan.FromSeconds(60));
        var upstream = (await system.LedgerAsync()).GetProperty("calls")[0];
        Assert.Equal("cancelled", ended.Status);
        Assert.Equal("aborted", upstream.GetProperty("outcome").GetString());
        var recorded = await system.ScalarAsync<long>(
            "select output_tokens from llm_provider_usage where job_id = $1 and state = 'aborted' and purpose = 'cancelled' and tokens_estimated and cost_usd > 0", job);
        // Ours is an estimate from the text that arrived; a few tokens may have been on their way.
        Assert.InRange(recorded, 1, upstream.GetProperty("output_tokens").GetInt64() + 1);
        Assert.True(ended.Metadata.TotalTokens > recorded);
    }

    [Fact]
    public async Task QueuedJobCancelled_EndsAtOnceAndTellsTheWebhook()
    {
        await using var system = await RunningSystem.StartAsync();
        var job = (await system.Client.SubmitAsync(RunningSystem.Sample(system.Inbox("cancelled")) with
        {
            RunAt = TimeProvider.System.GetUtcNow().AddHours(1),
        })).JobId;

        await system.Client.CancelAsync(job);

        Assert.Equal("cancelled", (await system.Client.GetStatusAsync(job)).Status);
        await Eventually.TrueAsync(async () => (await system.DeliveriesAsync("cancelled")).Count == 1, TimeSpan.FromSeconds(60), "the webhook");
    }
}
