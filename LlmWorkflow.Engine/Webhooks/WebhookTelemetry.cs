using System.Diagnostics;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Storage;
using Tags = LlmWorkflow.Engine.Diagnostics.EngineTelemetry.Tags;

namespace LlmWorkflow.Engine.Webhooks;

/// <summary>
/// Span and counter of webhook attempts. Of the URL they name host and port only: paths and queries may hold secrets. For the same reason the
/// span stands for the HTTP call too, whose own one would name the whole URL.
/// </summary>
internal static class WebhookTelemetry
{
    /// <summary>Starts the span of an attempt, in the trace of its job.</summary>
    public static Activity? Start(ClaimedDelivery delivery)
    {
        ActivityContext.TryParse(delivery.TraceParent, null, isRemote: true, out var parent);
        var span = EngineTelemetry.Source.StartActivity("webhook deliver", ActivityKind.Client, parent);
        span?.SetTag(Tags.WebhookEvent, delivery.Event).SetTag(Tags.JobId, delivery.JobId.ToString()).SetTag(Tags.Attempt, delivery.Attempt);
        if (Uri.TryCreate(delivery.Url, UriKind.Absolute, out var url))
        {
            span?.SetTag(Tags.ServerAddress, url.Host).SetTag(Tags.ServerPort, url.Port);
        }

        return span;
    }

    /// <summary>Lets the receiver go on with the trace: W3C <c>traceparent</c> and <c>tracestate</c>, and no baggage.</summary>
    public static void Propagate(HttpRequestMessage request)
    {
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id } activity)
        {
            request.Headers.TryAddWithoutValidation("traceparent", id);
            if (activity.TraceStateString is { Length: > 0 } state)
            {
                request.Headers.TryAddWithoutValidation("tracestate", state);
            }
        }
    }

    /// <summary>Ends the span and counts the attempt.</summary>
    public static void Stop(Activity? activity, ClaimedDelivery delivery, AttemptResult result, bool recorded)
    {
        var outcome = recorded ? Outcome(result.State) : "lost";
        activity?.SetTag(Tags.HttpStatus, result.StatusCode)
            .SetTag(Tags.WebhookOutcome, outcome)
            .SetStatus(result.Error is null ? ActivityStatusCode.Unset : ActivityStatusCode.Error, result.Error);
        EngineTelemetry.WebhookDeliveries.Add(1, new(Tags.WebhookEvent, delivery.Event), new(Tags.WebhookOutcome, outcome));
    }

    private static string Outcome(DeliveryState state) => state switch
    {
        DeliveryState.Delivered => "delivered",
        DeliveryState.Dead => "dead",
        DeliveryState.Stopped => "stopped",
        _ => "retry",
    };
}
