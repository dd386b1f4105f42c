using LlmWorkflow.Engine.Costs;
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
}
