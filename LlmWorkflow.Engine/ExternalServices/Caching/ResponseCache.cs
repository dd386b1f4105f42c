using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>
/// Keeps replies of services: in memory, in Redis and in the table <c>external_api_cache</c>. Who asks what is being asked already waits for that answer, in this
/// process and, by a lease in the table, over the fleet. Only successes are kept.
/// </summary>
internal sealed class ResponseCache : IAsyncDisposable, IDisposable
{
    private readonly ReplyMemory _memory;
    private readonly ReplyFlights _flights = new();
    private readonly CacheCounts _counts;
    private readonly CacheRemovals? _removals;
    private readonly CacheStatsTable? _stats;
    private readonly FleetReplies? _fleet;
    private readonly RedisReplies? _redis;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>A cache in memory only, for a run without servers.</summary>
    public ResponseCache(TimeProvider time, ILogger<ResponseCache> logger)
    {
        (_time, _logger) = (time, logger);
        _memory = new(time, longest: null);
        _counts = new(null, CacheTimes.Default.Flush, time, logger);
    }

    /// <summary>The fleet's cache.</summary>
    /// <param name="redis">Shared by the fleet.</param>
    /// <param name="prefix">Of every key and channel in it.</param>
    /// <param name="database">Shared by the fleet.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Told of outages and of stale replies.</param>
    /// <param name="times">How long things take; null: <see cref="CacheTimes.Default"/>.</param>
    public ResponseCache(
        IConnectionMultiplexer redis, string prefix, Database database, TimeProvider time, ILogger<ResponseCache> logger, CacheTimes? times = null)
    {
        times ??= CacheTimes.Default;
        (_time, _logger) = (time, logger);
        _memory = new(time, times.InMemory);
        _stats = new(database);
        _counts = new(_stats, times.Flush, time, logger);
        _redis = new(redis, prefix, time, logger);
        var table = new ReplyTable(database, time);
        _fleet = new(_memory, _redis, table, times, time, logger);
        _removals = new(_redis, table, Drop, logger);
    }

    /// <summary>The sign of an error that is the leader's own: his turn at the service comes after his deadline, and no request was made.</summary>
    public static bool IsLeadersOwn(ServiceOutcome outcome) => outcome is { StatusCode: 0, Error.Type: ErrorTypes.RateLimited };

    /// <summary>Gives a kept reply, or makes the call, or waits for whoever makes it.</summary>
    /// <param name="key">What is asked.</param>
    /// <param name="policy">How long replies are kept; with a time of zero the call is made without looking.</param>
    /// <param name="call">
    /// Makes the call. It may go on after the caller has left, while others wait for it: it must use nothing of the caller's that ends with him, and only the token that it is given.
    /// </param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<ServiceOutcome> GetOrCallAsync(
        ReplyKey key, CachePolicy policy, Func<CancellationToken, Task<ServiceOutcome>> call, CancellationToken cancellationToken)
    {
        if (policy.Ttl <= TimeSpan.Zero)
        {
            return await call(cancellationToken);
        }

        if (_removals is not null)
        {
            await _removals.SubscribedAsync();
        }

        while (true)
        {
            if (_memory.Find(key) is { } reply && reply.IsFresh(policy, _time))
            {
                _counts.Add(key, CacheEvent.Memory);
                return reply.ToOutcome();
            }

            if (await _flights.FlyAsync(key, stop => FlyAsync(key, policy, CountedAsync, stop), cancellationToken) is { } flight
                && Answer(key, policy, flight.Result, flight.Led) is { } outcome)
            {
                return outcome;
            }
        }

        async Task<ServiceOutcome> CountedAsync(CancellationToken stop)
        {
            _counts.Add(key, CacheEvent.Miss);
            var outcome = await call(stop);
            if (outcome.Error is not null)
            {
                _counts.Add(key, CacheEvent.Error);
            }

            return outcome;
        }
    }

    /// <summary>What the cache holds and what became of requests: the whole fleet's, and of this process up to now.</summary>
    public async Task<CacheStats> StatsAsync(CancellationToken cancellationToken)
    {
        if (_stats is null)
        {
            return CacheStats.Of([.. _counts.Snapshot().Select(pair => new OperationCacheStats(pair.Key.Service, pair.Key.Operation, CacheCounts.Figures(pair.Value)))]);
        }

        await _counts.FlushAsync(cancellationToken);
        return await _stats.ReadAsync(cancellationToken);
    }

    /// <summary>Deletes kept replies everywhere; null: any. What is being fetched is not kept. Gives how many there were.</summary>
    public async Task<long> RemoveAsync(string? service, string? operation, string? key, CancellationToken cancellationToken)
    {
        var filter = new CacheFilter(service, operation, key);
        return _removals is null ? Drop(filter) : await _removals.RemoveAsync(filter, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _counts.DisposeAsync();
        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _counts.Dispose();
        _redis?.Dispose();
        _memory.Dispose();
    }

    private int Drop(CacheFilter filter)
    {
        _flights.Forget(filter);
        return _memory.Drop(filter);
    }

    private async Task<FlightResult> FlyAsync(ReplyKey key, CachePolicy policy, Func<CancellationToken, Task<ServiceOutcome>> call, CancellationToken stop)
    {
        var generation = _memory.Generation;
        // Again: another flight may have ended since the caller looked.
        var known = _memory.Find(key);
        if (known?.IsFresh(policy, _time) == true)
        {
            return new(AnswerSource.Memory, null, known);
        }

        FlightResult result;
        if (_fleet is not null)
        {
            result = await _fleet.FlyAsync(key, policy, call, stop);
        }
        else
        {
            var outcome = await call(stop);
            if (CachedReply.Of(key, outcome, policy, _time) is { } reply)
            {
                _memory.Put(reply, generation);
            }

            result = new(AnswerSource.Call, outcome, outcome.Error is null ? null : known);
        }

        if (StandIn(policy, result) is { } stale)
        {
            CacheLog.Stale(_logger, key.Service, key.Operation, result.Outcome!.Error!.Type, stale.Age(_time).TotalSeconds);
        }

        return result;
    }

    // Null: it is no answer for this caller.
    private ServiceOutcome? Answer(ReplyKey key, CachePolicy policy, FlightResult result, bool led)
    {
        if (result.Outcome is not { } outcome)
        {
            // Whoever led may have taken an older one.
            if (result.Reply?.IsFresh(policy, _time) != true)
            {
                return null;
            }

            _counts.Add(key, result.Source switch
            {
                AnswerSource.Memory => CacheEvent.Memory,
                AnswerSource.Redis => CacheEvent.Redis,
                AnswerSource.Table => CacheEvent.Table,
                _ => CacheEvent.Shared,
            });
            return result.Reply.ToOutcome();
        }

        if (!led)
        {
            if (IsLeadersOwn(outcome) && StandIn(policy, result) is null)
            {
                return null;
            }

            _counts.Add(key, CacheEvent.Shared);
        }

        if (outcome.Error is null)
        {
            return led ? outcome : outcome with { Cached = true };
        }

        if (StandIn(policy, result) is not { } stale)
        {
            return outcome;
        }

        _counts.Add(key, CacheEvent.Stale);
        return stale.ToOutcome(stale: true);
    }

    private CachedReply? StandIn(CachePolicy policy, FlightResult result) =>
        result is { Outcome.Error: { Retryable: true, Category: ErrorCategory.External }, Reply: { } reply } && reply.MayStandIn(policy, _time) ? reply : null;
}
