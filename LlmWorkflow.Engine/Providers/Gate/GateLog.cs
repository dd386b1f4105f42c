using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>Log messages of the gate: once per change, by the process that made it.</summary>
internal static partial class GateLog
{
    [LoggerMessage(2201, LogLevel.Warning, "Calls of {Provider} {Model} pause for {Seconds:F1} s: {Reason}")]
    public static partial void Paused(ILogger logger, string provider, string model, double seconds, GateOutcome? reason);

    [LoggerMessage(2202, LogLevel.Information, "Calls of {Provider} {Model} go on")]
    public static partial void Resumed(ILogger logger, string provider, string model);

    [LoggerMessage(2203, LogLevel.Warning, "Circuit breaker of {Provider} open for {Seconds:F0} s: calls fail at once")]
    public static partial void BreakerOpened(ILogger logger, string provider, double seconds);

    [LoggerMessage(2204, LogLevel.Information, "Circuit breaker of {Provider} closed")]
    public static partial void BreakerClosed(ILogger logger, string provider);

    [LoggerMessage(2205, LogLevel.Warning, "Redis is away: {Reason}. This process keeps to 1/{Workers} of the providers' limits until it is back")]
    public static partial void RedisAway(ILogger logger, string reason, int workers);

    [LoggerMessage(2206, LogLevel.Information, "Redis answers again: the providers' limits are the fleet's")]
    public static partial void RedisBack(ILogger logger);
}
