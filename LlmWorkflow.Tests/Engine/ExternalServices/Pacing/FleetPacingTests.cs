using System.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Pacing;
using LlmWorkflow.Tests.Support;
using Xunit.Abstractions;

namespace LlmWorkflow.Tests.Engine.ExternalServices.Pacing;

/// <summary>Four processes' buckets over a real Redis, in real time.</summary>
public sealed class FleetPacingTests(ITestOutputHelper output)
{
    private static readonly BucketKey s_key = new("places", "0123456789abcdef");
    private static readonly ServiceRateLimit s_limit = new() { Requests = 30, Burst = 30 };

    // A place that is a minute away: no machine is so slow that it comes due by itself.
    private static readonly ServiceRateLimit s_slow = new() { Requests = 1, PerSeconds = 60, Burst = 1 };

    private readonly string _prefix = TestServers.NewKeyPrefix().TrimEnd(':');

    [Fact]
    public async Task TakeAsync_FourProcesses_UseThePaceAndNoMore()
    {
        await using var fleet = await FleetAsync();

        var seconds = await RunAsync(fleet, 40, static _ => Task.CompletedTask, 160);

        output.WriteLine($"longest wait {fleet.LongestWait.TotalSeconds:F2} s");
        // How much of it is used is measured alone, below: beside other tests an answer of Redis may come too late, and its place is lost.
        AssertPace(fleet, seconds);
        // 40 callers at 29.4 a second: each waits for the others once.
        Assert.Equal(40, fleet.Served.Count);
        Assert.InRange(fleet.LongestWait.TotalSeconds, 0, Math.Max(4, seconds * 0.7));
    }

    [Fact]
    [Trait("Category", "Full")]
    public async Task TakeAsync_TenASecondForHalfAMinute_UsesNineteenTwentieths()
    {
        await using var fleet = await FleetAsync();

        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await fleet.RunAsync(s_key, new() { Requests = 10, Burst = 20 }, 40, stop.Token);

        output.WriteLine($"{fleet.Granted.Count} in 30 s, at most {fleet.MostInASecond()} in a second");
        Assert.InRange(fleet.Granted.Count, 304, 320);
        Assert.InRange(fleet.MostInASecond(), 0, 30);
    }

    [Fact]
    public async Task TakeAsync_RedisEmptiedInTheMiddle_GivesNoSecondBurst()
    {
        await using var server = await TestServers.StartOwnRedisAsync();
        await using var fleet = await PacingFleet.StartAsync(server.ConnectionString, _prefix);

        var seconds = await RunAsync(fleet, 60, async _ => await fleet.EmptyAsync(), 80);

        AssertPace(fleet, seconds);
    }

    [Fact]
    public async Task TakeAsync_RedisKilledAndBack_KeepsThePace()
    {
        await using var server = await TestServers.StartOwnRedisAsync();
        await using var fleet = await PacingFleet.StartAsync(server.ConnectionString, _prefix);

        await RunAsync(
            fleet, 60,
            async count =>
            {
                await server.KillAsync();
                await UntilAsync(() => Away() == 4);
                var told = fleet.Log.Ids.Count;
                await UntilAsync(() => fleet.Granted.Count >= count + 40);
                Assert.Equal(told, fleet.Log.Ids.Count);
                await server.RestartAsync(CancellationToken.None);
                await UntilAsync(() => Away() == 0);
            },
            40);

        output.WriteLine($"log {string.Join(' ', fleet.Log.Ids)}");
        AssertBusiestSecond(fleet);
        // Once each; a machine that keeps Redis waiting for a second may add an outage of its own.
        Assert.InRange(fleet.Log.Ids.Count, 8, 12 + (8 * fleet.Stills));

        int Away() => fleet.Log.Ids.Sum(id => id == 2314 ? 1 : -1);
    }

    [Fact]
    public async Task PauseAsync_InOneProcess_StopsAllThatWait()
    {
        await using var fleet = await FleetAsync();
        var (asked, paused) = (0L, 0L);

        await RunAsync(
            fleet, 40,
            async _ =>
            {
                asked = Stopwatch.GetTimestamp();
                await fleet.Buckets[0].PauseAsync(s_key, TimeSpan.FromSeconds(3));
                paused = Stopwatch.GetTimestamp();
            },
            40);

        // One may have been let through just before.
        var tolerance = 0.1 + fleet.LongestStill.TotalSeconds;
        var rest = fleet.Granted.Where(at => Stopwatch.GetElapsedTime(paused, at).TotalSeconds > tolerance).Select(at => Stopwatch.GetElapsedTime(asked, at).TotalSeconds).Order().ToList();
        Assert.InRange(rest[0], 2.98, double.MaxValue);
        // In its pace, without a burst.
        Assert.InRange(rest.Count(at => at < rest[0] + 0.5), 1, 20 + (30 * fleet.LongestStill.TotalSeconds));
    }

    [Fact]
    public async Task TakeAsync_PlaceGivenBackInOneProcess_IsTakenInAnother()
    {
        await using var fleet = await FleetAsync();
        await fleet.Buckets[0].TakeAsync(s_key, s_slow, null, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var first = fleet.Buckets[0].TakeAsync(s_key, s_slow, null, stop.Token);
        await UntilAsync(async () => await TakenAsync() == "2");
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        var free = RedisBucketStore.KeyOf(_prefix, s_key) + ":free";
        Assert.Equal(1, await fleet.Database.SortedSetLengthAsync(free));
        using var end = new CancellationTokenSource();
        var second = fleet.Buckets[1].TakeAsync(s_key, s_slow, null, end.Token);
        await UntilAsync(async () => await fleet.Database.SortedSetLengthAsync(free) == 0);

        // Its own ticket, not a third one.
        Assert.Equal("2", await TakenAsync());
        Assert.False(second.IsCompleted);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);

        async Task<string?> TakenAsync() => await fleet.Database.HashGetAsync(RedisBucketStore.KeyOf(_prefix, s_key), "taken");
    }

    [Fact]
    public async Task AskAsync_SameAsks_AnswersAsTheBucketInMemory()
    {
        await using var fleet = await FleetAsync();
        RedisBucketStore store = new(fleet.Connection, _prefix, TimeProvider.System);
        // One in 100 s: the clocks of the two may be seconds apart.
        BucketPace pace = new(5, 0.00001);
        BucketState state = new("m", 0, pace, true, 0);
        Dictionary<BucketPlace, BucketPlace> twins = [];
        var random = new Random(7);
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 200; i++)
        {
            if (random.NextDouble() < 0.3 && twins.Count > 0)
            {
                var (inRedis, inMemory) = twins.ElementAt(random.Next(twins.Count));
                if (random.NextDouble() < 0.5)
                {
                    await store.GiveBackAsync(s_key, inRedis);
                    state.GiveBack(inMemory);
                    twins.Remove(inRedis);
                }
                else
                {
                    Same(await store.AskAsync(new(s_key, pace, inRedis, null)), state.Ask(clock.Elapsed.TotalMilliseconds, pace, inMemory, null));
                }
            }
            else if (i % 60 == 59)
            {
                Assert.Equal(await store.PauseAsync(s_key, TimeSpan.FromSeconds(500)), state.Pause(clock.Elapsed.TotalMilliseconds, 500_000));
            }
            else
            {
                var answer = await store.AskAsync(new(s_key, pace, null, TimeSpan.FromSeconds(6050)));
                var twin = state.Ask(clock.Elapsed.TotalMilliseconds, pace, null, 6_050_000);
                Same(answer, twin);
                if (answer.Place is { } place)
                {
                    twins[place] = twin.Place!;
                }
            }
        }

        static void Same(BucketAnswer redis, BucketAnswer memory)
        {
            Assert.Equal((memory.Place?.Ticket, memory.IsRefused), (redis.Place?.Ticket, redis.IsRefused));
            Assert.InRange((redis.Wait - memory.Wait).TotalMilliseconds, -50_000, 50_000);
        }
    }

    [Fact]
    public async Task TakeAsync_Keys_HoldNoSecretAndExpire()
    {
        await using var fleet = await FleetAsync();
        await fleet.Buckets[0].TakeAsync(s_key, s_limit, null, CancellationToken.None);

        var key = RedisBucketStore.KeyOf(_prefix, s_key);

        Assert.StartsWith($"{{{_prefix}}}:service:bucket:", key);
        Assert.DoesNotContain(s_key.Credential, key);
        Assert.InRange((await fleet.Database.KeyTimeToLiveAsync(key))!.Value.TotalSeconds, 30, 65);
        // A pause without a limit.
        await fleet.Buckets[0].PauseAsync(new("other", ""), TimeSpan.FromSeconds(30));
        Assert.NotNull(await fleet.Buckets[1].TakeAsync(new("other", ""), null, TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(5), CancellationToken.None));
    }

    private async Task<PacingFleet> FleetAsync() => await PacingFleet.StartAsync(await TestServers.GetRedisConnectionAsync(), _prefix);

    // Callers until some have been served, then something happens, and they go on until some more have been; tells how long it took.
    private async Task<double> RunAsync(PacingFleet fleet, int callers, Func<int, Task> meanwhile, int more)
    {
        using var stop = new CancellationTokenSource();
        var started = Stopwatch.GetTimestamp();
        var run = fleet.RunAsync(s_key, s_limit, callers, stop.Token);
        await UntilAsync(() => fleet.Granted.Count >= 60);
        await meanwhile(fleet.Granted.Count);
        var count = fleet.Granted.Count;
        await UntilAsync(() => fleet.Granted.Count >= count + more);
        await stop.CancelAsync();
        await run;
        var seconds = Stopwatch.GetElapsedTime(started, fleet.Granted.Max()).TotalSeconds;
        output.WriteLine($"{fleet.Granted.Count} in {seconds:F2} s, at most {fleet.MostInASecond()} in a second, still for {fleet.LongestStill.TotalSeconds:F2} s at most");
        return seconds;
    }

    // A second burst, of 27, would go beyond it.
    private static void AssertPace(PacingFleet fleet, double seconds)
    {
        Assert.InRange(fleet.Granted.Count, 0, 30 + (30 * seconds));
        AssertBusiestSecond(fleet);
    }

    private static void AssertBusiestSecond(PacingFleet fleet) => Assert.InRange(fleet.MostInASecond(), 0, 60 + (30 * fleet.LongestStill.TotalSeconds));

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, limit.Token);
        }
    }
}
