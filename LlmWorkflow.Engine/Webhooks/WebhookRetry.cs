using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Engine.Webhooks;

/// <summary>What came back from one attempt.</summary>
internal sealed record WebhookReply
{
    /// <summary>HTTP status; null when there was no answer.</summary>
    public int? StatusCode { get; init; }

    /// <summary>Start of the body.</summary>
    public string? Body { get; init; }

    /// <summary>Why it counts as failed; null when it does not.</summary>
    public string? Error { get; init; }

    /// <summary>What the receiver asked for with 429 or 503.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>Decides what follows an attempt. Pure.</summary>
internal static class WebhookRetry
{
    /// <summary>A receiver cannot put its delivery off for longer with <c>Retry-After</c>: an hour, so that a wrong header does not bury it.</summary>
    public static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(1);

    /// <summary>The delivery's next state, and the time until the next attempt when there is one.</summary>
    /// <param name="reply">Of this attempt.</param>
    /// <param name="attempt">Its number, 1 for the first.</param>
    /// <param name="delays">Before the second and later attempts.</param>
    public static (DeliveryState State, TimeSpan? RetryIn) Decide(WebhookReply reply, int attempt, IReadOnlyList<TimeSpan> delays)
    {
        if (reply.StatusCode is >= 200 and <= 299)
        {
            return (DeliveryState.Delivered, null);
        }

        if (reply.StatusCode is 410)
        {
            return (DeliveryState.Stopped, null);
        }

        if (attempt > delays.Count)
        {
            return (DeliveryState.Dead, null);
        }

        var delay = delays[attempt - 1];
        var asked = reply.RetryAfter is { } after && after > LongestRetryAfter ? LongestRetryAfter : reply.RetryAfter;
        return (DeliveryState.Pending, asked > delay ? asked : delay);
    }
}
