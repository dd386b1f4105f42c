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

    private readonly string _prefix = TestServers.NewKeyPrefix().TrimEnd(':');

    [Fact]
    public async Task TakeAsync_FourProcesses_UseThePaceAndNoMore()
    {
        await using var fleet = await FleetAsync();

        await fleet.RunAsync(s_key, s_limit, 40, TimeSpan.FromSeconds(6));

        var most = fleet.MostInASecond();
        output.WriteLine($"{fleet.Granted.Count} in 6 s, at most {most} in a second, longest wait {fleet.LongestWait.TotalSeconds:F2} s");
        // How much of it is used is measured alone, below: beside other tests an answer of Redis may come too late, and its place is lost.
        Assert.InRange(fleet.Granted.Count, 0.75 * 210, 210);
        Assert.InRange(most, 0, 60);
        // 40 callers at 29.4 a second: each waits for the others once.
        Assert.InRange(fleet.LongestWait.TotalSeconds, 0, 4);
    }

    [Fact]
    [Trait("Category", "Full")]
    public async Task TakeAsync_TenASecondForHalfAMinute_UsesNineteenTwentieths()
    {
        await using var fleet = await FleetAsync();

        await fleet.RunAsync(s_key, new() { Requests = 10, Burst = 20 }, 40, TimeSpan.FromSeconds(30));

        output.WriteLine($"{fleet.Granted.Count} in 30 s, at most {fleet.MostInASecond()} in a second");
        Assert.InRange(fleet.Granted.Count, 304, 320);
        Assert.InRange(fleet.MostInASecond(), 0, 30);
    }

    [Fact]
    public async Task TakeAsync_RedisEmptiedInTheMiddle_GivesNoSecondBurst()
    {
        await using var server = await TestServers.StartOwnRedisAsync();
        await using var fleet = await PacingFleet.StartAsync(server.ConnectionString, _prefix);
        var run = fleet.RunAsync(s_key, s_limit, 60, TimeSpan.FromSeconds(5));
        await UntilAsync(() => fleet.Granted.Count >= 60);

        await fleet.EmptyAsync();

        await run;
        output.WriteLine($"{fleet.Granted.Count} in 5 s, at most {fleet.MostInASecond()} in a second");
        Assert.InRange(fleet.MostInASecond(), 0, 60);
        Assert.InRange(fleet.Granted.Count, 110, 180);
    }

    [Fact]
    public async Task TakeAsync_RedisKilledAndBack_KeepsThePace()
    {
        await using var server = await TestServers.StartOwnRedisAsync();
        await using var fleet = await PacingFleet.StartAsync(server.ConnectionString, _prefix, workers: 4);
        var run = fleet.RunAsync(s_key, s_limit, 60, TimeSpan.FromSeconds(12));
        await UntilAsync(() => fleet.Granted.Count >= 50);
        Assert.Empty(fleet.Log.Ids);

        await server.KillAsync();
        await UntilAsync(() => fleet.Log.Ids.Count(id => id == 2314) == 4);
        var alone = fleet.Granted.Count;
        await UntilAsync(() => fleet.Granted.Count >= alone + 40);
        Assert.Equal(4, fleet.Log.Ids.Count);
        await server.RestartAsync(CancellationToken.None);
        await UntilAsync(() => fleet.Log.Ids.Count(id => id == 2315) >= 4);

        await run;
        output.WriteLine($"{fleet.Granted.Count} in 12 s, at most {fleet.MostInASecond()} in a second, log {string.Join(' ', fleet.Log.Ids)}");
        Assert.InRange(fleet.MostInASecond(), 0, 60);
        // Once each; a machine that keeps Redis waiting for a second may add an outage of its own.
        Assert.InRange(fleet.Log.Ids.Count, 8, 12);
    }

    [Fact]
    public async Task PauseAsync_InOneProcess_StopsAllThatWait()
    {
        await using var fleet = await FleetAsync();
        var run = fleet.RunAsync(s_key, s_limit, 40, TimeSpan.FromSeconds(5));
        await UntilAsync(() => fleet.Granted.Count >= 50);

        await fleet.Buckets[0].PauseAsync(s_key, TimeSpan.FromSeconds(1.5));
        var paused = Stopwatch.GetTimestamp();

        await run;
        var rest = fleet.Granted.Where(at => at > paused).Select(at => Stopwatch.GetElapsedTime(paused, at).TotalSeconds).Order().ToList();
        Assert.NotEmpty(rest);
        // One may have been let through just before.
        Assert.InRange(rest.Count(at => at is > 0.1 and < 1.48), 0, 0);
        // In its pace, without a burst.
        Assert.InRange(rest.Count(at => at is >= 1.48 and < 2), 5, 20);
    }

    [Fact]
    public async Task TakeAsync_PlaceGivenBackInOneProcess_IsTakenInAnother()
    {
        await using var fleet = await FleetAsync();
        ServiceRateLimit slow = new() { Requests = 1, Burst = 1 };
        await fleet.Buckets[0].TakeAsync(s_key, slow, null, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var first = fleet.Buckets[0].TakeAsync(s_key, slow, null, stop.Token);
        var started = Stopwatch.GetTimestamp();
        await UntilAsync(async () => await fleet.Database.HashGetAsync(RedisBucketStore.KeyOf(_prefix, s_key), "taken") == "2");
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        Assert.Null(await fleet.Buckets[1].TakeAsync(s_key, slow, null, CancellationToken.None));

        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0.9, 1.6);
    }

    [Fact]
    public async Task AskAsync_SameAsks_AnswersAsTheBucketInMemory()
    {
        await using var fleet = await FleetAsync();
        RedisBucketStore store = new(fleet.Connection, _prefix, TimeProvider.System);
        BucketPace pace = new(5, 0.001);
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
                Assert.Equal(await store.PauseAsync(s_key, TimeSpan.FromSeconds(5)), state.Pause(clock.Elapsed.TotalMilliseconds, 5000));
            }
            else
            {
                var answer = await store.AskAsync(new(s_key, pace, null, TimeSpan.FromSeconds(60)));
                var twin = state.Ask(clock.Elapsed.TotalMilliseconds, pace, null, 60_000);
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
            Assert.InRange((redis.Wait - memory.Wait).TotalMilliseconds, -500, 500);
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
        Assert.InRange((await fleet.Database.KeyTimeToLiveAsync(key))!.Value.TotalSeconds, 55, 65);
        // A pause without a limit.
        await fleet.Buckets[0].PauseAsync(new("other", ""), TimeSpan.FromSeconds(30));
        Assert.NotNull(await fleet.Buckets[1].TakeAsync(new("other", ""), null, TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(5), CancellationToken.None));
    }

    private async Task<PacingFleet> FleetAsync() => await PacingFleet.StartAsync(await TestServers.GetRedisConnectionAsync(), _prefix);

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, limit.Token);
        }
    }
}
