namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>How long things take in the cache. The defaults are those of the product; tests shorten them.</summary>
internal sealed record CacheTimes
{
    public static readonly CacheTimes Default = new();

    /// <summary>Longest life in memory: what an invalidation harms that did not arrive. Default 30 s.</summary>
    public TimeSpan InMemory { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the place of somebody who fetches is held for him after his last sign of life. Default 10 s.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between signs of life: two may be late. Default 3 s.</summary>
    public TimeSpan Renewal { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>First pause of who waits for another process. Default 20 ms.</summary>
    public TimeSpan FirstPoll { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Longest pause of who waits for another process. Default 250 ms.</summary>
    public TimeSpan LongestPoll { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Time between writes of the counts: what a process that is lost takes with it. Default 5 s.</summary>
    public TimeSpan Flush { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest statement; after it the database counts as away. Default 5 s.</summary>
    public TimeSpan Statement { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a database that is away is waited for, before a call is made or a reply kept without it. Default 2 s: a restart passes.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(2);
}
