namespace LlmWorkflow.Simulator.RateLimits;

/// <summary>One limit as its owner (a key with a model, or all calls of an entry) has used it. Refused calls take nothing. Not thread-safe.</summary>
internal sealed class RateLimiter
{
    private readonly RateLimit limit;
    private readonly RateWindow? requests;
    private readonly RateWindow? tokens;

    public RateLimiter(RateLimit limit, TimeProvider time)
    {
        var kind = limit.Window ?? RateWindowKind.Bucket;
        this.limit = limit;
        requests = limit.RequestsPerMinute is { } calls ? RateWindow.Of(kind, calls, limit.Capacity, time) : null;
        tokens = limit.TokensPerMinute is { } most ? RateWindow.Of(kind, most, capacity: null, time) : null;
    }

    /// <summary>Lets a call through or not.</summary>
    /// <param name="amount">Its tokens.</param>
    public RateDecision Decide(int amount)
    {
        var forCall = requests?.WaitFor(1) ?? TimeSpan.Zero;
        var forTokens = tokens?.WaitFor(amount) ?? TimeSpan.Zero;
        var wait = forCall > forTokens ? forCall : forTokens;
        if (wait == TimeSpan.Zero)
        {
            requests?.Take(1);
            tokens?.Take(amount);
        }

        return new RateDecision(wait, requests?.Gauge, tokens?.Gauge, limit.Headers) { LimitedByTokens = forTokens > forCall };
    }
}
