using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Tests.Support;
using Xunit.Abstractions;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

public sealed class GateOverheadTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(50, 1)]
    [InlineData(50, 4)]
    [Trait("Category", "Full")]
    public async Task EnterAndLeave_LocalRedis_TakeLittle(int callers, int processes)
    {
        var prefix = TestServers.NewKeyPrefix().TrimEnd(':');
        await using var fleet = await GateFleet.StartAsync(await TestServers.GetRedisConnectionAsync(), prefix, () => SpendLimits.None, processes);
        await RoundsAsync(fleet, 1, 200);

        var times = await RoundsAsync(fleet, callers, 4000 / callers);

        var (p50, p99) = (times[times.Count / 2], times[times.Count * 99 / 100]);
        output.WriteLine($"{callers} callers, {processes} processes: p50 {p50:F3} ms, p99 {p99:F3} ms");
        Assert.InRange(p50, 0, 50);
    }

    private static async Task<List<double>> RoundsAsync(GateFleet fleet, int callers, int rounds)
    {
        var all = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            List<double> times = [];
            var gate = fleet.Gates[caller % fleet.Gates.Count];
            for (var i = 0; i < rounds; i++)
            {
                var started = TimeProvider.System.GetTimestamp();
                var answer = await gate.EnterAsync(GateBench.Key, GateBench.Ask($"{caller}:{i}"), CancellationToken.None);
                await gate.LeaveAsync(answer.Pass!, GateBench.Answered());
                times.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
            }

            return times;
        })));
        return [.. all.SelectMany(times => times).Order()];
    }
}
