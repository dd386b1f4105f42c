using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Engine.Webhooks;

/// <summary>Span and counter of webhook attempts.</summary>
internal static class WebhookTelemetry
{
    private static readonly Counter<long> Deliveries = EngineTelemetry.Meter.CreateCounter<long>(
        "llmworkflow.webhook.deliveries", "{attempt}", "Webhook attempts by outcome: delivered, retry, dead, stopped or lost.");

    /// <summary>Starts the span of an attempt, in the trace of its job.</summary>
    public static Activity? Start(ClaimedDelivery delivery)
    {
        ActivityContext.TryParse(delivery.TraceParent, null, isRemote: true, out var parent);
        return EngineTelemetry.Source.StartActivity("webhook deliver", ActivityKind.Client, parent)
            ?.SetTag("llmworkflow.webhook.event", delivery.Event)
            .SetTag("llmworkflow.job_id", delivery.JobId.ToString())
            .SetTag("llmworkflow.webhook.attempt", delivery.Attempt)
            .SetTag("llmworkflow.webhook.host", delivery.Host);
    }

    /// <summary>Ends the span and counts the attempt.</summary>
    public static void Stop(Activity? activity, ClaimedDelivery delivery, AttemptResult result, bool recorded)
    {
        var outcome = recorded ? Outcome(result.State) : "lost";
        activity?.SetTag(EngineTelemetry.Tags.HttpStatus, result.StatusCode)
            .SetTag("llmworkflow.webhook.outcome", outcome)
            .SetStatus(result.Error is null ? ActivityStatusCode.Unset : ActivityStatusCode.Error, result.Error);
        Deliveries.Add(1, new("event", delivery.Event), new("outcome", outcome));
    }

    private static string Outcome(DeliveryState state) => state switch
    {
        DeliveryState.Delivered => "delivered",
        DeliveryState.Dead => "dead",
        DeliveryState.Stopped => "stopped",
        _ => "retry",
    };
}
