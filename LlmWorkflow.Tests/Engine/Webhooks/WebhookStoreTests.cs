using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Tests.Engine.Webhooks;

public sealed class WebhookStoreTests : IAsyncLifetime
{
    private static readonly TimeSpan Hold = TimeSpan.FromMinutes(1);
    private static readonly AttemptResult Delivered = new() { Duration = TimeSpan.Zero, StatusCode = 200, State = DeliveryState.Delivered };
    private WebhookBench bench = null!;

    public async Task InitializeAsync() => bench = await WebhookBench.StartAsync();

    public async Task DisposeAsync() => await bench.DisposeAsync();

    [Fact]
    public async Task ClaimAsync_OneJob_OnlyItsOldestUnfinished()
    {
        var job = Guid.CreateVersion7();
        var first = await bench.AddAsync("http://a/1", job);
        var second = await bench.AddAsync("http://b/2", job);

        var claimed = Assert.Single(await ClaimAsync());
        Assert.Equal(first, claimed.Id);
        Assert.Empty(await ClaimAsync());

        Assert.True(await bench.Store.RecordAsync(claimed, Delivered, default));
        Assert.Equal(second, Assert.Single(await ClaimAsync()).Id);
    }

    [Fact]
    public async Task ClaimAsync_OneHostHasAll_LeavesPlacesForOthers()
    {
        for (var i = 0; i < 10; i++)
        {
            await bench.AddAsync($"http://Busy.example:81/{i}?q=http://other");
        }

        await bench.AddAsync("https://other.example?x=1");

        var claimed = await ClaimAsync(count: 8, perHost: 3);
        Assert.Equal(
            ["busy.example:81", "busy.example:81", "busy.example:81", "other.example"], claimed.Select(c => c.Host).Order(StringComparer.Ordinal));

        var hosts = new Dictionary<string, int> { ["busy.example:81"] = 1 };
        Assert.Single(await ClaimAsync(count: 8, perHost: 3, hosts: hosts));
        hosts["busy.example:81"] = 0;
        Assert.Empty(await ClaimAsync(count: 8, perHost: 3, hosts: hosts));
    }

    [Fact]
    public async Task ClaimAsync_FullHostWithLongBacklog_DoesNotHideOthers()
    {
        await bench.QueryAsync(
            """
            insert into llm_webhook_deliveries (id, job_id, event, url, payload)
            select gen_random_uuid(), gen_random_uuid(), 'e', 'http://full/' || n, '{}' from generate_series(1, 1000) n
            """);
        await bench.AddAsync("http://other/");

        var claimed = await ClaimAsync(hosts: new() { ["full"] = 0 });

        Assert.Equal("other", Assert.Single(claimed).Host);
    }

    [Fact]
    public async Task ClaimAsync_ManyAtOnce_NoRowTwice()
    {
        await bench.QueryAsync(
            """
            insert into llm_webhook_deliveries (id, job_id, event, url, payload)
            select gen_random_uuid(), gen_random_uuid(), 'e', 'http://h' || n % 7 || '/', '{}' from generate_series(1, 300) n
            """);

        var claimers = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var mine = new List<Guid>();
            var idle = 0;
            while (idle < 3)
            {
                var claimed = await ClaimAsync(count: 5);
                idle = claimed.Count == 0 ? idle + 1 : 0;
                Assert.All(claimed, c => Assert.Equal(1, c.Attempt));
                mine.AddRange(claimed.Select(c => c.Id));
            }

            return mine;
        }));
        var ids = (await Task.WhenAll(claimers)).SelectMany(m => m).ToList();

        Assert.Equal(300, ids.Count);
        Assert.Equal(300, ids.Distinct().Count());
    }

    [Fact]
    public async Task ClaimAsync_ClaimRanOut_ClaimsAgainAndRecordsTheLostAttempt()
    {
        await bench.AddAsync("http://a/");
        var dead = Assert.Single(await ClaimAsync(hold: TimeSpan.FromMilliseconds(1)));
        IReadOnlyList<ClaimedDelivery> again = [];
        await bench.UntilAsync("True", "select next_attempt_at <= now() from llm_webhook_deliveries");
        again = await ClaimAsync();

        Assert.Equal(2, Assert.Single(again).Attempt);
        Assert.Contains("died", await bench.ValueAsync("select error from llm_webhook_attempts where attempt = 1"), StringComparison.Ordinal);

        // The dead one comes back to life: its result must change nothing.
        Assert.False(await bench.Store.RecordAsync(dead, Delivered, default));
        Assert.Equal("pending", await bench.ValueAsync("select state from llm_webhook_deliveries"));
        Assert.True(await bench.Store.RecordAsync(again[0], Delivered, default));
        Assert.False(await bench.Store.RecordAsync(again[0], Delivered, default));
    }

    [Fact]
    public async Task RecordAsync_Retry_WritesAttemptAndNextTime()
    {
        await bench.AddAsync("http://a/");
        var claimed = Assert.Single(await ClaimAsync());

        await bench.Store.RecordAsync(
            claimed,
            new()
            {
                Duration = TimeSpan.FromMilliseconds(77), StatusCode = 503, ResponseBody = "later", Error = "Answered 503.",
                State = DeliveryState.Pending, RetryIn = TimeSpan.FromSeconds(100),
            },
            default);

        var row = Assert.Single(await bench.QueryAsync(
            """
            select a.attempt, a.duration_ms, a.status_code, a.response_body, a.error, a.next_retry_at = d.next_attempt_at,
                   d.next_attempt_at - now() between interval '90 s' and interval '100 s', d.last_status, d.last_error, d.finished_at
            from llm_webhook_attempts a join llm_webhook_deliveries d on d.id = a.delivery_id
            """));
        Assert.Equal(["1", "77", "503", "later", "Answered 503.", "True", "True", "503", "Answered 503.", null], row);
        Assert.Empty(await ClaimAsync());
    }

    [Fact]
    public async Task ReleaseAsync_Claim_ComesDueAtOnceUncounted()
    {
        await bench.AddAsync("http://a/");
        await bench.Store.ReleaseAsync(Assert.Single(await ClaimAsync()), default);

        Assert.Equal(1, Assert.Single(await ClaimAsync()).Attempt);
        Assert.Equal("0", await bench.ValueAsync("select count(*) from llm_webhook_attempts"));
    }

    private Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(
        int count = 32, int perHost = 32, Dictionary<string, int>? hosts = null, TimeSpan? hold = null) =>
        bench.Store.ClaimAsync(new(count, perHost, hosts ?? [], hold ?? Hold));
}
