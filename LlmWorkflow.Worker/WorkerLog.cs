namespace LlmWorkflow.Worker;

/// <summary>Log messages of the worker process, with stable ids.</summary>
internal static partial class WorkerLog
{
    [LoggerMessage(3001, LogLevel.Warning, "Loop {Loop} waits {DelaySeconds:F1} s: {Reason}")]
    public static partial void LoopWaits(ILogger logger, string loop, string reason, double delaySeconds);

    [LoggerMessage(3002, LogLevel.Error, "Loop {Loop} failed; next try in {DelaySeconds:F1} s")]
    public static partial void LoopFailed(ILogger logger, string loop, double delaySeconds, Exception exception);

    [LoggerMessage(3003, LogLevel.Information, "Leaving: {Jobs} jobs still run; they stop at their next checkpoint, or after {GraceSeconds:F0} s")]
    public static partial void Leaving(ILogger logger, int jobs, double graceSeconds);

    [LoggerMessage(3004, LogLevel.Information, "Left: nothing runs here any more")]
    public static partial void Left(ILogger logger);

    [LoggerMessage(3005, LogLevel.Error, "The job's end could not be stored")]
    public static partial void EndNotStored(ILogger logger, Exception exception);

    [LoggerMessage(3006, LogLevel.Information, "Waiting for the database: {Reason}")]
    public static partial void WaitingForDatabase(ILogger logger, string reason);
}
