using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;
using Xunit.Abstractions;
using static LlmWorkflow.Tests.Engine.Providers.Gate.GateBench;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

public sealed class FleetProviderGateTests(ITestOutputHelper output)
{
    private readonly string _prefix = TestServers.NewKeyPrefix().TrimEnd(':');

    [Fact]
    public async Task EnterAsync_FourProcessesInRealTime_KeepWithinTheProvidersLimit()
    {
        await using var fleet = await FleetAsync(() => SpendLimits.None);
        SimulatedProvider provider = new(600, LimitKind.TokenBucket, Headers.All);

        // The first burst is what the provider has in store.
        await fleet.RunUntilAsync(provider, 100, 620);

        output.WriteLine($"{provider.Answers.Count} answers, {provider.Refusals.Count} refusals, {fleet.MostInFlight} at once");
        Assert.InRange(provider.Refusals.Count, 0, 2);
        Assert.InRange(provider.Answers.Count, 620, 720);
    }

    [Fact]
    public async Task EnterAsync_FourProcesses_ShareTheSlots()
    {
        await using var fleet = await FleetAsync(() => For(Limits(concurrency: 7)));
        SimulatedProvider provider = new(1_000_000, LimitKind.TokenBucket, Headers.None);

        await fleet.RunUntilAsync(provider, 60, 70);

        output.WriteLine($"{provider.Answers.Count} answers, {fleet.MostInFlight} at once");
        Assert.Equal(7, fleet.MostInFlight);
        // Those in flight at the end have been answered too.
        Assert.InRange(provider.Answers.Count, 70, 90);
    }

    [Fact]
    public async Task EnterAsync_ClientOfRedisCancelsTheCall_GoesOnAlone()
    {
        using var gate = new FleetProviderGate(
            CancellingRedis.Create(), _prefix, () => For(Limits(concurrency: 1)), static () => 1, TimeProvider.System, new Random(1), new RecordedLog<FleetProviderGate>());
        await gate.LeaveAsync((await EnterAsync(gate, "a")).Pass!, Answered());

        Assert.NotNull((await EnterAsync(gate, "b")).Pass);
    }

    [Fact]
    public async Task LeaveAsync_RefusedInOneProcess_PausesTheOthers()
    {
        await using var fleet = await FleetAsync(() => SpendLimits.None, new PatientTime());
        var pass = (await EnterAsync(fleet.Gates[0], "a")).Pass!;

        await fleet.Gates[0].LeaveAsync(pass, Limited(200));

        foreach (var gate in fleet.Gates)
        {
            var wait = (await EnterAsync(gate, "b")).Wait!;
            Assert.Equal(GateWaitReason.Paused, wait.Reason);
            Assert.InRange(wait.Until - TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(170), TimeSpan.FromSeconds(230));
        }
    }

    [Fact]
    public async Task LeaveAsync_FailuresInAllProcesses_OpenTheBreakerForAll()
    {
        await using var fleet = await FleetAsync(() => SpendLimits.None, new PatientTime());
        for (var i = 0; i < 5; i++)
        {
            var gate = fleet.Gates[i % 4];
            await gate.LeaveAsync((await EnterAsync(gate, "a")).Pass!, Of(GateOutcome.Failed));
        }

        foreach (var gate in fleet.Gates)
        {
            Assert.InRange((await EnterAsync(gate, "b")).Refusal!.RetryAfter!.Value, 1, 15);
        }
    }

    [Fact]
    public async Task EnterAsync_TicketInAnotherProcess_KeepsItsPlace()
    {
        // A place every 6.7 s: what processes make of Redis's clock may be seconds off.
        await using var fleet = await FleetAsync(() => For(Limits(rpm: 10)), new PatientTime());
        Assert.NotNull((await EnterAsync(fleet.Gates[0], "a")).Pass);

        var first = (await EnterAsync(fleet.Gates[0], "d")).Wait!;
        var second = (await EnterAsync(fleet.Gates[1], "e")).Wait!;
        var again = (await EnterAsync(fleet.Gates[2], "d")).Wait!;

        Assert.InRange((second.Until - first.Until).TotalSeconds, 3.6, 9.8);
        Assert.InRange((again.Until - first.Until).TotalSeconds, -3, 3);
        await Task.Delay(again.Until - TimeProvider.System.GetUtcNow() + TimeSpan.FromMilliseconds(30), TimeProvider.System);
        Assert.NotNull((await EnterAsync(fleet.Gates[3], "d")).Pass);
    }

    [Fact]
    public async Task EnterAsync_StateThatNobodyCanRead_StartsAnew()
    {
        await using var fleet = await FleetAsync(() => SpendLimits.None, new PatientTime());
        await EnterAsync(fleet.Gates[0], "a");
        using var redis = await ConnectionMultiplexer.ConnectAsync(await TestServers.GetRedisConnectionAsync());
        var server = redis.GetServer(redis.GetEndPoints()[0]);
        var key = Assert.Single(server.Keys(pattern: $"{{{_prefix}}}:llm:gate:*"));
        await redis.GetDatabase().StringSetAsync(key, "not ours");

        Assert.NotNull((await EnterAsync(fleet.Gates[1], "b")).Pass);
        Assert.NotNull((await EnterAsync(fleet.Gates[0], "c")).Pass);
        Assert.InRange((await redis.GetDatabase().KeyTimeToLiveAsync(key))!.Value, TimeSpan.FromHours(23.9), TimeSpan.FromHours(24));
    }

    [Fact]
    public async Task EnterAsync_RedisAway_GoesOnAloneAndComesBack()
    {
        await using var server = await TestServers.StartOwnRedisAsync();
        RecordingLogger logger = new();
        await using var fleet = await GateFleet.StartAsync(server.ConnectionString, _prefix, () => For(Limits(concurrency: 8)), processes: 2, () => 4, logger);
        var gate = fleet.Gates[0];
        var kept = (await EnterAsync(gate, "kept")).Pass!;
        await gate.LeaveAsync((await EnterAsync(gate, "a")).Pass!, Answered());

        await server.KillAsync();
        // A quarter of eight, and one is in use.
        Assert.NotNull((await EnterAsync(gate, "b")).Pass);
        Assert.Equal(GateWaitReason.Concurrency, (await EnterAsync(gate, "c")).Wait!.Reason);
        await gate.LeaveAsync(kept, Answered());
        Assert.NotNull((await EnterAsync(gate, "c")).Pass);
        Assert.Equal([2205], logger.Ids);

        await server.RestartAsync(CancellationToken.None);
        await UntilAsync(async () =>
        {
            var answer = await EnterAsync(gate, "d");
            await (answer.Pass is { } pass ? gate.LeaveAsync(pass, GateReport.NotSent) : Task.CompletedTask);
            return logger.Ids.Contains(2206);
        });

        // Its two calls in flight are told; six are left for the other.
        for (var i = 0; i < 6; i++)
        {
            Assert.NotNull((await EnterAsync(fleet.Gates[1], $"o{i}")).Pass);
        }

        Assert.Equal(GateWaitReason.Concurrency, (await EnterAsync(fleet.Gates[1], "full")).Wait!.Reason);
    }

    private static Task<GateAnswer> EnterAsync(FleetProviderGate gate, string ticket) =>
        gate.EnterAsync(Key, Ask(ticket), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, limit.Token);
        }
    }

    private async Task<GateFleet> FleetAsync(Func<SpendLimits> limits, TimeProvider? time = null) =>
        await GateFleet.StartAsync(await TestServers.GetRedisConnectionAsync(), _prefix, limits, time: time);

    private sealed class RecordingLogger : ILogger<FleetProviderGate>
    {
        private readonly List<int> _ids = [];

        public IReadOnlyList<int> Ids
        {
            get
            {
                lock (_ids)
                {
                    return [.. _ids.Distinct()];
                }
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_ids)
            {
                _ids.Add(eventId.Id);
            }
        }
    }
}
