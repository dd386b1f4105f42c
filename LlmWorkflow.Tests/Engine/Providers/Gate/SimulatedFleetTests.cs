using LlmWorkflow.Engine.Costs;
using Xunit.Abstractions;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

public sealed class SimulatedFleetTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_length = TimeSpan.FromMinutes(10);

    [Theory]
    [InlineData(LimitKind.TokenBucket, Headers.All, 60, 1)]
    [InlineData(LimitKind.TokenBucket, Headers.All, 60, 2)]
    [InlineData(LimitKind.TokenBucket, Headers.Windows, 60, 3)]
    [InlineData(LimitKind.TokenBucket, Headers.All, 600, 4)]
    [InlineData(LimitKind.FixedWindow, Headers.All, 60, 5)]
    [InlineData(LimitKind.FixedWindow, Headers.Windows, 60, 6)]
    [InlineData(LimitKind.SlidingWindow, Headers.All, 60, 7)]
    [InlineData(LimitKind.SlidingWindow, Headers.All, 600, 8)]
    [InlineData(LimitKind.FixedWindow, Headers.All, 600, 9)]
    internal void Run_LimitsLearned_FewRefusalsAndFullThroughput(LimitKind kind, Headers headers, int perMinute, int seed)
    {
        var provider = new SimulatedProvider(perMinute, kind, headers);
        var fleet = new SimulatedFleet(provider, ModelLimits.None, callers: 200, seed: seed);

        fleet.Run(s_length);

        Tell(provider, fleet, perMinute);
        // At a higher rate more calls are under way when the first one is refused.
        Assert.InRange(provider.WorstMinute, 0, perMinute == 60 ? 2 : 12);
        Assert.InRange(provider.Answers.Count, perMinute * 10 * 0.9, double.MaxValue);
    }

    [Theory]
    [InlineData(LimitKind.TokenBucket)]
    [InlineData(LimitKind.FixedWindow)]
    [InlineData(LimitKind.SlidingWindow)]
    internal void Run_LimitSet_NoRefusals(LimitKind kind)
    {
        var provider = new SimulatedProvider(60, kind, Headers.None);
        var fleet = new SimulatedFleet(provider, GateBench.Limits(rpm: 60), callers: 200);

        fleet.Run(s_length);

        Tell(provider, fleet, 60);
        Assert.InRange(provider.Refusals.Count, 0, 10);
        Assert.InRange(provider.WorstMinute, 0, 2);
        Assert.InRange(provider.Answers.Count, 540, 600);
    }

    [Theory]
    [InlineData(LimitKind.TokenBucket)]
    [InlineData(LimitKind.FixedWindow)]
    internal void Run_LongAnswers_LimitsThatAreToldLateAreStillKept(LimitKind kind)
    {
        var provider = new SimulatedProvider(60, kind, Headers.All);
        var fleet = new SimulatedFleet(provider, ModelLimits.None, callers: 200, latency: 40_000);

        fleet.Run(s_length);

        Tell(provider, fleet, 60);
        Assert.InRange(provider.WorstMinute, 0, 12);
        Assert.InRange(provider.Answers.Count, 540, 661);
    }

    [Fact]
    public void Run_NothingToldAndNothingSet_RefusalsStayFewBesideTheAnswers()
    {
        var provider = new SimulatedProvider(60, LimitKind.TokenBucket, Headers.None);
        var fleet = new SimulatedFleet(provider, ModelLimits.None, callers: 200);

        fleet.Run(s_length);

        Tell(provider, fleet, 60);
        Assert.InRange(provider.Answers.Count, 400, 660);
        Assert.InRange(provider.Refusals.Count, 0, 400);
    }

    [Fact]
    public void Run_Concurrency_IsNeverExceededAndAlwaysUsed()
    {
        var provider = new SimulatedProvider(1_000_000, LimitKind.TokenBucket, Headers.None);
        var fleet = new SimulatedFleet(provider, GateBench.Limits(concurrency: 20), callers: 300);

        fleet.Run(TimeSpan.FromMinutes(1));

        Tell(provider, fleet, 0);
        Assert.Equal(20, fleet.MostInFlight);
        // 20 slots, about 520 ms a call.
        Assert.InRange(provider.Answers.Count, 20 * 60_000 / 522 * 0.9, double.MaxValue);
    }

    private void Tell(SimulatedProvider provider, SimulatedFleet fleet, int perMinute) => output.WriteLine(
        $"limit {perMinute}/min: {provider.Answers.Count} answers, {provider.Refusals.Count} refusals, {provider.WorstMinute} in the worst minute, {fleet.Asks} asks, "
        + $"refused at {string.Join(' ', provider.Refusals.Take(30).Select(at => (at - fleet.Start) / 1000.0))}");
}
