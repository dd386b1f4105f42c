using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>Every log message of the engine's durable path, with stable ids. Providers, webhooks and definitions keep theirs beside the code.</summary>
internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Information, "Migration {Version} {Name} applied")]
    public static partial void MigrationApplied(ILogger logger, int version, string name);

    [LoggerMessage(1002, LogLevel.Information, "Migration {Version} {Name} taken back")]
    public static partial void MigrationTakenBack(ILogger logger, int version, string name);

    [LoggerMessage(1003, LogLevel.Warning, "The database is away: {Reason}. Trying again")]
    public static partial void DatabaseAway(ILogger logger, string reason);

    [LoggerMessage(1101, LogLevel.Information, "Worker {WorkerId} registered with {Capacity} slots")]
    public static partial void WorkerRegistered(ILogger logger, Guid workerId, int capacity);

    [LoggerMessage(1102, LogLevel.Warning, "Worker {WorkerId} lost its lease; {Jobs} running jobs are given up")]
    public static partial void WorkerLeaseLost(ILogger logger, Guid workerId, int jobs);

    [LoggerMessage(1104, LogLevel.Warning, "Worker {WorkerId} is gone ({Reason}); {Jobs} of its jobs are queued again")]
    public static partial void WorkerGone(ILogger logger, Guid workerId, string reason, int jobs);

    [LoggerMessage(1201, LogLevel.Information, "Job started, fence {Fence}, queued for {QueuedSeconds:F3} s")]
    public static partial void JobStarted(ILogger logger, long fence, double queuedSeconds);

    [LoggerMessage(1202, LogLevel.Information, "Job ended {Status} after {DurationMs} ms")]
    public static partial void JobEnded(ILogger logger, string status, long durationMs);

    [LoggerMessage(1203, LogLevel.Warning, "Job given up: the lease is lost")]
    public static partial void JobLost(ILogger logger);

    [LoggerMessage(1204, LogLevel.Information, "Job handed back")]
    public static partial void JobHandedBack(ILogger logger);

    [LoggerMessage(1205, LogLevel.Error, "Job failed by a fault of the engine")]
    public static partial void JobFaulted(ILogger logger, Exception exception);

    [LoggerMessage(1206, LogLevel.Information, "Job parked; it waits at {Steps}")]
    public static partial void JobParked(ILogger logger, string steps);

    [LoggerMessage(1301, LogLevel.Information, "Step {Status} after {DurationMs} ms, attempts {Attempts}")]
    public static partial void StepEnded(ILogger logger, string status, long durationMs, int attempts);

    [LoggerMessage(1302, LogLevel.Warning, "Step attempt {Attempt} failed: {ErrorType}: {Message}. Next attempt in {DelaySeconds:F1} s")]
    public static partial void StepRetried(ILogger logger, int attempt, string errorType, string message, double delaySeconds);

    [LoggerMessage(1303, LogLevel.Error, "Step {StepId} threw")]
    public static partial void StepThrew(ILogger logger, string stepId, Exception exception);

    [LoggerMessage(1304, LogLevel.Information, "Step {StepId} skipped: its condition does not hold")]
    public static partial void StepSkipped(ILogger logger, string stepId);

    [LoggerMessage(1401, LogLevel.Warning, "Redis is away: {Reason}. Jobs wait in Postgres until it is back")]
    public static partial void RedisAway(ILogger logger, string reason);

    [LoggerMessage(1402, LogLevel.Information, "Redis answers again")]
    public static partial void RedisBack(ILogger logger);

    [LoggerMessage(1403, LogLevel.Information, "{Jobs} queued jobs put back into the streams")]
    public static partial void SweptJobs(ILogger logger, int jobs);

    [LoggerMessage(1501, LogLevel.Warning, "{Calls} model calls of workers that are gone are marked as possibly billed")]
    public static partial void CallsAbandoned(ILogger logger, int calls);

    [LoggerMessage(1502, LogLevel.Information, "Call {CallId}: {Provider} reports its cost afterwards: {Usd} USD")]
    public static partial void CallReconciled(ILogger logger, Guid callId, string provider, decimal? usd);
}
