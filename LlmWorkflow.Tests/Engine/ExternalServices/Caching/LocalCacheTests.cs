using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Caching;
using static LlmWorkflow.Tests.Engine.ExternalServices.Caching.CacheBench;

namespace LlmWorkflow.Tests.Engine.ExternalServices.Caching;

/// <summary>The cache without servers, in virtual time: what holds in every process by itself.</summary>
public sealed class LocalCacheTests : IDisposable
{
    private readonly SteppedClock _clock = new();
    private readonly CacheLogger _logger = new();
    private readonly ResponseCache _cache;
    private int _calls;

    public LocalCacheTests() => _cache = new(_clock, _logger);

    public void Dispose() => _cache.Dispose();

    [Fact]
    public async Task GetOrCallAsync_AskedAgain_IsCachedUntilItExpires()
    {
        var policy = new CachePolicy(TimeSpan.FromSeconds(60), TimeSpan.Zero);
        var first = await AskAsync(policy, Reply());
        _clock.Advance(TimeSpan.FromSeconds(59.9));
        var second = await AskAsync(policy, Reply("1"));
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        var third = await AskAsync(policy, Reply("2"));

        Assert.Equal((false, true, false), (first.Cached, second.Cached, third.Cached));
        Assert.Equal(("""{"temperature":21.5}""", 200, false), (second.Data.GetRawText(), second.StatusCode, second.Stale));
        Assert.Equal("2", third.Data.GetRawText());
        Assert.Equal(2, _calls);
    }

    [Fact]
    public async Task GetOrCallAsync_AnotherQuestion_IsCalled()
    {
        await AskAsync(Hour, Reply("1"));
        var other = await _cache.GetOrCallAsync(Key("""{"q":"b"}"""), Hour, _ => Task.FromResult(Reply("2")), CancellationToken.None);

        Assert.Equal("2", other.Data.GetRawText());
    }

    [Fact]
    public async Task GetOrCallAsync_NoTime_NeitherReadsNorKeeps()
    {
        var off = new CachePolicy(TimeSpan.Zero, TimeSpan.FromHours(1));
        await AskAsync(Hour, Reply("1"));
        var direct = await AskAsync(off, Reply("2"));
        var kept = await AskAsync(Hour, Reply("3"));

        Assert.Equal(("2", false), (direct.Data.GetRawText(), direct.Cached));
        Assert.Equal("1", kept.Data.GetRawText());
        Assert.Equal(1, (await _cache.StatsAsync(CancellationToken.None)).Totals.Misses);
    }

    [Fact]
    public async Task GetOrCallAsync_StepWantsItFresher_IsCalledAnew()
    {
        await AskAsync(Hour, Reply("1"));
        _clock.Advance(TimeSpan.FromSeconds(30));

        var fresher = await AskAsync(new(TimeSpan.FromSeconds(20), TimeSpan.Zero), Reply("2"));
        var kept = await AskAsync(Hour, Reply("3"));

        Assert.Equal(("2", "2"), (fresher.Data.GetRawText(), kept.Data.GetRawText()));
    }

    [Fact]
    public async Task GetOrCallAsync_Errors_AreNotKept()
    {
        Assert.NotNull((await AskAsync(Hour, Failure())).Error);
        Assert.NotNull((await AskAsync(Hour, Failure(ErrorTypes.UpstreamBadRequest, retryable: false, 400))).Error);
        Assert.Null((await AskAsync(Hour, Reply())).Error);

        Assert.Equal(3, _calls);
        Assert.Equal(2, (await _cache.StatsAsync(CancellationToken.None)).Totals.Errors);
    }

    [Fact]
    public async Task GetOrCallAsync_TooLarge_IsGivenAndNotKept()
    {
        var large = Reply($"\"{new string('a', CachedReply.LargestBytes)}\"");

        Assert.Null((await AskAsync(Hour, large)).Error);
        Assert.False((await AskAsync(Hour, large)).Cached);
    }

    [Fact]
    public async Task GetOrCallAsync_ReplyWithNul_IsKeptWithoutIt()
    {
        await AskAsync(Hour, Reply("""{"a":"x\u0000y\\u0000"}"""));

        Assert.Equal("""{"a":"x\ufffdy\\u0000"}""", (await AskAsync(Hour, Reply())).Data.GetRawText());
    }

    [Fact]
    public async Task GetOrCallAsync_FiveHundredAtOnce_IsOneCall()
    {
        ScriptedService service = new();
        var asked = Enumerable.Range(0, 500).Select(_ => _cache.GetOrCallAsync(Key(), Hour, service.CallAsync, CancellationToken.None)).ToList();
        await service.Asked;
        service.Answer(Reply());
        var outcomes = await Task.WhenAll(asked);

        Assert.Equal((1, 499), (service.Calls, outcomes.Count(outcome => outcome.Cached)));
        var totals = (await _cache.StatsAsync(CancellationToken.None)).Totals;
        Assert.Equal((1, 499, 0), (totals.Misses, totals.Shared, totals.MemoryHits));
    }

    [Fact]
    public async Task GetOrCallAsync_LeaderCancelled_FollowersGoOn()
    {
        ScriptedService service = new();
        using var leaves = new CancellationTokenSource();
        var leader = _cache.GetOrCallAsync(Key(), Hour, service.CallAsync, leaves.Token);
        await service.Asked;
        var follower = _cache.GetOrCallAsync(Key(), Hour, service.CallAsync, CancellationToken.None);

        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leader);
        service.Answer(Reply());

        Assert.Equal((1, true), (service.Calls, (await follower).Cached));
    }

    [Fact]
    public async Task GetOrCallAsync_AllCancelled_CancelsTheCallAndNothingStays()
    {
        ScriptedService service = new();
        using var leaves = new CancellationTokenSource();
        var asked = Enumerable.Range(0, 3).Select(_ => _cache.GetOrCallAsync(Key(), Hour, service.CallAsync, leaves.Token)).ToList();
        await service.Asked;

        await leaves.CancelAsync();
        await service.Cancelled;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(asked));

        Assert.False((await AskAsync(Hour, Reply())).Cached);
    }

    [Fact]
    public async Task GetOrCallAsync_LeadersCallCancelsItself_FollowersCallThemselves()
    {
        ScriptedService service = new();
        using var own = new CancellationTokenSource();
        // A call that looks at a token of its caller's.
        var leader = _cache.GetOrCallAsync(Key(), Hour, _ => service.CallAsync(own.Token), CancellationToken.None);
        await service.Asked;
        var follower = AskAsync(Hour, Reply("2"));

        await own.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leader);
        Assert.Equal("2", (await follower).Data.GetRawText());
    }

    [Fact]
    public async Task GetOrCallAsync_LeaderFails_FollowersShareTheError()
    {
        ScriptedService service = new();
        var asked = Enumerable.Range(0, 3).Select(_ => _cache.GetOrCallAsync(Key(), Hour, service.CallAsync, CancellationToken.None)).ToList();
        await service.Asked;
        service.Answer(Failure());

        Assert.All(await Task.WhenAll(asked), outcome => Assert.Equal(ErrorTypes.UpstreamServerError, outcome.Error?.Type));
        Assert.Equal(1, service.Calls);
    }

    // A leader whose turn at the service comes after his deadline says nothing about the others' deadlines; a service that says 429 does.
    [Theory]
    [InlineData(0, 2, null)]
    [InlineData(429, 1, ErrorTypes.RateLimited)]
    public async Task GetOrCallAsync_LeaderRateLimited_FollowersCallOnlyWhenItWasHisDeadline(int status, int calls, string? error)
    {
        ScriptedService first = new();
        var leader = _cache.GetOrCallAsync(Key(), Hour, CallAsync, CancellationToken.None);
        await first.Asked;
        var follower = _cache.GetOrCallAsync(Key(), Hour, CallAsync, CancellationToken.None);
        first.Answer(Failure(ErrorTypes.RateLimited, status: status));

        Assert.Equal(ErrorTypes.RateLimited, (await leader).Error?.Type);
        Assert.Equal((error, calls), ((await follower).Error?.Type, _calls));

        Task<ServiceOutcome> CallAsync(CancellationToken stop) => Interlocked.Increment(ref _calls) == 1 ? first.CallAsync(stop) : Task.FromResult(Reply());
    }

    [Fact]
    public async Task GetOrCallAsync_CallThrows_IsThrownToAllAndNotRemembered()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => _cache.GetOrCallAsync(Key(), Hour, _ => throw new InvalidOperationException("a bug"), CancellationToken.None));

        Assert.Null((await AskAsync(Hour, Reply())).Error);
    }

    [Theory]
    [InlineData(ErrorTypes.UpstreamServerError, true, true)]
    [InlineData(ErrorTypes.UpstreamTimeout, true, true)]
    [InlineData(ErrorTypes.UpstreamBadRequest, false, false)]
    public async Task GetOrCallAsync_FailsWithAKeptReply_StandsInWhenTheErrorMayPass(string error, bool retryable, bool standsIn)
    {
        var policy = new CachePolicy(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));
        await AskAsync(policy, Reply());
        _clock.Advance(TimeSpan.FromMinutes(5));

        var outcome = await AskAsync(policy, Failure(error, retryable));

        Assert.Equal((standsIn, standsIn, standsIn), (outcome.Error is null, outcome.Stale, outcome.Cached));
        Assert.Equal(standsIn ? [2301] : [], _logger.Ids);
        Assert.DoesNotContain("temperature", _logger.Text, StringComparison.Ordinal);
        var totals = (await _cache.StatsAsync(CancellationToken.None)).Totals;
        Assert.Equal((2, 1, standsIn ? 1 : 0), (totals.Misses, totals.Errors, totals.Stale));
    }

    [Fact]
    public async Task GetOrCallAsync_StaleTimeIsOver_GivesTheError()
    {
        var policy = new CachePolicy(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));
        await AskAsync(policy, Reply());
        _clock.Advance(TimeSpan.FromMinutes(11));

        Assert.NotNull((await AskAsync(policy, Failure())).Error);
    }

    [Fact]
    public async Task GetOrCallAsync_CallerWantsNoStaleReply_GivesTheError()
    {
        await AskAsync(new(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10)), Reply());
        _clock.Advance(TimeSpan.FromMinutes(2));

        Assert.NotNull((await AskAsync(Hour with { Ttl = TimeSpan.FromMinutes(1) }, Failure())).Error);
    }

    [Fact]
    public async Task RemoveAsync_DuringACall_IsNotKeptAndOthersCallAnew()
    {
        ScriptedService service = new();
        var before = _cache.GetOrCallAsync(Key(), Hour, service.CallAsync, CancellationToken.None);
        await service.Asked;
        await _cache.RemoveAsync("weather", null, null, CancellationToken.None);

        Assert.Equal("2", (await AskAsync(Hour, Reply("2"))).Data.GetRawText());
        service.Answer(Reply("1"));
        Assert.Equal("1", (await before).Data.GetRawText());
        Assert.Equal("2", (await AskAsync(Hour, Reply("3"))).Data.GetRawText());
    }

    [Theory]
    [InlineData("weather", null, 2)]
    [InlineData("weather", "current", 1)]
    [InlineData("places", null, 1)]
    [InlineData(null, null, 3)]
    [InlineData("weath", null, 0)]
    public async Task RemoveAsync_Narrowed_RemovesThoseOnly(string? service, string? operation, int removed)
    {
        foreach (var key in new[] { Key(), Key(operation: "forecast"), Key(service: "places") })
        {
            await _cache.GetOrCallAsync(key, Hour, _ => Task.FromResult(Reply()), CancellationToken.None);
        }

        Assert.Equal(removed, await _cache.RemoveAsync(service, operation, null, CancellationToken.None));
    }

    [Fact]
    public async Task RemoveAsync_OneKey_LeavesTheOthers()
    {
        await AskAsync(Hour, Reply());
        await _cache.GetOrCallAsync(Key("2"), Hour, _ => Task.FromResult(Reply()), CancellationToken.None);

        Assert.Equal(1, await _cache.RemoveAsync(null, null, Key().Text, CancellationToken.None));
        Assert.False((await AskAsync(Hour, Reply())).Cached);
    }

    [Fact]
    public void Memory_OverItsLimit_TakesNoMore()
    {
        using var memory = new ReplyMemory(_clock, null, limit: 10_000);
        var reply = CachedReply.Of(Key(), Reply($"\"{new string('a', 2000)}\""), Hour, _clock)!;
        for (var i = 0; i < 20; i++)
        {
            memory.Put(reply with { Key = Key($"{i}") }, 0);
        }

        Assert.InRange(memory.Count, 1, 1);
    }

    [Fact]
    public void Memory_LongestLife_HoldsAlsoForFreshReplies()
    {
        using var memory = new ReplyMemory(_clock, TimeSpan.FromSeconds(30));
        memory.Put(CachedReply.Of(Key(), Reply(), Hour, _clock)!, 0);
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.NotNull(memory.Find(Key()));

        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(memory.Find(Key()));
    }

    private Task<ServiceOutcome> AskAsync(CachePolicy policy, ServiceOutcome answer) => _cache.GetOrCallAsync(
        Key(),
        policy,
        _ =>
        {
            Interlocked.Increment(ref _calls);
            return Task.FromResult(answer);
        },
        CancellationToken.None);
}
