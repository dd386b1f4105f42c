using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>Gates in Redis; while that is away, this process goes on by itself with its share of the limits, from what it saw last.</summary>
internal sealed class FleetGateStore(RedisGateStore redis, string process, Func<int> workers, TimeProvider time, ILogger logger) : IGateStore
{
    // How often Redis is tried while it is away.
    private static readonly TimeSpan s_trial = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private MemoryGateStore? _alone;
    private long _tried;

    /// <inheritdoc/>
    public async Task<GateTurn> UpdateAsync(GateKey key, IReadOnlyCollection<string> tickets, GateChange change)
    {
        if (IsTried())
        {
            try
            {
                var turn = await redis.UpdateAsync(key, tickets, change);
                Back();
                return turn;
            }
            catch (Exception e) when (e is RedisException or TimeoutException or ObjectDisposedException)
            {
                Away(e);
            }
        }

        MemoryGateStore alone;
        lock (_lock)
        {
            alone = _alone ??= Alone();
        }

        return await alone.UpdateAsync(key, tickets, change);
    }

    private bool IsTried()
    {
        lock (_lock)
        {
            if (_alone is not null && time.GetElapsedTime(_tried) < s_trial)
            {
                return false;
            }

            _tried = time.GetTimestamp();
            return true;
        }
    }

    private void Back()
    {
        if (Volatile.Read(ref _alone) is null)
        {
            return;
        }

        lock (_lock)
        {
            if (_alone is null)
            {
                return;
            }

            _alone = null;
        }

        GateLog.RedisBack(logger);
    }

    private void Away(Exception exception)
    {
        lock (_lock)
        {
            _tried = time.GetTimestamp();
            if (_alone is not null)
            {
                return;
            }

            _alone = Alone();
        }

        GateLog.RedisAway(logger, exception.Message, Math.Max(1, workers()));
    }

    private MemoryGateStore Alone() => new(() => redis.Now, workers, key =>
    {
        if (redis.LastSeen(key) is not { } seen)
        {
            return null;
        }

        var at = new GateMoment(redis.Now, process, Costs.ModelLimits.None, Math.Max(1, workers()), 0);
        return seen with { Gate = seen.Gate.Alone(at) };
    });
}
