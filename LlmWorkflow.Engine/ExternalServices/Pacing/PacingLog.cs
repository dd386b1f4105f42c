using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>Log messages of pacing and circuit breakers: once per change, by the process that made it.</summary>
internal static partial class PacingLog
{
    [LoggerMessage(2311, LogLevel.Warning, "Calls of the service {Service} pause for {Seconds:F1} s, as it asked")]
    public static partial void Paused(ILogger logger, string service, double seconds);

    [LoggerMessage(2312, LogLevel.Warning, "Circuit breaker of the service {Service} open for {Seconds:F0} s: calls fail at once")]
    public static partial void BreakerOpened(ILogger logger, string service, double seconds);

    [LoggerMessage(2313, LogLevel.Information, "Circuit breaker of the service {Service} closed")]
    public static partial void BreakerClosed(ILogger logger, string service);

    [LoggerMessage(2314, LogLevel.Warning, "Redis is away: {Reason}. This process keeps to 1/{Workers} of the services' rate limits until it is back")]
    public static partial void RedisAway(ILogger logger, string reason, int workers);

    [LoggerMessage(2315, LogLevel.Information, "Redis answers again: the services' rate limits are the fleet's")]
    public static partial void RedisBack(ILogger logger);
}
