using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.Engine.Queue;

public sealed class JobEventBusTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly Guid _job = Guid.CreateVersion7();

    [Fact]
    public async Task Nudge_Subscriber_IsWokenUntilItLeaves()
    {
        var bus = Bus();
        var woken = new SemaphoreSlim(0);
        var subscription = await bus.SubscribeAsync(_job, () => woken.Release());

        bus.Nudge(Guid.CreateVersion7());
        bus.Nudge(_job);
        Assert.True(await woken.WaitAsync(Limit));
        Assert.Equal(0, woken.CurrentCount);

        await subscription.DisposeAsync();
        var other = new SemaphoreSlim(0);
        await using var still = await bus.SubscribeAsync(_job, () => other.Release());
        bus.Nudge(_job);
        Assert.True(await other.WaitAsync(Limit));
        Assert.Equal(0, woken.CurrentCount);
    }

    [Fact]
    public async Task PublishDelta_ManyPieces_AreJoinedInOrder()
    {
        var bus = Bus();
        var text = string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i} "));

        foreach (var piece in text.Chunk(3))
        {
            bus.PublishDelta(_job, new("s", 2, new(piece)));
        }

        await bus.FlushAsync(_job);

        var entries = await bus.ReadLiveAsync(_job, null);
        Assert.Equal(text, string.Concat(entries.Select(e => e.Text)));
        Assert.InRange(entries.Count, 1, 100);
        Assert.All(entries, e => Assert.Equal(("s", 2), (e.StepPath, e.Call)));
        Assert.Equal(entries.Select(e => e.Text.Length).Aggregate(new List<int> { 0 }, (sums, n) => [.. sums, sums[^1] + n])[..^1], entries.Select(e => e.Offset));
        Assert.Equal(entries.Skip(1), await bus.ReadLiveAsync(_job, entries[0].Id));
    }

    [Fact]
    public async Task PublishDelta_NewCall_StartsAtNought()
    {
        var bus = Bus();
        bus.PublishDelta(_job, new("s", 0, "old"));
        bus.PublishDelta(_job, new("s", 1, "new"));
        bus.PublishDelta(_job, new("t", 0, "other"));
        await bus.FlushAsync(_job);

        Assert.Equal(
            [("s", 0, 0, "old"), ("s", 1, 0, "new"), ("t", 0, 0, "other")],
            (await bus.ReadLiveAsync(_job, null)).Select(e => (e.StepPath, e.Call, e.Offset, e.Text)));
    }

    [Fact]
    public async Task PublishDelta_HalfASurrogatePair_WaitsForTheOther()
    {
        var bus = Bus();
        bus.PublishDelta(_job, new("s", 0, "a\ud83d"));
        await UntilAsync(async () => (await bus.ReadLiveAsync(_job, null)).Count == 1);
        bus.PublishDelta(_job, new("s", 0, "\ude00b"));
        await bus.FlushAsync(_job);

        Assert.Equal([(0, "a"), (1, "😀b")], (await bus.ReadLiveAsync(_job, null)).Select(e => (e.Offset, e.Text)));
    }

    [Fact]
    public async Task PublishDelta_Stream_HasALifetimeAndTheHashTag()
    {
        var bus = Bus();
        bus.PublishDelta(_job, new("s", 0, "x"));
        var key = (RedisKey)$"{{{engine.Options.RedisPrefix}}}:live:{_job:N}";
        await UntilAsync(async () => await engine.Redis.GetDatabase().KeyTimeToLiveAsync(key) is { TotalMinutes: > 59 and <= 60 });

        await bus.FlushAsync(_job);

        Assert.InRange((await engine.Redis.GetDatabase().KeyTimeToLiveAsync(key))!.Value.TotalSeconds, 1, 60);
    }

    [Fact]
    public async Task RequestCancel_Subscriber_IsTold()
    {
        var told = new TaskCompletionSource<Guid>();
        await Bus().SubscribeCancelsAsync(id =>
        {
            if (id == _job)
            {
                told.TrySetResult(id);
            }
        });

        Bus().RequestCancel(_job);

        Assert.Equal(_job, await told.Task.WaitAsync(Limit));
    }

    [Fact]
    public async Task AllCalls_WithoutRedis_ReturnAtOnceAndSaySoOnce()
    {
        var log = new CountingLogger();
        using var redis = await ConnectionMultiplexer.ConnectAsync("127.0.0.1:1,connectTimeout=100,abortConnect=false");
        var bus = new JobEventBus(redis, Options.Create(engine.Options), TimeProvider.System, log);
        var started = TimeProvider.System.GetTimestamp();

        for (var i = 0; i < 100; i++)
        {
            bus.Nudge(_job);
            bus.RequestCancel(_job);
            bus.PublishDelta(_job, new("s", 0, "x"));
        }

        await bus.FlushAsync(_job);
        Assert.Empty(await bus.ReadLiveAsync(_job, null));
        await using (await bus.SubscribeAsync(_job, () => { }))
        {
            Assert.False(bus.IsAvailable);
        }

        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(45));
        // Whoever noticed first says so, perhaps a moment after the calls have returned.
        await UntilAsync(() => Task.FromResult(log.Count > 0));
        Assert.Equal(1, log.Count);
    }

    [Fact]
    public async Task PublishDelta_RedisComesBack_TextIsSentAgain()
    {
        await using var server = await TestServers.StartOwnRedisAsync();
        using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString + ",abortConnect=false,connectTimeout=500");
        var bus = new JobEventBus(redis, Options.Create(engine.Options), TimeProvider.System, NullLogger<JobEventBus>.Instance);
        bus.PublishDelta(_job, new("s", 0, "before "));
        await UntilAsync(async () => (await bus.ReadLiveAsync(_job, null)).Count == 1);

        await server.KillAsync();
        bus.PublishDelta(_job, new("s", 0, "while "));
        await server.RestartAsync(CancellationToken.None);
        bus.PublishDelta(_job, new("s", 0, "after"));

        await UntilAsync(async () => string.Concat((await bus.ReadLiveAsync(_job, null)).Select(e => e.Text)).EndsWith("while after", StringComparison.Ordinal));
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, limit.Token);
        }
    }

    private JobEventBus Bus() => new(engine.Redis, Options.Create(engine.Options), TimeProvider.System, NullLogger<JobEventBus>.Instance);

    private sealed class CountingLogger : ILogger<JobEventBus>
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Interlocked.Increment(ref _count);
    }
}
