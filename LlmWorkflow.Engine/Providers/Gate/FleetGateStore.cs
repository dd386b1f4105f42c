using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>Gates in Redis; while that is away, this process goes on by itself with its share of the limits, from what it saw last.</summary>
internal sealed class FleetGateStore : IGateStore
{
    private readonly RedisGateStore _redis;
    private readonly string _process;
    private readonly Func<int> _workers;
    private readonly Outage _outage;
    private MemoryGateStore? _alone;

    /// <param name="redis">The fleet's gates.</param>
    /// <param name="process">Name of this process among those that share a gate.</param>
    /// <param name="workers">Live workers, which divide the limits.</param>
    /// <param name="time">Spaces the trials.</param>
    /// <param name="logger">Is told when Redis goes and comes back.</param>
    public FleetGateStore(RedisGateStore redis, string process, Func<int> workers, TimeProvider time, ILogger logger)
    {
        (_redis, _process, _workers) = (redis, process, workers);
        _outage = new(time, Away, Back);

        void Away(string reason)
        {
            Volatile.Write(ref _alone, Alone());
            GateLog.RedisAway(logger, reason, Math.Max(1, workers()));
        }

        void Back()
        {
            Volatile.Write(ref _alone, null);
            GateLog.RedisBack(logger);
        }
    }

    /// <inheritdoc/>
    public async Task<GateTurn> UpdateAsync(GateKey key, IReadOnlyCollection<string> tickets, GateChange change)
    {
        if (_outage.IsTried())
        {
            try
            {
                var turn = await _redis.UpdateAsync(key, tickets, change);
                _outage.Answered();
                return turn;
            }
            catch (Exception e) when (Outage.IsOfRedis(e))
            {
                _outage.Failed(e);
            }
        }

        // Another caller may be about to put it there, or may just have taken it away.
        var alone = Volatile.Read(ref _alone) ?? Interlocked.CompareExchange(ref _alone, Alone(), null) ?? _alone ?? Alone();
        return await alone.UpdateAsync(key, tickets, change);
    }

    private MemoryGateStore Alone() => new(() => _redis.Now, _workers, key =>
    {
        if (_redis.LastSeen(key) is not { } seen)
        {
            return null;
        }

        var at = new GateMoment(_redis.Now, _process, Costs.ModelLimits.None, Math.Max(1, _workers()), 0);
        return seen with { Gate = seen.Gate.Alone(at) };
    });
}
