namespace LlmWorkflow.Client.Contracts;

/// <summary>What the cache of external services holds, and what became of requests.</summary>
public sealed record CacheStatsResponse
{
    /// <summary>By service and operation, in order.</summary>
    public required IReadOnlyList<OperationCache> Operations { get; init; }

    /// <summary>Of all of them.</summary>
    public required CacheFigures Totals { get; init; }
}

/// <summary>One operation.</summary>
public sealed record OperationCache : CacheFigures
{
    /// <summary>Service name.</summary>
    public required string Service { get; init; }

    /// <summary>Operation name.</summary>
    public required string Operation { get; init; }
}

/// <summary>
/// Figures of the cache. Each request counts once: as a hit of a level, as shared, or as a miss. Counts arrive within 5 s; a process that is lost takes its last 5 s with it.
/// </summary>
public record CacheFigures
{
    /// <summary>Kept replies.</summary>
    public long Entries { get; init; }

    /// <summary>Those of them that have expired and only stand in for failed calls.</summary>
    public long ExpiredEntries { get; init; }

    /// <summary>JSON of the kept replies, in bytes.</summary>
    public long Bytes { get; init; }

    /// <summary>Age of the oldest kept reply in seconds; null: there is none.</summary>
    public double? OldestSeconds { get; init; }

    /// <summary>Age of the newest kept reply in seconds; null: there is none.</summary>
    public double? NewestSeconds { get; init; }

    /// <summary>Requests that were answered without a call of their own: hits of the three levels, and the shared ones.</summary>
    public long Hits { get; init; }

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
}

/// <summary>What was deleted.</summary>
public sealed record CacheClearResponse
{
    /// <summary>Kept replies that were deleted.</summary>
    public long Deleted { get; init; }
}
