using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Support;
using Xunit.Abstractions;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

public sealed class FleetGateFullTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(null)]
    [InlineData(60)]
    [Trait("Category", "Full")]
    public async Task EnterAsync_SixtyAMinuteForThreeMinutes_FewRefusalsAndFullThroughput(int? set)
    {
        var limits = set is { } perMinute ? GateBench.For(GateBench.Limits(rpm: perMinute)) : SpendLimits.None;
        await using var fleet = await GateFleet.StartAsync(await TestServers.GetRedisConnectionAsync(), TestServers.NewKeyPrefix().TrimEnd(':'), () => limits);
        SimulatedProvider provider = new(60, set is null ? LimitKind.TokenBucket : LimitKind.SlidingWindow, set is null ? Headers.All : Headers.None);

        await fleet.RunAsync(provider, 200, TimeSpan.FromMinutes(3));

        output.WriteLine($"{provider.Answers.Count} answers, {provider.Refusals.Count} refusals, {provider.WorstMinute} in the worst minute");
        Assert.InRange(provider.WorstMinute, 0, 2);
        Assert.InRange(provider.Answers.Count, 3 * 60 * 0.9, double.MaxValue);
    }

    [Fact]
    [Trait("Category", "Full")]
    public async Task EnterAsync_ProcessKilledWithACallInFlight_FreesItsSlotAndNoOther()
    {
        var limits = GateBench.For(GateBench.Limits(concurrency: 2));
        await using var fleet = await GateFleet.StartAsync(await TestServers.GetRedisConnectionAsync(), TestServers.NewKeyPrefix().TrimEnd(':'), () => limits, processes: 3);
        Assert.NotNull((await EnterAsync(fleet, 0, "lives")).Pass);
        Assert.NotNull((await EnterAsync(fleet, 1, "dies")).Pass);
        var started = TimeProvider.System.GetTimestamp();

        // It gives no sign of life any more.
        fleet.Gates[1].Dispose();
        GateAnswer answer;
        while ((answer = await EnterAsync(fleet, 2, "next")).Pass is null)
        {
            Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(45));
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        }

        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.FromSeconds(28), TimeSpan.FromSeconds(45));
        await Task.Delay(TimeSpan.FromSeconds(15), TimeProvider.System);
        Assert.NotNull((await EnterAsync(fleet, 2, "full")).Wait);
    }

    private static Task<GateAnswer> EnterAsync(GateFleet fleet, int process, string ticket) =>
        fleet.Gates[process].EnterAsync(GateBench.Key, GateBench.Ask(ticket), CancellationToken.None);
}
