using Microsoft.Extensions.Caching.Memory;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>Replies in this process.</summary>
/// <param name="time">Clock of the replies' life here.</param>
/// <param name="longest">Their longest life here; null: as long as they are kept.</param>
/// <param name="limit">Bytes in all, as estimated.</param>
internal sealed class ReplyMemory(TimeProvider time, TimeSpan? longest, long limit = ReplyMemory.DefaultLimit) : IDisposable
{
    private const long DefaultLimit = 64 * 1024 * 1024;

    // A parsed value is its text and a table of its parts.
    private const int SizeOfPart = 3;
    private const int SizeOfEntry = 512;

    private readonly MemoryCache _replies = new(new MemoryCacheOptions { SizeLimit = limit });
    private readonly Lock _lock = new();
    private long _generation;

    /// <summary>Changes with each removal: what was read before one is not put in after it.</summary>
    public long Generation => Volatile.Read(ref _generation);

    /// <summary>How many replies there are.</summary>
    public int Count => _replies.Count;

    /// <summary>A reply, fresh or not; null: not here.</summary>
    public CachedReply? Find(ReplyKey key) =>
        _replies.Get(key.Text) is Entry entry && (longest is not { } life || time.GetElapsedTime(entry.Since) < life) ? entry.Reply : null;

    /// <summary>Keeps a reply, if nothing was removed since <paramref name="generation"/> and there is room.</summary>
    public void Put(CachedReply reply, long generation)
    {
        var left = reply.KeptFor - reply.Age(time);
        if (left <= TimeSpan.Zero)
        {
            return;
        }

        lock (_lock)
        {
            if (generation == _generation)
            {
                _replies.Set(reply.Key.Text, new Entry(reply, time.GetTimestamp()), new MemoryCacheEntryOptions
                {
                    Size = SizeOfEntry + ((long)reply.Bytes * SizeOfPart), AbsoluteExpirationRelativeToNow = longest < left ? longest : left,
                });
            }
        }
    }

    /// <summary>Removes replies; gives how many.</summary>
    public int Drop(CacheFilter filter)
    {
        lock (_lock)
        {
            _generation++;
            var keys = _replies.Keys.OfType<string>().Where(filter.Matches).ToList();
            keys.ForEach(_replies.Remove);
            return keys.Count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _replies.Dispose();

    private sealed record Entry(CachedReply Reply, long Since);
}
