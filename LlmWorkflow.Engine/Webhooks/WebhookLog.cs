using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Webhooks;

/// <summary>Log messages of webhooks. Of a URL they name host and port only: paths and queries may hold secrets.</summary>
internal static partial class WebhookLog
{
    [LoggerMessage(2001, LogLevel.Information, "Webhook {Event} of job {JobId} delivered to {Host}: {StatusCode}, attempt {Attempt}, {DurationMs} ms")]
    public static partial void Delivered(ILogger logger, string @event, Guid jobId, string host, int? statusCode, int attempt, long durationMs);

    [LoggerMessage(2002, LogLevel.Warning, "Webhook {Event} of job {JobId} to {Host} failed in attempt {Attempt}: {Error} Next attempt in {DelaySeconds:F1} s")]
    public static partial void Retried(ILogger logger, string @event, Guid jobId, string host, int attempt, string? error, double delaySeconds);

    [LoggerMessage(2003, LogLevel.Error, "Webhook {Event} of job {JobId} to {Host} is dead after attempt {Attempt}: {Error} Delivery {DeliveryId} is kept")]
    public static partial void Dead(ILogger logger, string @event, Guid jobId, string host, int attempt, string? error, Guid deliveryId);

    [LoggerMessage(2004, LogLevel.Warning, "Webhook {Event} of job {JobId}: {Host} answered 410 and wants no more of it")]
    public static partial void Stopped(ILogger logger, string @event, Guid jobId, string host);

    [LoggerMessage(2005, LogLevel.Warning, "Attempt {Attempt} of delivery {DeliveryId} ended after its claim had run out; its result is dropped")]
    public static partial void Lost(ILogger logger, Guid deliveryId, int attempt);

    [LoggerMessage(2006, LogLevel.Error, "The result of attempt {Attempt} of delivery {DeliveryId} could not be written; it will be sent again")]
    public static partial void NotRecorded(ILogger logger, Guid deliveryId, int attempt, Exception exception);

    [LoggerMessage(2007, LogLevel.Error, "Attempt {Attempt} of delivery {DeliveryId} threw")]
    public static partial void Faulted(ILogger logger, Guid deliveryId, int attempt, Exception exception);

    [LoggerMessage(2008, LogLevel.Information, "Attempt {Attempt} of delivery {DeliveryId} broken off and handed back: this process is leaving")]
    public static partial void HandedBack(ILogger logger, Guid deliveryId, int attempt);
}
