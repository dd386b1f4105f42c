using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>
/// Replies that the fleet shares: Redis, then the table, which also says who makes the call. Without Redis the table does; without the database each process makes
/// calls of its own.
/// </summary>
internal sealed class FleetReplies
{
    private readonly ReplyMemory _memory;
    private readonly RedisReplies _redis;
    private readonly ReplyTable _table;
    private readonly CacheTimes _times;
    private readonly TimeProvider _time;
    private readonly Outage _outage;

    /// <param name="memory">Gets what is found.</param>
    /// <param name="redis">Second level.</param>
    /// <param name="table">Third level.</param>
    /// <param name="times">How long things take.</param>
    /// <param name="time">Clock of the waits.</param>
    /// <param name="logger">Told when the database goes and comes back.</param>
    public FleetReplies(ReplyMemory memory, RedisReplies redis, ReplyTable table, CacheTimes times, TimeProvider time, ILogger logger)
    {
        _memory = memory;
        _redis = redis;
        _table = table;
        _times = times;
        _time = time;
        _outage = new(time, reason => CacheLog.DatabaseAway(logger, reason), () => CacheLog.DatabaseBack(logger));
    }

    /// <summary>Finds the reply, waits for whoever is about to have it, or makes the call.</summary>
    /// <param name="key">The question.</param>
    /// <param name="policy">Of whoever began to ask.</param>
    /// <param name="call">Makes the call.</param>
    /// <param name="cancellationToken">Nobody waits any more.</param>
    public async Task<FlightResult> FlyAsync(
        ReplyKey key, CachePolicy policy, Func<CancellationToken, Task<ServiceOutcome>> call, CancellationToken cancellationToken)
    {
        // Before anything is read: what is removed meanwhile must not come back into memory.
        var generation = _memory.Generation;
        var known = await _redis.FindAsync(key);
        if (known?.IsFresh(policy, _time) == true)
        {
            _memory.Put(known, generation);
            return new(AnswerSource.Redis, null, known);
        }

        // An expired one may still stand in.
        known ??= _memory.Find(key);

        var filler = Guid.CreateVersion7();
        var pause = _times.FirstPoll;
        var waited = false;
        long? awaySince = null;
        while (true)
        {
            var claim = await ClaimAsync(key, filler, policy, cancellationToken);
            switch (claim?.State)
            {
                case null when _time.GetElapsedTime(awaySince ??= _time.GetTimestamp()) < _times.Patience:
                    await Task.Delay(_times.LongestPoll, _time, cancellationToken);
                    break;
                case null:
                    return await CallAloneAsync(key, policy, known, generation, call, cancellationToken);
                case ClaimState.Known when claim is { Reply: { } reply }:
                    await SpreadAsync(reply, claim.FilledAt, generation);
                    return new(waited ? AnswerSource.Fleet : AnswerSource.Table, null, reply);
                case ClaimState.Claimed:
                    return await FillAsync(key, filler, policy, claim.Reply ?? known, generation, call, cancellationToken);
                default:
                    (waited, awaySince) = (true, null);
                    await Task.Delay(pause, _time, cancellationToken);
                    pause = pause * 1.5 < _times.LongestPoll ? pause * 1.5 : _times.LongestPoll;
                    break;
            }
        }
    }

    private async Task<FlightResult> FillAsync(
        ReplyKey key, Guid filler, CachePolicy policy, CachedReply? known, long generation, Func<CancellationToken, Task<ServiceOutcome>> call,
        CancellationToken cancellationToken)
    {
        var isKept = false;
        using var ended = new CancellationTokenSource();
        var renewal = RenewAsync(key, filler, ended.Token);
        try
        {
            var outcome = await call(cancellationToken);
            if (CachedReply.Of(key, outcome, policy, _time) is { } reply)
            {
                isKept = await KeepAsync(reply, filler, generation, cancellationToken);
            }

            return new(AnswerSource.Call, outcome, outcome.Error is null ? null : known);
        }
        finally
        {
            await ended.CancelAsync();
            await renewal;
            if (!isKept)
            {
                // At once: others wait for the place.
                await TryAsync(stop => Done(_table.ReleaseAsync(key, filler, stop)), CancellationToken.None);
            }
        }
    }

    // Redis first: whoever removes the reply from the table afterwards removes it there too, and whoever did so before is seen by the update.
    private async Task<bool> KeepAsync(CachedReply reply, Guid filler, long generation, CancellationToken cancellationToken)
    {
        await _redis.SetAsync(reply);
        bool? isKept;
        var started = _time.GetTimestamp();
        // While the database is away nobody else can take the place, and the step could not be checkpointed either; but its time limit runs.
        while ((isKept = await TryAsync<bool?>(async stop => await _table.FillAsync(reply, filler, stop), CancellationToken.None)) is null
            && !cancellationToken.IsCancellationRequested && _time.GetElapsedTime(started) < _times.Patience)
        {
            await Task.Delay(_times.LongestPoll, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (isKept is not true)
        {
            await _redis.DeleteAsync(reply.Key.Text);
        }

        if (isKept is not false)
        {
            _memory.Put(reply, generation);
        }

        return isKept is true;
    }

    // Looked at again: removed in between, it must not come back.
    private async Task SpreadAsync(CachedReply reply, DateTimeOffset filledAt, long generation)
    {
        await _redis.SetAsync(reply);
        if (await TryAsync(stop => _table.StandsAsync(reply.Key, filledAt, stop), CancellationToken.None))
        {
            _memory.Put(reply, generation);
        }
        else
        {
            await _redis.DeleteAsync(reply.Key.Text);
        }
    }

    // Kept in memory only: a reply in Redis without a row would not be found by a removal.
    private async Task<FlightResult> CallAloneAsync(
        ReplyKey key, CachePolicy policy, CachedReply? known, long generation, Func<CancellationToken, Task<ServiceOutcome>> call, CancellationToken cancellationToken)
    {
        var outcome = await call(cancellationToken);
        if (CachedReply.Of(key, outcome, policy, _time) is { } reply)
        {
            _memory.Put(reply, generation);
        }

        return new(AnswerSource.Call, outcome, outcome.Error is null ? null : known);
    }

    private async Task RenewAsync(ReplyKey key, Guid filler, CancellationToken ended)
    {
        try
        {
            var isHeld = true;
            while (isHeld)
            {
                await Task.Delay(_times.Renewal, _time, ended);
                // While the database is away nobody else can take the place either.
                isHeld = await TryAsync(async stop => await _table.RenewAsync(key, filler, _times.Lease, stop) ? Renewal.Held : Renewal.Lost, ended) is not Renewal.Lost;
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The call has ended, maybe in the middle of a statement.
        }
    }

    // Null: the database is away.
    private async Task<ReplyClaim?> ClaimAsync(ReplyKey key, Guid filler, CachePolicy policy, CancellationToken cancellationToken)
    {
        try
        {
            return await TryAsync(stop => _table.ClaimAsync(key, filler, policy.Ttl, _times.Lease, stop), cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The place may have been taken in that very moment.
            await TryAsync(stop => Done(_table.ReleaseAsync(key, filler, stop)), CancellationToken.None);
            throw;
        }
    }

    // Default: the database is away.
    private async Task<T?> TryAsync<T>(Func<CancellationToken, Task<T>> statement, CancellationToken cancellationToken)
    {
        if (!_outage.IsTried())
        {
            return default;
        }

        using var limit = new CancellationTokenSource(_times.Statement, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var result = await statement(either.Token);
            _outage.Answered();
            return result;
        }
        catch (Exception e) when (Database.IsTransient(e) || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            _outage.Failed(e);
            return default;
        }
    }

    private static async Task<bool> Done(Task task)
    {
        await task;
        return true;
    }

    private enum Renewal
    {
        Unknown,
        Held,
        Lost,
    }
}
