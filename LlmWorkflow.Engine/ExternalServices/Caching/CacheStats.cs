namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>The cache of external services: what it holds, and what became of requests.</summary>
/// <param name="Operations">By service and operation.</param>
/// <param name="Totals">Of all of them.</param>
public sealed record CacheStats(IReadOnlyList<OperationCacheStats> Operations, CacheFigures Totals)
{
    /// <summary>With the totals.</summary>
    public static CacheStats Of(IReadOnlyList<OperationCacheStats> operations)
    {
        ArgumentNullException.ThrowIfNull(operations);
        return new(operations, operations.Aggregate(new CacheFigures(), static (sum, operation) => sum + operation.Figures));
    }
}

/// <summary>Figures of one operation.</summary>
/// <param name="Service">Service name.</param>
/// <param name="Operation">Operation name.</param>
/// <param name="Figures">Its figures.</param>
public sealed record OperationCacheStats(string Service, string Operation, CacheFigures Figures);

/// <summary>
/// What the cache holds, and what became of requests. Each request counts once: as a hit of a level, as shared, or as a miss. Counts arrive every 5 s from each process; one that is
/// lost takes its last 5 s with it.
/// </summary>
public sealed record CacheFigures
{
    /// <summary>Kept replies in the table.</summary>
    public long Entries { get; init; }

    /// <summary>Those of them that only stand in for failed calls any more.</summary>
    public long ExpiredEntries { get; init; }

    /// <summary>JSON of the kept replies, in bytes.</summary>
    public long Bytes { get; init; }

    /// <summary>Age of the oldest kept reply in seconds; null: there is none.</summary>
    public double? OldestSeconds { get; init; }

    /// <summary>Age of the newest kept reply in seconds; null: there is none.</summary>
    public double? NewestSeconds { get; init; }

    /// <summary>Answered from the memory of the process.</summary>
    public long MemoryHits { get; init; }

    /// <summary>Answered from Redis.</summary>
    public long RedisHits { get; init; }

    /// <summary>Answered from the table.</summary>
    public long TableHits { get; init; }

    /// <summary>Answered by another's call, which they waited for.</summary>
    public long Shared { get; init; }

    /// <summary>Calls of the service that were made.</summary>
    public long Misses { get; init; }

    /// <summary>Answered, among the misses and the shared ones, by an expired reply because the call failed.</summary>
    public long Stale { get; init; }

    /// <summary>Calls, among the misses, that failed.</summary>
    public long Errors { get; init; }

    /// <summary>When counting began; null: nothing was counted.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Both together.</summary>
    public static CacheFigures operator +(CacheFigures left, CacheFigures right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        return new()
        {
            Entries = left.Entries + right.Entries,
            ExpiredEntries = left.ExpiredEntries + right.ExpiredEntries,
            Bytes = left.Bytes + right.Bytes,
            OldestSeconds = right.OldestSeconds > left.OldestSeconds || left.OldestSeconds is null ? right.OldestSeconds : left.OldestSeconds,
            NewestSeconds = right.NewestSeconds < left.NewestSeconds || left.NewestSeconds is null ? right.NewestSeconds : left.NewestSeconds,
            MemoryHits = left.MemoryHits + right.MemoryHits,
            RedisHits = left.RedisHits + right.RedisHits,
            TableHits = left.TableHits + right.TableHits,
            Shared = left.Shared + right.Shared,
            Misses = left.Misses + right.Misses,
            Stale = left.Stale + right.Stale,
            Errors = left.Errors + right.Errors,
            Since = right.Since < left.Since || left.Since is null ? right.Since : left.Since,
        };
    }

    /// <summary>Both together.</summary>
    public static CacheFigures Add(CacheFigures left, CacheFigures right) => left + right;
}
