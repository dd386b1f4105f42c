using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlmWorkflow.ServiceDefaults;

/// <summary>Tells of a lost and a restored Redis.</summary>
internal static partial class RedisLog
{
    public static void Attach(IConnectionMultiplexer connection, ILogger logger)
    {
        connection.ConnectionFailed += (_, failure) => Lost(logger, failure.EndPoint?.ToString(), failure.ConnectionType, failure.FailureType);
        connection.ConnectionRestored += (_, restored) => Restored(logger, restored.EndPoint?.ToString(), restored.ConnectionType);
        if (!connection.IsConnected)
        {
            Absent(logger);
        }
    }

    [LoggerMessage(5001, LogLevel.Warning, "Redis connection lost: {EndPoint} {ConnectionType} {FailureType}")]
    private static partial void Lost(ILogger logger, string? endPoint, ConnectionType connectionType, ConnectionFailureType failureType);

    [LoggerMessage(5002, LogLevel.Information, "Redis connection restored: {EndPoint} {ConnectionType}")]
    private static partial void Restored(ILogger logger, string? endPoint, ConnectionType connectionType);

    [LoggerMessage(5003, LogLevel.Warning, "Redis is not reachable; connecting goes on in the background")]
    private static partial void Absent(ILogger logger);
}
