using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>
/// Replies in Redis, for as long as they are kept. While Redis is away nothing is found and nothing stored. Deletions that it misses are made up for when it is
/// back, by the process that wanted them, if that still runs.
/// </summary>
internal sealed class RedisReplies : IDisposable
{
    // Bounded, because an outage may be long: what does not fit outlives its deletion until it expires.
    private const int MostUndone = 100_000;

    // The client library's own calls have no time limit in the oldest version that we run on.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly IConnectionMultiplexer _redis;
    private readonly string _prefix;
    private readonly TimeProvider _time;
    private readonly RedisChannel _removals;
    private readonly Outage _outage;
    private readonly ConcurrentQueue<string> _undone = new();
    private readonly CancellationTokenSource _stop = new();
    private int _isMakingUp;

    /// <param name="redis">Shared by the fleet.</param>
    /// <param name="prefix">Of every key, put in a hash tag.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Told when Redis goes and comes back.</param>
    public RedisReplies(IConnectionMultiplexer redis, string prefix, TimeProvider time, ILogger logger)
    {
        _redis = redis;
        _prefix = $"{{{prefix}}}:reply:";
        _time = time;
        _removals = new($"{{{prefix}}}:reply-removals", RedisChannel.PatternMode.Literal);
        _outage = new(time, reason => CacheLog.RedisAway(logger, reason), () => CacheLog.RedisBack(logger));
    }

    /// <summary>A reply, fresh or not; null: not here.</summary>
    public async Task<CachedReply?> FindAsync(ReplyKey key)
    {
        RedisValueWithExpiry found = default;
        return await TryAsync(async database => found = await database.StringGetWithExpiryAsync(_prefix + key.Text)) && found.Expiry is { } left
            ? Read(key, found.Value, left)
            : null;
    }

    /// <summary>Keeps a reply for the rest of its time.</summary>
    public Task SetAsync(CachedReply reply)
    {
        var left = reply.KeptFor - reply.Age(_time);
        var head = string.Create(
            CultureInfo.InvariantCulture, $"{reply.StatusCode} {(long)reply.Ttl.TotalMilliseconds} {(long)reply.KeptFor.TotalMilliseconds}\n");
        return left < TimeSpan.FromMilliseconds(1)
            ? Task.CompletedTask
            : TryAsync(database => database.StringSetAsync(_prefix + reply.Key.Text, head + reply.Data.GetRawText(), left));
    }

    /// <summary>Deletes replies, by <see cref="ReplyKey.Text"/>; what Redis misses now is deleted when it is back.</summary>
    public async Task DeleteAsync(params IReadOnlyList<string> keys)
    {
        if (keys.Count > 0 && !await TryAsync(database => database.KeyDeleteAsync([.. keys.Select(key => (RedisKey)(_prefix + key))])))
        {
            foreach (var key in keys.Take(MostUndone - _undone.Count))
            {
                _undone.Enqueue(key);
            }

            if (Interlocked.Exchange(ref _isMakingUp, 1) == 0)
            {
                _ = MakeUpAsync();
            }
        }
    }

    /// <summary>Tells all processes to drop what they have in memory.</summary>
    public Task PublishAsync(CacheFilter removed) => TryAsync(database => database.PublishAsync(_removals, removed.ToMessage()));

    /// <summary>
    /// Calls <paramref name="dropped"/> for each removal of any process; for everything when the connection was lost, because messages may have been. Reconnects are
    /// survived.
    /// </summary>
    public async Task SubscribeAsync(Action<CacheFilter> dropped)
    {
        _redis.ConnectionRestored += (_, _) => dropped(new());
        try
        {
            // The library remembers subscriptions and makes them when Redis comes.
            await _redis.GetSubscriber().SubscribeAsync(_removals, (_, message) => dropped(CacheFilter.Of(message))).WaitAsync(s_patience, _time);
        }
        catch (Exception e) when (Outage.IsOfRedis(e))
        {
            _outage.Failed(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Cancel();

    private async Task MakeUpAsync()
    {
        var stop = _stop.Token;
        do
        {
            while (!_undone.IsEmpty)
            {
                await Task.Delay(s_patience, _time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (stop.IsCancellationRequested)
                {
                    return;
                }

                List<string> keys = [.. _undone.Take(ReplyTable.Batch)];
                if (await TryAsync(database => database.KeyDeleteAsync([.. keys.Select(key => (RedisKey)(_prefix + key))])))
                {
                    keys.ForEach(_ => _undone.TryDequeue(out var _));
                }
            }

            Volatile.Write(ref _isMakingUp, 0);
        }
        while (!_undone.IsEmpty && Interlocked.Exchange(ref _isMakingUp, 1) == 0);
    }

    private CachedReply? Read(ReplyKey key, string? text, TimeSpan left)
    {
        var end = text?.IndexOf('\n', StringComparison.Ordinal) ?? -1;
        if (end < 0 || text![..end].Split(' ') is not [var status, var ttl, var kept]
            || !int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out var statusCode)
            || !long.TryParse(ttl, NumberStyles.None, CultureInfo.InvariantCulture, out var ttlMs)
            || !long.TryParse(kept, NumberStyles.None, CultureInfo.InvariantCulture, out var keptMs))
        {
            // Of another version or hand: as good as none.
            return null;
        }

        try
        {
            var body = text[(end + 1)..];
            var keptFor = TimeSpan.FromMilliseconds(keptMs);
            return new()
            {
                Key = key,
                StatusCode = statusCode,
                Data = CachedReply.Parse(body),
                Bytes = Encoding.UTF8.GetByteCount(body),
                Ttl = TimeSpan.FromMilliseconds(ttlMs),
                KeptFor = keptFor,
                // Redis's clock tells the age: what is left of its life.
                AgeWhenRead = keptFor > left ? keptFor - left : TimeSpan.Zero,
                ReadAt = _time.GetTimestamp(),
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task<bool> TryAsync(Func<IDatabase, Task> call)
    {
        if (!_outage.IsTried())
        {
            return false;
        }

        try
        {
            await call(_redis.GetDatabase()).WaitAsync(s_patience, _time);
            _outage.Answered();
            return true;
        }
        catch (Exception e) when (Outage.IsOfRedis(e))
        {
            _outage.Failed(e);
            return false;
        }
    }
}
