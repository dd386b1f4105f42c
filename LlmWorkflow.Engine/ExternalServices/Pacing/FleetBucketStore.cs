using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>Buckets in Redis; while that is away, this process keeps to its share of the paces. Places of one count nothing in the other: who waits asks anew.</summary>
/// <param name="redis">The fleet's buckets.</param>
/// <param name="workers">Live workers, which divide the paces.</param>
/// <param name="time">Spaces the trials.</param>
/// <param name="logger">Is told when Redis goes and comes back.</param>
internal sealed class FleetBucketStore(RedisBucketStore redis, Func<int> workers, TimeProvider time, ILogger logger) : IBucketStore
{
    // How often Redis is tried while it is away.
    private static readonly TimeSpan s_trial = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private MemoryBucketStore? _alone;
    private long _tried;

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
        if (IsTried())
        {
            try
            {
                var result = await work(redis);
                Back();
                return result;
            }
            catch (Exception e) when (e is RedisException or TimeoutException or ObjectDisposedException)
            {
                Away(e);
            }
        }

        MemoryBucketStore alone;
        lock (_lock)
        {
            alone = _alone ??= Alone();
        }

        return await work(alone);
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

        redis.Empty();
        PacingLog.RedisBack(logger);
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

        PacingLog.RedisAway(logger, exception.Message, Math.Max(1, workers()));
    }

    private MemoryBucketStore Alone() => new(time, workers, redis.Trace);
}
