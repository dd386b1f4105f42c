using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>Buckets in Redis; while that is away, this process keeps to its share of the paces. Places of one count nothing in the other: who waits asks anew.</summary>
internal sealed class FleetBucketStore : IBucketStore
{
    private readonly RedisBucketStore _redis;
    private readonly Func<int> _workers;
    private readonly TimeProvider _time;
    private readonly Outage _outage;
    private MemoryBucketStore? _alone;

    /// <param name="redis">The fleet's buckets.</param>
    /// <param name="workers">Live workers, which divide the paces.</param>
    /// <param name="time">Spaces the trials.</param>
    /// <param name="logger">Is told when Redis goes and comes back.</param>
    public FleetBucketStore(RedisBucketStore redis, Func<int> workers, TimeProvider time, ILogger logger)
    {
        (_redis, _workers, _time) = (redis, workers, time);
        _outage = new(time, Away, Back);

        void Away(string reason)
        {
            Volatile.Write(ref _alone, Alone());
            PacingLog.RedisAway(logger, reason, Math.Max(1, workers()));
        }

        void Back()
        {
            Volatile.Write(ref _alone, null);
            redis.Empty();
            PacingLog.RedisBack(logger);
        }
    }

    /// <inheritdoc/>
    public Task<BucketAnswer> AskAsync(BucketAsk ask) => RunAsync(store => store.AskAsync(ask));

    /// <inheritdoc/>
    public Task GiveBackAsync(BucketKey key, BucketPlace place) => RunAsync(async store =>
    {
        await store.GiveBackAsync(key, place);
        return true;
    });

    /// <inheritdoc/>
    public Task<bool> PauseAsync(BucketKey key, TimeSpan pause) => RunAsync(store => store.PauseAsync(key, pause));

    private async Task<T> RunAsync<T>(Func<IBucketStore, Task<T>> work)
    {
        if (_outage.IsTried())
        {
            try
            {
                var result = await work(_redis);
                _outage.Answered();
                return result;
            }
            catch (Exception e) when (Outage.IsOfRedis(e))
            {
                _outage.Failed(e);
            }
        }

        // Another caller may be about to put it there, or may just have taken it away.
        return await work(Volatile.Read(ref _alone) ?? Interlocked.CompareExchange(ref _alone, Alone(), null) ?? _alone ?? Alone());
    }

    private MemoryBucketStore Alone() => new(_time, _workers, _redis.Trace);
}
