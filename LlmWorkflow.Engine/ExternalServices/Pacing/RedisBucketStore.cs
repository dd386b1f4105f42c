using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Engine.Queue;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>
/// Buckets of the fleet. Each one is a hash and, for tickets that were given back, a sorted set; both expire when the bucket would have been full for a minute. One
/// script call takes a place, by Redis's clock; <see cref="BucketState"/> says how it counts.
/// </summary>
/// <param name="redis">Shared by the fleet.</param>
/// <param name="prefix">Of every key, put in a hash tag.</param>
/// <param name="time">Limits the wait for Redis.</param>
internal sealed class RedisBucketStore(IConnectionMultiplexer redis, string prefix, TimeProvider time) : IBucketStore
{
    // Reads the bucket and brings it up to now. KEYS: bucket, free tickets. ARGV: 1 id for a new bucket, 2 until when the last one was not full, 3 and paused,
    // as far as this process knows, 4 longest pause.
    private const string Opening = """
        local clock = redis.call('TIME')
        local now = clock[1] * 1000 + clock[2] / 1000
        local kept = redis.call('HMGET', KEYS[1], 'id', 'at', 'made', 'taken', 'paused', 'capacity', 'rate')
        local id, at, made, taken, paused = kept[1], tonumber(kept[2]), tonumber(kept[3]), tonumber(kept[4]), tonumber(kept[5])
        local capacity, rate = tonumber(kept[6]), tonumber(kept[7])
        local fresh = not id
        if fresh then
            id, at, made, taken, paused, capacity, rate = ARGV[1], now, 0, 0, tonumber(ARGV[3]), 0, 0
        end
        paused = math.min(paused, now + tonumber(ARGV[4]))
        local function advance()
            made = math.min(made + math.max(0, now - math.max(at, paused)) * rate, taken + capacity)
            at = now
        end
        local function number(value) return string.format('%.6f', value) end
        local function save()
            local full = math.max(now, paused)
            if rate > 0 then full = full + (taken + capacity - made) / rate end
            local ttl = math.ceil(full - now) + 60000
            redis.call('HSET', KEYS[1], 'id', id, 'at', number(at), 'made', number(made), 'taken', string.format('%.0f', taken), 'paused', number(paused),
                'capacity', number(capacity), 'rate', string.format('%.12f', rate))
            redis.call('PEXPIRE', KEYS[1], ttl)
            redis.call('PEXPIRE', KEYS[2], ttl)
            return full
        end

        """;

    // ARGV: 5 capacity, 6 rate per ms (0: no limit), 7 id and 8 ticket of the held place, 9 longest wait (-1: any), 10 whether the process comes back from being alone.
    private const string AskScript = Opening + """
        local rest = math.max(0, paused - now)
        local most = tonumber(ARGV[9])
        if tonumber(ARGV[6]) == 0 then
            return {'', '', number(rest), most >= 0 and rest > most and '1' or '0', number(now), number(now), number(paused)}
        end
        advance()
        local held = ARGV[7] == id
        if not held then
            capacity, rate = tonumber(ARGV[5]), tonumber(ARGV[6])
            if fresh and now >= tonumber(ARGV[2]) then made = capacity end
            made = math.min(made, taken + capacity)
        end
        local free = redis.call('ZCARD', KEYS[2])
        if free > 0 and made >= taken then
            made = math.min(made + free, taken + capacity)
            redis.call('DEL', KEYS[2])
            free = 0
        elseif free > 0 then
            local spare = redis.call('ZCOUNT', KEYS[2], '-inf', number(made)) - math.floor(capacity - made % 1)
            if spare > 0 then redis.call('ZREMRANGEBYRANK', KEYS[2], 0, spare - 1) end
        end
        if ARGV[10] == '1' then made = math.min(made, taken) end
        local ticket = tonumber(ARGV[8])
        local hole = nil
        if not held then
            hole = free > 0 and redis.call('ZRANGE', KEYS[2], 0, 0)[1] or nil
            ticket = tonumber(hole) or taken + 1
        end
        local wait = rest + math.max(0, ticket - made) / rate
        if wait < 1 then wait = 0 end
        local refused = most >= 0 and wait > most
        if not held and not refused then
            if hole then redis.call('ZREM', KEYS[2], hole) else taken = ticket end
        end
        local full = save()
        local named = held or not refused
        return {named and id or '', named and string.format('%.0f', ticket) or '', number(wait), refused and '1' or '0', number(now), number(full), number(paused)}
        """;

    // ARGV: 5 pause.
    private const string PauseScript = Opening + """
        advance()
        local first = paused <= now
        made = math.min(made, taken)
        redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', number(made))
        paused = math.max(paused, now + tonumber(ARGV[5]))
        local full = save()
        return {first and '1' or '0', number(now), number(full), number(paused)}
        """;

    // ARGV: 1 id and 2 ticket of the place.
    private const string GiveBackScript = """
        if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then
            redis.call('ZADD', KEYS[2], ARGV[2], ARGV[2])
            redis.call('PEXPIRE', KEYS[2], math.max(1, redis.call('PTTL', KEYS[1])))
        end
        return '1'
        """;

    // The client library's own calls have no time limit in the oldest version that we run on.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly RedisScript _ask = new(AskScript);
    private readonly RedisScript _pause = new(PauseScript);
    private readonly RedisScript _giveBack = new(GiveBackScript);
    private readonly ConcurrentDictionary<BucketKey, Seen> _seen = new();
    private readonly ConcurrentDictionary<BucketKey, bool> _emptied = new();

    /// <summary>The hash of a bucket.</summary>
    public static string KeyOf(string prefix, BucketKey key) =>
        $"{{{prefix}}}:service:bucket:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{key.Service}\n{key.Credential}")).AsSpan(0, 16))}";

    /// <summary>What this process saw last of a bucket.</summary>
    public BucketTrace Trace(BucketKey key) =>
        _seen.TryGetValue(key, out var seen) && time.GetElapsedTime(seen.SeenAt).TotalMilliseconds is var age
            ? new(TimeSpan.FromMilliseconds(seen.Full - seen.Now - age), TimeSpan.FromMilliseconds(Math.Max(0, seen.Paused - seen.Now - age)))
            : default;

    /// <summary>This process went on alone for a while: what its buckets saved in that time is spent.</summary>
    public void Empty()
    {
        foreach (var key in _seen.Keys)
        {
            _emptied[key] = true;
        }
    }

    /// <inheritdoc/>
    public async Task<BucketAnswer> AskAsync(BucketAsk ask)
    {
        var empty = _emptied.TryRemove(ask.Key, out _);
        var result = await RunAsync(
            _ask, ask.Key,
            [
                .. Start(ask.Key), Number(ask.Pace?.Capacity ?? 0), Number(ask.Pace?.PerMs ?? 0), ask.Held?.Bucket ?? "", Number(ask.Held?.Ticket ?? 0),
                Number(ask.Most is { } most ? Math.Max(0, most.TotalMilliseconds) : -1), empty ? "1" : "0",
            ]);
        See(ask.Key, result.AsSpan(4));
        var place = result[0].Length == 0 ? null : new BucketPlace(result[0], long.Parse(result[1], CultureInfo.InvariantCulture));
        return new(place, TimeSpan.FromTicks((long)(Parse(result[2]) * TimeSpan.TicksPerMillisecond)), result[3] == "1");
    }

    /// <inheritdoc/>
    public Task GiveBackAsync(BucketKey key, BucketPlace place) => RunAsync(_giveBack, key, [place.Bucket, Number(place.Ticket)]);

    /// <inheritdoc/>
    public async Task<bool> PauseAsync(BucketKey key, TimeSpan pause)
    {
        var result = await RunAsync(_pause, key, [.. Start(key), Number(pause.TotalMilliseconds)]);
        See(key, result.AsSpan(1));
        return result[0] == "1";
    }

    private string[] Start(BucketKey key)
    {
        var seen = _seen.GetValueOrDefault(key);
        return [Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture), Number(seen.Full), Number(seen.Paused), Number(BucketState.LongestPauseMs)];
    }

    private void See(BucketKey key, ReadOnlySpan<string> clocks) =>
        _seen[key] = new(Parse(clocks[0]), Parse(clocks[1]), Parse(clocks[2]), time.GetTimestamp());

    private async Task<string[]> RunAsync(RedisScript script, BucketKey key, string[] arguments)
    {
        var bucket = KeyOf(prefix, key);
        var result = await script.RunAsync(redis.GetDatabase(), [bucket, bucket + ":free"], arguments).WaitAsync(s_patience, time);
        return result.IsNull ? [] : [.. ((string?[]?)result ?? []).Select(static text => text ?? "")];
    }

    private static string Number(double number) => number.ToString("0.############", CultureInfo.InvariantCulture);

    private static double Parse(string number) => double.Parse(number, CultureInfo.InvariantCulture);

    // Milliseconds by Redis's clock, and when that was by this process's.
    private readonly record struct Seen(double Now, double Full, double Paused, long SeenAt);
}
