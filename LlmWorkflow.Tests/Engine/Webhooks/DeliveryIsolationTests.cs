using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;

namespace LlmWorkflow.Tests.Engine.Webhooks;

/// <summary>Deliveries beside each other: order per job, slow receivers, several deliverers, crashes and departures.</summary>
public sealed class DeliveryIsolationTests : IAsyncLifetime
{
    private readonly TaskCompletionSource gate = new();
    private WebhookBench bench = null!;
    private Receiver receiver = null!;

    public async Task InitializeAsync()
    {
        bench = await WebhookBench.StartAsync();
        receiver = await Receiver.StartAsync();
    }

    public async Task DisposeAsync()
    {
        gate.TrySetResult();
        await bench.DisposeAsync();
        await receiver.DisposeAsync();
    }

    [Fact]
    public async Task RunOnce_DeliveriesOfOneJob_ArriveInOrderAcrossRetries()
    {
        receiver.Answer = (n, context) =>
        {
            context.Response.StatusCode = n is 1 or 3 ? 500 : 200;
            return Task.CompletedTask;
        };
        var job = Guid.CreateVersion7();
        var ids = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            ids.Add((await bench.AddAsync(receiver.Url, job)).ToString());
        }

        bench.Run();
        bench.Run();

        var arrived = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            arrived.Add((await receiver.NextAsync()).Id);
        }

        Assert.Equal([ids[0], ids[0], ids[1], ids[1], ids[2]], arrived);
    }

    [Fact]
    public async Task RunOnce_HangingHostWithBacklog_DoesNotHoldUpAnother()
    {
        await using var other = await Receiver.StartAsync();
        receiver.Answer = Receiver.Hang(gate.Task);
        for (var i = 0; i < 50; i++)
        {
            await bench.AddAsync(receiver.Url);
        }

        var id = await bench.AddAsync(other.Url);
        bench.Run();

        await bench.UntilStateAsync(id, "delivered");

        Assert.Equal(1, other.Count);
        Assert.InRange(receiver.Count, 1, bench.Limits.PerHost);
        Assert.Equal("0", await bench.ValueAsync("select count(*) from llm_webhook_deliveries where state = 'delivered' and id <> $1", id));
    }

    [Fact]
    public async Task RunOnce_HangingHostsTakeAllPlaces_PlacesComeBackWhenTheyAreSlow()
    {
        bench.Limits = bench.Limits with { Places = 2, PerHost = 1, SlowAfter = TimeSpan.FromMilliseconds(100) };
        await using var second = await Receiver.StartAsync();
        await using var other = await Receiver.StartAsync();
        receiver.Answer = second.Answer = Receiver.Hang(gate.Task);
        await bench.AddAsync(receiver.Url);
        await bench.AddAsync(second.Url);
        bench.Run();
        await receiver.NextAsync();
        await second.NextAsync();

        var id = await bench.AddAsync(other.Url);
        await bench.UntilStateAsync(id, "delivered");

        Assert.Equal((1, 1), (receiver.Count, second.Count));
    }

    [Fact]
    public async Task RunOnce_TwoDeliverers_EachDeliveryIsSentOnce()
    {
        const int Deliveries = 120;
        await using var second = await Receiver.StartAsync();
        var seen = new ConcurrentDictionary<string, int>();
        receiver.Answer = second.Answer = (_, context) =>
        {
            seen.AddOrUpdate(context.Request.Headers["webhook-id"].ToString(), 1, (_, n) => n + 1);
            return Task.CompletedTask;
        };
        for (var i = 0; i < Deliveries; i++)
        {
            await bench.AddAsync(i % 2 == 0 ? receiver.Url : second.Url);
        }

        bench.Run();
        bench.Run();

        await bench.UntilAsync($"{Deliveries}", "select count(*) from llm_webhook_deliveries where state = 'delivered' and attempts = 1");
        Assert.Equal(Deliveries, seen.Count);
        Assert.All(seen.Values, n => Assert.Equal(1, n));
    }

    [Fact]
    public async Task RunOnce_ProcessDiedInMidAttempt_IsSentAgain()
    {
        var id = await bench.AddAsync(receiver.Url);
        // A claim without a result is all that a killed process leaves.
        Assert.Single(await bench.Store.ClaimAsync(new(1, 1, new Dictionary<string, int>(), TimeSpan.FromMilliseconds(50))));
        bench.Run();

        await bench.UntilStateAsync(id, "delivered");

        Assert.Equal(1, receiver.Count);
        Assert.Equal("2", await bench.ValueAsync("select attempts from llm_webhook_deliveries"));
        Assert.Equal("2", await bench.ValueAsync("select count(*) from llm_webhook_attempts"));
    }

    [Fact]
    public async Task RunOnce_AnswerAfterClaimRanOut_ChangesNothing()
    {
        receiver.Answer = (n, context) => n == 1 ? Receiver.Hang(gate.Task)(n, context) : Receiver.Always(410)(n, context);
        var id = await bench.AddAsync(receiver.Url);
        var late = bench.Deliverer();
        Assert.True(await late.RunOnceAsync(default));
        await receiver.NextAsync();
        await bench.QueryAsync("update llm_webhook_deliveries set next_attempt_at = now()");
        bench.Run();
        await bench.UntilStateAsync(id, "stopped");

        gate.SetResult();
        await late.StopAsync(default);

        Assert.Equal("stopped", await bench.ValueAsync("select state from llm_webhook_deliveries"));
        Assert.Equal(["", "410"], (await bench.QueryAsync("select coalesce(status_code::text, '') from llm_webhook_attempts order by attempt")).Select(r => r[0]));
    }

    [Fact]
    public async Task StopAsync_GraceOver_HandsBackUncountedForOthers()
    {
        receiver.Answer = (n, context) => n == 1 ? Receiver.Hang(gate.Task)(n, context) : Task.CompletedTask;
        var id = await bench.AddAsync(receiver.Url);
        var leaving = bench.Deliverer();
        await leaving.RunOnceAsync(default);
        await receiver.NextAsync();

        await leaving.StopAsync(new CancellationToken(canceled: true));

        Assert.Equal("0", await bench.ValueAsync("select attempts from llm_webhook_deliveries where next_attempt_at <= now()"));
        Assert.False(await leaving.RunOnceAsync(default));
        bench.Run();
        await bench.UntilStateAsync(id, "delivered");
        Assert.Equal("1", await bench.ValueAsync("select attempts from llm_webhook_deliveries"));
    }

    [Fact]
    public async Task StopAsync_InGrace_LetsAttemptsEnd()
    {
        receiver.Answer = Receiver.Hang(gate.Task);
        await bench.AddAsync(receiver.Url);
        var leaving = bench.Deliverer();
        await leaving.RunOnceAsync(default);
        await receiver.NextAsync();

        var stopped = leaving.StopAsync(CancellationToken.None);
        Assert.False(stopped.IsCompleted);
        gate.SetResult();
        await stopped;

        Assert.Equal("delivered", await bench.ValueAsync("select state from llm_webhook_deliveries"));
    }

    [Fact]
    public async Task WaitAsync_Signal_EndsTheWait()
    {
        var delivery = bench.Deliverer();
        var wait = delivery.WaitAsync(Timeout.InfiniteTimeSpan, default);
        Assert.False(wait.IsCompleted);

        delivery.Signal();
        delivery.Signal();

        await wait.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task WaitAsync_AttemptEnds_EndsTheWait()
    {
        receiver.Answer = Receiver.Hang(gate.Task);
        await bench.AddAsync(receiver.Url);
        var delivery = bench.Deliverer();
        await delivery.RunOnceAsync(default);
        var wait = delivery.WaitAsync(Timeout.InfiniteTimeSpan, default);
        await receiver.NextAsync();
        Assert.False(wait.IsCompleted);

        gate.SetResult();

        await wait.WaitAsync(TimeSpan.FromSeconds(60));
    }
}
