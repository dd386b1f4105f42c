using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>Log messages of the cache. None shows what a service answered.</summary>
internal static partial class CacheLog
{
    [LoggerMessage(2301, LogLevel.Warning, "{Service}.{Operation} failed ({ErrorType}): a reply kept {AgeSeconds:F0} s ago stands in")]
    public static partial void Stale(ILogger logger, string service, string operation, string errorType, double ageSeconds);

    [LoggerMessage(2302, LogLevel.Warning, "Redis is away: {Reason}. Replies of services are kept in memory and in the database only until it is back")]
    public static partial void RedisAway(ILogger logger, string reason);

    [LoggerMessage(2303, LogLevel.Information, "Redis answers again: it keeps replies of services")]
    public static partial void RedisBack(ILogger logger);

    [LoggerMessage(2304, LogLevel.Warning, "The database is away: {Reason}. Replies of services are shared inside this process only until it is back")]
    public static partial void DatabaseAway(ILogger logger, string reason);

    [LoggerMessage(2305, LogLevel.Information, "The database answers again: replies of services are shared by the fleet")]
    public static partial void DatabaseBack(ILogger logger);

    [LoggerMessage(2306, LogLevel.Information, "{Replies} kept replies of services deleted")]
    public static partial void Removed(ILogger logger, long replies);

    [LoggerMessage(2307, LogLevel.Error, "Counts of the cache of services could not be written; they are kept for the next time")]
    public static partial void CountsNotWritten(ILogger logger, Exception exception);
}
