using LlmWorkflow.AppHost.Servers;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Caching;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using StackExchange.Redis;
using static LlmWorkflow.Tests.Engine.ExternalServices.Caching.CacheBench;

namespace LlmWorkflow.Tests.Engine.ExternalServices.Caching;

public sealed class CacheOutageTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    // A server that starts anew is waited for, however long it takes.
    private static readonly CacheTimes s_patient = CacheTimes.Default with { Lease = TimeSpan.FromMinutes(5), Patience = TimeSpan.FromMinutes(1) };

    private readonly CacheLogger _logger = new();
    private int _calls;

    [Fact]
    public async Task GetOrCallAsync_RedisAway_MemoryAndTableGoOnAndItIsToldOnce()
    {
        await using var server = await TestServers.StartOwnRedisAsync();
        using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString + ",abortConnect=false,connectTimeout=500");
        await using var first = New(redis);
        await using var second = New(redis);
        await AskAsync(first, "1", Reply("1"));
        await server.KillAsync();

        Assert.Equal("1", (await AskAsync(first, "1", Reply("2"))).Data.GetRawText());
        Assert.Equal("1", (await AskAsync(second, "1", Reply("2"))).Data.GetRawText());
        Assert.Equal("3", (await AskAsync(second, "2", Reply("3"))).Data.GetRawText());
        Assert.Equal("3", (await AskAsync(first, "2", Reply("4"))).Data.GetRawText());
        Assert.Equal(2, _calls);
        // Each process tells it once.
        Assert.Equal([2302, 2302], _logger.Ids);

        await server.RestartAsync(CancellationToken.None);
        var number = 10;
        await UntilAsync(async () =>
        {
            await AskAsync(first, $"{number++}", Reply());
            return _logger.Ids.Contains(2303);
        });
        Assert.Equal(2, _logger.Ids.Count(id => id == 2302));
    }

    [Fact]
    public async Task RemoveAsync_RedisRefusesIt_IsMadeUpForLater()
    {
        await using var server = await TestServers.StartOwnRedisAsync();
        using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString + ",allowAdmin=true");
        var key = Key(service: "made_up");
        var text = $"{{{engine.Options.RedisPrefix}}}:reply:{key.Text}";
        await using var cache = New(redis);
        await cache.GetOrCallAsync(key, Hour, _ => Task.FromResult(Reply("1")), CancellationToken.None);
        // It reads, and refuses writes: what it has stays.
        await redis.GetDatabase().ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "1");

        Assert.Equal(1, await cache.RemoveAsync("made_up", null, null, CancellationToken.None));
        Assert.True(await redis.GetDatabase().KeyExistsAsync(text));
        await redis.GetDatabase().ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "0");

        await UntilAsync(async () => !await redis.GetDatabase().KeyExistsAsync(text));
    }

    [Fact]
    public async Task RemoveAsync_OtherProcessBeganWithoutRedis_HearsOfItAllTheSame()
    {
        await using var server = await TestServers.StartOwnRedisAsync();
        await server.KillAsync();
        using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString + ",abortConnect=false,connectTimeout=500,connectRetry=1");
        var times = CacheTimes.Default with { InMemory = TimeSpan.FromHours(1) };
        await using var reader = new ResponseCache(redis, engine.Options.RedisPrefix, engine.Database, TimeProvider.System, _logger, times);
        await AskAsync(reader, "late", Reply("1"));
        await server.RestartAsync(CancellationToken.None);
        using var other = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        await using var remover = New(other);
        // Its own reconnect drops everything once; what is put in after that only a message can drop.
        await UntilAsync(async () => (long)(await other.GetDatabase().ExecuteAsync("PUBLISH", $"{{{engine.Options.RedisPrefix}}}:reply-removals", "x\n\n")) > 0);
        await AskAsync(reader, "late", Reply("2"));

        await remover.RemoveAsync(null, null, Key("late").Text, CancellationToken.None);

        await UntilAsync(async () => (await AskAsync(reader, "late", Reply("3"))).Data.GetRawText() == "3");
    }

    [Fact]
    public async Task GetOrCallAsync_CallEndsWhileItsPlaceIsRenewed_IsTheCallsEnd()
    {
        var name = $"renews_{Guid.CreateVersion7():N}";
        await using var source = NpgsqlDataSource.Create($"{engine.ConnectionString};Application Name={name}");
        var times = CacheTimes.Default with { Renewal = TimeSpan.FromMilliseconds(50), Statement = TimeSpan.FromMinutes(1) };
        await using var cache = new ResponseCache(
            engine.Redis, engine.Options.RedisPrefix, new(source, TimeProvider.System, NullLogger<Database>.Instance), TimeProvider.System, _logger, times);
        ScriptedService service = new();
        var asked = cache.GetOrCallAsync(Key(name), Hour, service.CallAsync, CancellationToken.None);
        await service.Asked;
        await using (var other = new NpgsqlConnection(engine.ConnectionString))
        {
            await other.OpenAsync();
            await using var transaction = await other.BeginTransactionAsync();
            await using (var locked = new NpgsqlCommand("select from external_api_cache where key = $1 for update", other, transaction))
            {
                locked.Parameters.Add(new() { Value = Key(name).Text });
                Assert.True(await (await locked.ExecuteReaderAsync()).ReadAsync());
            }

            await UntilAsync(() => WaitsForLockAsync(name, "update external_api_cache set filling_until%"));
            service.Answer(Failure());
            await UntilAsync(() => WaitsForLockAsync(name, "with unfilled%"));
        }

        Assert.Equal(Failure().Error, (await asked).Error);
        Assert.Equal(0, await engine.ScalarAsync<long>("select count(*) from external_api_cache where key = $1", Key(name).Text));
        Assert.Empty(_logger.Ids);
    }

    [Fact]
    public async Task GetOrCallAsync_DatabaseAway_EachProcessCallsOnceAndItIsToldOnce()
    {
        await using var server = await TestServers.StartOwnPostgresAsync();
        await using var source = await PrepareAsync(server);
        await using var cache = New(source, "own");
        await AskAsync(cache, "1", Reply("1"));
        await server.StopAsync();

        ScriptedService service = new();
        var asked = Enumerable.Range(0, 50).Select(_ => cache.GetOrCallAsync(Key("2"), Hour, service.CallAsync, CancellationToken.None)).ToList();
        await service.Asked;
        service.Answer(Reply("2"));
        await Task.WhenAll(asked);

        Assert.Equal(1, service.Calls);
        Assert.Equal("1", (await AskAsync(cache, "1", Reply("3"))).Data.GetRawText());
        Assert.True((await AskAsync(cache, "2", Reply("3"))).Cached);
        Assert.Equal(1, _calls);
        // Redis has nothing that the table does not know: a removal would miss it.
        Assert.False(await engine.Redis.GetDatabase().KeyExistsAsync($"{{{engine.Options.RedisPrefix}:own}}:reply:{Key("2").Text}"));
        Assert.Equal(1, _logger.Ids.Count(id => id == 2304));

        await server.StartAsync(CancellationToken.None);
        var number = 10;
        await UntilAsync(async () =>
        {
            await AskAsync(cache, $"{number++}", Reply());
            return _logger.Ids.Contains(2305);
        });
        // What was counted meanwhile is not lost.
        CacheFigures? totals = null;
        await UntilAsync(async () => (totals = (await cache.StatsAsync(CancellationToken.None)).Totals).Misses == _calls + 1);
        Assert.Equal(49 + 2, totals!.Shared + totals.MemoryHits);
    }

    [Fact]
    public async Task GetOrCallAsync_DatabaseAwayWhenTheReplyComes_IsKeptAllTheSame()
    {
        await using var server = await TestServers.StartOwnPostgresAsync();
        await using var source = await PrepareAsync(server);
        await using var first = New(source, "late", s_patient);
        await using var second = New(source, "late", s_patient);
        ScriptedService service = new();
        var asked = first.GetOrCallAsync(Key("late"), Hour, service.CallAsync, CancellationToken.None);
        await service.Asked;
        await server.StopAsync();
        service.Answer(Reply("1"));
        await UntilAsync(() => _logger.Ids.Contains(2304));
        Assert.False(asked.IsCompleted);
        await server.StartAsync(CancellationToken.None);

        Assert.Equal("1", (await asked).Data.GetRawText());
        await engine.Redis.GetDatabase().KeyDeleteAsync($"{{{engine.Options.RedisPrefix}:late}}:reply:{Key("late").Text}");
        Assert.True((await AskAsync(second, "late", Reply("2"))).Cached);
        Assert.Equal((1, 0), (service.Calls, _calls));
    }

    [Fact]
    public async Task GetOrCallAsync_DatabaseRestartsWhileOthersWait_IsOneCall()
    {
        await using var server = await TestServers.StartOwnPostgresAsync();
        await using var source = await PrepareAsync(server);
        await using var first = New(source, "restart", s_patient);
        await using var second = New(source, "restart", s_patient);
        ScriptedService service = new();
        var asked = first.GetOrCallAsync(Key("restart"), Hour, service.CallAsync, CancellationToken.None);
        await service.Asked;
        var waiting = second.GetOrCallAsync(Key("restart"), Hour, static _ => Task.FromResult(Reply("2")), CancellationToken.None);
        await server.StopAsync();
        await UntilAsync(() => _logger.Ids.Contains(2304));
        await server.StartAsync(CancellationToken.None);
        service.Answer(Reply("1"));

        Assert.Equal(("1", "1"), ((await asked).Data.GetRawText(), (await waiting).Data.GetRawText()));
    }

    private ResponseCache New(ConnectionMultiplexer redis) => new(redis, engine.Options.RedisPrefix, engine.Database, TimeProvider.System, _logger);

    private ResponseCache New(NpgsqlDataSource source, string suffix, CacheTimes? times = null) => new(
        engine.Redis, $"{engine.Options.RedisPrefix}:{suffix}", new(source, TimeProvider.System, NullLogger<Database>.Instance), TimeProvider.System, _logger, times);

    private static async Task<NpgsqlDataSource> PrepareAsync(PostgresServer server)
    {
        await server.EnsureDatabaseAsync("cache", CancellationToken.None);
        var source = NpgsqlDataSource.Create(server.ConnectionString("cache") + ";Timeout=10");
        await new Migrator(source, NullLogger<Migrator>.Instance).UpAsync(CancellationToken.None);
        return source;
    }

    private Task<ServiceOutcome> AskAsync(ResponseCache cache, string parameters, ServiceOutcome answer) => cache.GetOrCallAsync(
        Key(parameters),
        Hour,
        _ =>
        {
            Interlocked.Increment(ref _calls);
            return Task.FromResult(answer);
        },
        CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));

    private Task<bool> WaitsForLockAsync(string application, string statement) => engine.ScalarAsync<bool>(
        "select exists (select from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock' and query like $2)", application, statement);
}
