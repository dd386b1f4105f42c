using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>Removes replies from all levels, and hears of removals by others.</summary>
/// <param name="redis">Second level, and the messages.</param>
/// <param name="table">Third level: it knows every key.</param>
/// <param name="drop">Drops what this process has in memory.</param>
/// <param name="logger">Told what was removed.</param>
internal sealed class CacheRemovals(RedisReplies redis, ReplyTable table, Func<CacheFilter, int> drop, ILogger logger)
{
    private readonly Lock _lock = new();
    private Task? _subscribed;

    /// <summary>Ends when this process hears of removals, or Redis is away.</summary>
    public Task SubscribedAsync()
    {
        if (Volatile.Read(ref _subscribed) is { } subscribed)
        {
            return subscribed;
        }

        lock (_lock)
        {
            return _subscribed ??= redis.SubscribeAsync(filter => drop(filter));
        }
    }

    /// <summary>Removes replies; gives how many there were.</summary>
    public async Task<long> RemoveAsync(CacheFilter filter, CancellationToken cancellationToken)
    {
        var removed = 0L;
        IReadOnlyList<(string Key, bool HadReply)> batch;
        do
        {
            // To its end, once begun: rows that are gone would not be found by another try.
            batch = await table.RemoveAsync(filter, CancellationToken.None);
            await redis.DeleteAsync([.. batch.Select(row => row.Key)]);
            removed += batch.Count(row => row.HadReply);
        }
        while (batch.Count == ReplyTable.Batch && !cancellationToken.IsCancellationRequested);

        drop(filter);
        await redis.PublishAsync(filter);
        if (removed > 0)
        {
            CacheLog.Removed(logger, removed);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return removed;
    }
}
