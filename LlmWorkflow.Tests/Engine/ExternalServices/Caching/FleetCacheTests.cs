using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Caching;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using StackExchange.Redis;
using static LlmWorkflow.Tests.Engine.ExternalServices.Caching.CacheBench;

namespace LlmWorkflow.Tests.Engine.ExternalServices.Caching;

/// <summary>Two processes' caches over one Postgres and one Redis, in real time.</summary>
public sealed class FleetCacheTests(EngineFixture engine) : IClassFixture<EngineFixture>, IAsyncLifetime
{
    private static readonly CacheTimes s_quick = CacheTimes.Default with { Flush = TimeSpan.FromHours(1), Lease = TimeSpan.FromHours(1) };

    private readonly string _service = $"s_{Guid.CreateVersion7():N}";
    private readonly CacheLogger _logger = new();
    private readonly List<IConnectionMultiplexer> _connections = [];
    private readonly List<ResponseCache> _caches = [];
    private NpgsqlDataSource? _named;
    private int _calls;

    private ReplyKey TheKey => Key(service: _service);

    private ResponseCache A => _caches[0];

    private ResponseCache B => _caches[1];

    public async Task InitializeAsync()
    {
        await NewCacheAsync();
        await NewCacheAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var cache in _caches)
        {
            await cache.DisposeAsync();
        }

        _connections.ForEach(connection => connection.Dispose());
        if (_named is not null)
        {
            await _named.DisposeAsync();
        }
    }

    [Fact]
    public async Task GetOrCallAsync_FiveHundredInTwoProcesses_IsOneCall()
    {
        ScriptedService service = new();
        var asked = Enumerable.Range(0, 500).Select(i => _caches[i % 2].GetOrCallAsync(TheKey, Hour, service.CallAsync, CancellationToken.None)).ToList();
        await service.Asked;
        // The other process has seen that somebody is at it when it has asked the table; both orders must hold, so nothing is waited for here.
        service.Answer(Reply());
        var outcomes = await Task.WhenAll(asked);

        Assert.Equal((1, 499), (service.Calls, outcomes.Count(outcome => outcome.Cached)));
        Assert.All(outcomes, outcome => Assert.Equal("""{"temperature":21.5}""", outcome.Data.GetRawText()));
        var figures = await FiguresAsync();
        Assert.Equal((1, 499, 1), (figures.Misses, figures.MemoryHits + figures.RedisHits + figures.TableHits + figures.Shared, figures.Entries));
    }

    [Fact]
    public async Task GetOrCallAsync_OtherProcessCalls_WaitsForItAndCountsAsShared()
    {
        _named = NpgsqlDataSource.Create($"{engine.ConnectionString};Application Name={_service}");
        var other = await NewCacheAsync(database: new(_named, TimeProvider.System, NullLogger<Database>.Instance));
        ScriptedService service = new();
        var first = A.GetOrCallAsync(TheKey, Hour, service.CallAsync, CancellationToken.None);
        await service.Asked;
        var second = AskAsync(other, Reply("2"));
        // It has seen the place taken.
        await UntilAsync(async () => await engine.ScalarAsync<bool>(
            "select exists (select from pg_stat_activity where application_name = $1 and state = 'idle' and query like 'with known%')", _service));
        Assert.False(second.IsCompleted);
        service.Answer(Reply("1"));

        Assert.Equal(("1", "1", true), ((await first).Data.GetRawText(), (await second).Data.GetRawText(), (await second).Cached));
        Assert.Equal((1, 1, 0), await CountsAsync());
    }

    [Fact]
    public async Task GetOrCallAsync_EachLevel_AnswersAndFillsThoseAbove()
    {
        await AskAsync(A, Reply("""{"ä":"\ud83d\ude00"}"""));
        await AskAsync(A, Reply("2"));
        await AskAsync(B, Reply("3"));
        await engine.Redis.GetDatabase().KeyDeleteAsync(RedisKey());
        var fresh = await NewCacheAsync();
        await AskAsync(fresh, Reply("4"));
        await AskAsync(fresh, Reply("5"));
        var last = await AskAsync(await NewCacheAsync(), Reply("6"));

        Assert.Equal("""{"ä":"\ud83d\ude00"}""", last.Data.GetRawText());
        Assert.Equal(1, _calls);
        // Memory of A; Redis for B; the table for the third, then its memory; Redis, filled by it, for the fourth.
        var figures = await FiguresAsync();
        Assert.Equal((2, 2, 1, 1), (figures.MemoryHits, figures.RedisHits, figures.TableHits, figures.Misses));
        Assert.Equal(5L, await engine.ScalarAsync<long>("select hits from external_api_cache where key = $1", TheKey.Text));
    }

    [Fact]
    public async Task GetOrCallAsync_AfterFlushAll_TheTableAnswers()
    {
        await using var server = await TestServers.StartOwnRedisAsync();
        var first = await NewCacheAsync(server.ConnectionString);
        var second = await NewCacheAsync(server.ConnectionString);
        await AskAsync(first, Reply("1"));
        using (var admin = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString + ",allowAdmin=true"))
        {
            await admin.GetDatabase().ExecuteAsync("FLUSHALL");
        }

        Assert.Equal(("1", 1), ((await AskAsync(second, Reply("2"))).Data.GetRawText(), _calls));
        Assert.Equal(1, (await FiguresAsync(second)).TableHits);
    }

    [Fact]
    public async Task GetOrCallAsync_AfterExpiry_IsRefreshedOnce()
    {
        await AskAsync(A, Reply("1"), new(TimeSpan.FromMilliseconds(300), TimeSpan.Zero));
        await UntilAsync(async () => await engine.ScalarAsync<bool>("select expires_at <= now() from external_api_cache where key = $1", TheKey.Text));

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => AskAsync(_caches[i % 2], Reply("3"), Hour)));

        Assert.All(outcomes, outcome => Assert.Equal("3", outcome.Data.GetRawText()));
        Assert.Equal(2, _calls);
    }

    [Fact]
    public async Task GetOrCallAsync_StepWantsItFresher_IsCalledAnew()
    {
        await AskAsync(A, Reply("1"));
        await UntilAsync(async () => await engine.ScalarAsync<bool>("select filled_at < now() - interval '50 ms' from external_api_cache where key = $1", TheKey.Text));

        Assert.Equal("2", (await AskAsync(B, Reply("2"), Hour with { Ttl = TimeSpan.FromMilliseconds(50) })).Data.GetRawText());
        Assert.Equal(2, _calls);
    }

    [Fact]
    public async Task GetOrCallAsync_FailsWithAKeptReply_StandsInFromRedisOrTheTable()
    {
        var policy = new CachePolicy(TimeSpan.FromMilliseconds(50), TimeSpan.FromHours(1));
        await AskAsync(A, Reply("1"), policy);
        await UntilAsync(async () => await engine.ScalarAsync<bool>("select expires_at <= now() from external_api_cache where key = $1", TheKey.Text));

        var redis = await AskAsync(B, Failure(), policy);
        await engine.Redis.GetDatabase().KeyDeleteAsync(RedisKey());
        var table = await AskAsync(B, Failure(), policy);
        var wrong = await AskAsync(B, Failure(ErrorTypes.UpstreamBadRequest, retryable: false, 400), policy);

        Assert.Equal(("1", true, true), (redis.Data.GetRawText(), redis.Stale, redis.Cached));
        Assert.Equal(("1", true), (table.Data.GetRawText(), table.Stale));
        Assert.NotNull(wrong.Error);
        Assert.Equal(2, _logger.Ids.Count(id => id == 2301));
        Assert.Contains($"{_service}.current failed (UpstreamServerError)", _logger.Text, StringComparison.Ordinal);
        var figures = await FiguresAsync();
        Assert.Equal((4, 3, 2, 1, 1), (figures.Misses, figures.Errors, figures.Stale, figures.Entries, figures.ExpiredEntries));
    }

    [Fact]
    public async Task GetOrCallAsync_CallFails_OthersNeedNotWaitForTheLease()
    {
        ScriptedService service = new();
        var first = A.GetOrCallAsync(TheKey, Hour, service.CallAsync, CancellationToken.None);
        await service.Asked;
        var second = AskAsync(B, Reply("2"));
        service.Answer(Failure());

        Assert.NotNull((await first).Error);
        Assert.Equal("2", (await second).Data.GetRawText());
        Assert.Equal(0, await engine.ScalarAsync<long>("select count(*) from external_api_cache where service = $1 and filling_by is not null", _service));
    }

    [Fact]
    public async Task GetOrCallAsync_AllCancelled_GivesThePlaceUp()
    {
        ScriptedService service = new();
        using var leaves = new CancellationTokenSource();
        var first = A.GetOrCallAsync(TheKey, Hour, service.CallAsync, leaves.Token);
        await service.Asked;
        var second = AskAsync(B, Reply("2"));
        await leaves.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal("2", (await second).Data.GetRawText());
    }

    [Fact]
    public async Task GetOrCallAsync_CallerProcessDied_IsReplacedOnceWhenItsLeaseEnds()
    {
        var table = new ReplyTable(engine.Database, TimeProvider.System);
        var started = TimeProvider.System.GetTimestamp();
        var claim = await table.ClaimAsync(TheKey, Guid.CreateVersion7(), Hour.Ttl, TimeSpan.FromMilliseconds(500), CancellationToken.None);
        Assert.Equal(ClaimState.Claimed, claim.State);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => AskAsync(_caches[i % 2], Reply("2"))));

        Assert.Equal(1, _calls);
        Assert.All(outcomes, outcome => Assert.Equal("2", outcome.Data.GetRawText()));
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.FromMilliseconds(490), TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task GetOrCallAsync_CallLongerThanTheLease_IsNotReplaced()
    {
        var times = s_quick with { Lease = TimeSpan.FromSeconds(8), Renewal = TimeSpan.FromMilliseconds(100) };
        var (first, second) = (await NewCacheAsync(times: times), await NewCacheAsync(times: times));
        ScriptedService service = new();
        var leader = first.GetOrCallAsync(TheKey, Hour, service.CallAsync, CancellationToken.None);
        await service.Asked;
        var follower = AskAsync(second, Reply("2"));
        var claimed = await engine.ScalarAsync<DateTime>("select filling_until from external_api_cache where key = $1", TheKey.Text);
        await UntilAsync(async () => await engine.ScalarAsync<bool>("select now() > $2 + interval '300 ms' from external_api_cache where key = $1", TheKey.Text, claimed));

        Assert.False(follower.IsCompleted);
        service.Answer(Reply("1"));
        Assert.Equal(("1", "1", 0), ((await leader).Data.GetRawText(), (await follower).Data.GetRawText(), _calls));
    }

    [Fact]
    public async Task RemoveAsync_KeptReply_IsGoneInEveryProcessAndLevel()
    {
        await AskAsync(A, Reply("1"));
        await AskAsync(B, Reply("2"));

        Assert.Equal(1, await A.RemoveAsync(_service, "current", TheKey.Text, CancellationToken.None));

        Assert.False(await engine.Redis.GetDatabase().KeyExistsAsync(RedisKey()));
        // The message to the other process takes a moment.
        await UntilAsync(async () => (await AskAsync(B, Reply("3"))).Data.GetRawText() == "3");
        Assert.Equal("3", (await AskAsync(A, Reply("4"))).Data.GetRawText());
    }

    [Fact]
    public async Task RemoveAsync_DuringACall_IsNotKept()
    {
        ScriptedService service = new();
        var before = A.GetOrCallAsync(TheKey, Hour, service.CallAsync, CancellationToken.None);
        await service.Asked;

        Assert.Equal(0, await B.RemoveAsync(_service, null, null, CancellationToken.None));
        service.Answer(Reply("1"));

        Assert.Equal("1", (await before).Data.GetRawText());
        Assert.False(await engine.Redis.GetDatabase().KeyExistsAsync(RedisKey()));
        Assert.Equal("2", (await AskAsync(A, Reply("2"))).Data.GetRawText());
        Assert.Equal("2", (await AskAsync(B, Reply("3"))).Data.GetRawText());
    }

    [Fact]
    public async Task RemoveAsync_MoreThanABatch_RemovesThemAll()
    {
        await FillAsync(ReplyTable.Batch + 200, "now() + interval '1 hour'");

        Assert.Equal(ReplyTable.Batch + 200, await A.RemoveAsync(_service, null, null, CancellationToken.None));
        Assert.Equal(0, await engine.ScalarAsync<long>("select count(*) from external_api_cache where service = $1", _service));
    }

    [Fact]
    public async Task RunOnceAsync_UselessRows_AreDeletedInBatches()
    {
        await FillAsync(ReplyTable.Batch + 5, "now() - interval '2 minutes'");
        await AskAsync(A, Reply());
        var table = new ReplyTable(engine.Database, TimeProvider.System);
        await table.ClaimAsync(Key("dead", _service), Guid.CreateVersion7(), Hour.Ttl, TimeSpan.FromMinutes(-5), CancellationToken.None);
        await table.ClaimAsync(Key("alive", _service), Guid.CreateVersion7(), Hour.Ttl, TimeSpan.FromMinutes(5), CancellationToken.None);
        var cleaner = new ReplyCleaner(table);

        Assert.True(await cleaner.RunOnceAsync(CancellationToken.None));
        Assert.False(await cleaner.RunOnceAsync(CancellationToken.None));

        Assert.Equal(2, await engine.ScalarAsync<long>("select count(*) from external_api_cache where service = $1", _service));
        Assert.Equal(1, (await FiguresAsync()).Entries);
    }

    [Fact]
    public async Task StatsAsync_BytesAndAges_AreThoseOfTheRows()
    {
        await AskAsync(A, Reply("""{"a":"ä"}"""));
        await engine.ScalarAsync<object>("update external_api_cache set filled_at = filled_at - interval '100 s' where key = $1", TheKey.Text);
        await A.GetOrCallAsync(Key("2", _service), Hour, _ => Task.FromResult(Reply("[1]")), CancellationToken.None);

        var figures = await FiguresAsync();

        Assert.Equal((2, 0, 13), (figures.Entries, figures.ExpiredEntries, figures.Bytes));
        Assert.InRange(figures.OldestSeconds!.Value, 100, 130);
        Assert.InRange(figures.NewestSeconds!.Value, 0, 30);
        Assert.NotNull(figures.Since);
    }

    [Fact]
    public async Task DisposeAsync_CountsNotYetWritten_AreWritten()
    {
        var leaving = await NewCacheAsync();
        await AskAsync(leaving, Reply());
        _caches.Remove(leaving);
        await leaving.DisposeAsync();

        Assert.Equal(1, await engine.ScalarAsync<long>("select misses from external_api_cache_stats where service = $1", _service));
    }

    // Four processes' worth of requests in random order: every one is counted once, and every call is.
    [Fact]
    public async Task StatsAsync_ManyRequests_AddUpExactly()
    {
        await NewCacheAsync(times: s_quick with { Flush = TimeSpan.FromMilliseconds(20) });
        await NewCacheAsync(times: s_quick with { Flush = TimeSpan.FromMilliseconds(20) });
        var random = new Random(7);
        var asked = Enumerable.Range(0, 2000).Select(_ => (Cache: _caches[random.Next(4)], Key: Key($"{random.Next(40)}", _service), Fails: random.Next(5) == 0)).ToList();
        var failed = 0;

        await Parallel.ForEachAsync(asked, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (request, stop) => await request.Cache.GetOrCallAsync(
            request.Key,
            Hour,
            async _ =>
            {
                Interlocked.Increment(ref _calls);
                await Task.Yield();
                if (request.Fails)
                {
                    Interlocked.Increment(ref failed);
                }

                return request.Fails ? Failure() : Reply();
            },
            stop));
        foreach (var cache in _caches)
        {
            await cache.StatsAsync(CancellationToken.None);
        }

        var figures = await FiguresAsync();
        Assert.Equal(2000, figures.MemoryHits + figures.RedisHits + figures.TableHits + figures.Shared + figures.Misses);
        Assert.Equal((_calls, failed, 40), (figures.Misses, figures.Errors, figures.Entries));
        Assert.Equal(figures.MemoryHits + figures.RedisHits + figures.TableHits, await engine.ScalarAsync<decimal>("select sum(hits) from external_api_cache where service = $1", _service));
    }

    [Fact]
    public async Task Stores_TheirKeys_AreMadeOfNamesAndAHash()
    {
        await AskAsync(A, Reply());

        Assert.Matches($"^{_service}:current:[0-9a-f]{{32}}$", await engine.ScalarAsync<string>("select key from external_api_cache where service = $1", _service));
        Assert.InRange((await engine.Redis.GetDatabase().KeyTimeToLiveAsync(RedisKey()))!.Value, TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(60));
    }

    private async Task<ResponseCache> NewCacheAsync(string? redis = null, CacheTimes? times = null, Database? database = null)
    {
        var connection = await ConnectionMultiplexer.ConnectAsync((redis ?? await TestServers.GetRedisConnectionAsync()) + ",abortConnect=false");
        _connections.Add(connection);
        _caches.Add(new(connection, engine.Options.RedisPrefix, database ?? engine.Database, TimeProvider.System, _logger, times ?? s_quick));
        return _caches[^1];
    }

    private Task<ServiceOutcome> AskAsync(ResponseCache cache, ServiceOutcome answer, CachePolicy? policy = null) => cache.GetOrCallAsync(
        TheKey,
        policy ?? Hour,
        _ =>
        {
            Interlocked.Increment(ref _calls);
            return Task.FromResult(answer);
        },
        CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));

    private string RedisKey() => $"{{{engine.Options.RedisPrefix}}}:reply:{TheKey.Text}";

    private async Task FillAsync(int rows, string keptUntil) => await engine.ScalarAsync<object>(
        $"""
        insert into external_api_cache (key, service, operation, status_code, body, bytes, filled_at, expires_at, kept_until)
        select $1 || ':current:' || md5(n::text), $1, 'current', 200, '1', 1, {keptUntil} - interval '1 hour', {keptUntil}, {keptUntil} from generate_series(1, $2) n
        """,
        _service,
        rows);

    private async Task<CacheFigures> FiguresAsync(ResponseCache? last = null)
    {
        CacheStats stats = null!;
        foreach (var cache in _caches.Append(last ?? A))
        {
            stats = await cache.StatsAsync(CancellationToken.None);
        }

        return stats.Operations.Single(operation => operation.Service == _service).Figures;
    }

    private async Task<(long Misses, long Shared, long Table)> CountsAsync()
    {
        var figures = await FiguresAsync();
        return (figures.Misses, figures.Shared, figures.TableHits);
    }
}
