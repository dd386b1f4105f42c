using System.Globalization;

namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>What is known of a bucket that was lost.</summary>
/// <param name="FullIn">Time until it would have been full.</param>
/// <param name="PausedFor">Rest of a pause.</param>
internal readonly record struct BucketTrace(TimeSpan FullIn, TimeSpan PausedFor);

/// <summary>Buckets of one process.</summary>
/// <param name="time">A clock that nobody sets.</param>
/// <param name="workers">Processes that divide the pace.</param>
/// <param name="trace">What is known of a bucket at first.</param>
internal sealed class MemoryBucketStore(TimeProvider time, Func<int> workers, Func<BucketKey, BucketTrace> trace) : IBucketStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<BucketKey, BucketState> _buckets = [];

    private double Now => time.GetElapsedTime(0, time.GetTimestamp()).TotalMilliseconds;

    /// <inheritdoc/>
    public Task<BucketAnswer> AskAsync(BucketAsk ask)
    {
        lock (_lock)
        {
            var pace = ask.Pace?.Share(workers());
            return Task.FromResult(Bucket(ask.Key, pace).Ask(Now, pace, ask.Held, ask.Most?.TotalMilliseconds));
        }
    }

    /// <inheritdoc/>
    public Task GiveBackAsync(BucketKey key, BucketPlace place)
    {
        lock (_lock)
        {
            Bucket(key, null).GiveBack(place);
            return Task.CompletedTask;
        }
    }

    /// <inheritdoc/>
    public Task<bool> PauseAsync(BucketKey key, TimeSpan pause)
    {
        lock (_lock)
        {
            return Task.FromResult(Bucket(key, null).Pause(Now, pause.TotalMilliseconds));
        }
    }

    private BucketState Bucket(BucketKey key, BucketPace? pace)
    {
        if (!_buckets.TryGetValue(key, out var bucket))
        {
            var known = trace(key);
            var id = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
            _buckets[key] = bucket = new(id, Now, pace, known.FullIn <= TimeSpan.Zero, Now + known.PausedFor.TotalMilliseconds);
        }

        return bucket;
    }
}
