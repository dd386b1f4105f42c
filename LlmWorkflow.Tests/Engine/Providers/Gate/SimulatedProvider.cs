using LlmWorkflow.Engine.Providers.Gate;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

internal enum LimitKind
{
    TokenBucket,
    FixedWindow,
    SlidingWindow,
}

internal enum Headers
{
    /// <summary>Limits with every answer, retry-after with a refusal.</summary>
    All,

    /// <summary>Limits with every answer, no retry-after.</summary>
    Windows,

    None,
}

/// <summary>A provider that allows so many requests a minute and tells it in one of the ways that providers have. Times are milliseconds.</summary>
internal sealed class SimulatedProvider(int perMinute, LimitKind kind, Headers headers)
{
    private readonly Queue<long> _accepted = [];
    private double _tokens = perMinute;
    private long _at;
    private long _window;
    private int _used;

    public List<long> Answers { get; } = [];

    public List<long> Refusals { get; } = [];

    /// <summary>Most refusals in any minute.</summary>
    public int WorstMinute => Refusals.Count == 0 ? 0 : Refusals.Max(end => Refusals.Count(at => at > end - 60_000 && at <= end));

    public GateReport Call(long now)
    {
        var (accepted, remaining, reset, next) = kind switch
        {
            LimitKind.TokenBucket => TakeToken(now),
            LimitKind.FixedWindow => TakeOfWindow(now),
            _ => TakeOfLog(now),
        };
        (accepted ? Answers : Refusals).Add(now);
        RateLimitWindow[] windows = headers == Headers.None ? [] : [GateBench.Requests(perMinute, remaining, reset / 1000.0)];
        return accepted
            ? new(GateOutcome.Answered, null, windows)
            : new(GateOutcome.RateLimited, headers == Headers.All ? TimeSpan.FromSeconds(Math.Ceiling(next / 1000.0)) : null, windows);
    }

    private (bool Accepted, long Remaining, double Reset, double Next) TakeToken(long now)
    {
        var perMs = perMinute / 60_000.0;
        _tokens = Math.Min(perMinute, _tokens + ((now - _at) * perMs));
        _at = now;
        var accepted = _tokens >= 1;
        _tokens -= accepted ? 1 : 0;
        return (accepted, (long)_tokens, (perMinute - _tokens) / perMs, Math.Max(0, 1 - _tokens) / perMs);
    }

    private (bool Accepted, long Remaining, double Reset, double Next) TakeOfWindow(long now)
    {
        if (now / 60_000 != _window)
        {
            (_window, _used) = (now / 60_000, 0);
        }

        var (accepted, rest) = (_used < perMinute, ((_window + 1) * 60_000) - now);
        _used += accepted ? 1 : 0;
        return (accepted, perMinute - _used, rest, rest);
    }

    private (bool Accepted, long Remaining, double Reset, double Next) TakeOfLog(long now)
    {
        while (_accepted.TryPeek(out var first) && first <= now - 60_000)
        {
            _accepted.Dequeue();
        }

        var accepted = _accepted.Count < perMinute;
        if (accepted)
        {
            _accepted.Enqueue(now);
        }

        return (accepted, perMinute - _accepted.Count, _accepted.Last() + 60_000 - now, _accepted.Peek() + 60_000 - now);
    }
}
