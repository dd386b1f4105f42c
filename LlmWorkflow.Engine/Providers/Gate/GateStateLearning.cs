namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>What calls that have ended change.</summary>
internal sealed partial record GateState
{
    private const long FirstPauseMs = 1000;
    private const long LongestPauseMs = 60_000;

    // Calls in flight after a refusal: at least, and where they are free again at the earliest.
    private const int LeastCalls = 2;
    private const int FreeCalls = 64;

    // Times given by the provider are believed up to here.
    private const long LongestAskedMs = 15 * 60_000;

    /// <summary>A call is being answered.</summary>
    public GateState Hear(GateMoment at, GateCall call, IReadOnlyList<RateLimitWindow> windows) =>
        Learned(at, call, new(GateOutcome.Answered, null, windows)) with { Known = true, ColdSince = null };

    /// <summary>A call has ended.</summary>
    public GateState Leave(GateMoment at, GateCall call, GateReport report)
    {
        var count = Shares.TryGetValue(at.Process, out var share) ? share.Count : 0;
        var state = Hold(at, Math.Max(0, count - 1)).Learned(at, call, report);
        return report.Outcome switch
        {
            GateOutcome.Answered => state.Answered(at, call),
            GateOutcome.RateLimited or GateOutcome.Overloaded => state.Refused(at, call, report),
            // The probe was none: the next one may go.
            _ => PausedUntil <= call.Entered ? state with { ProbeUntil = null } : state,
        };
    }

    /// <summary>The part of the state that a process without the others goes on with.</summary>
    public GateState Alone(GateMoment at)
    {
        GateState state = Hold(at, Shares.TryGetValue(at.Process, out var own) ? own.Count : 0);
        foreach (var dimension in Enum.GetValues<RateDimension>())
        {
            if (Bucket(dimension) is { } bucket)
            {
                state = state.With(dimension, bucket with { Level = bucket.Level > 0 ? bucket.Level / at.Workers : 0 });
            }
        }

        return state;
    }

    private GateState Learned(GateMoment at, GateCall call, GateReport report)
    {
        var (state, time) = (this, Clock(at.Now));
        foreach (var window in report.Windows)
        {
            // Those that still run may not have arrived by then, those let through since had not.
            var uncounted = (InFlight + Math.Max(0, Passes - call.Before)) * Cost(window.Dimension, call.Ask);
            var bucket = RateBucket.Learn(Bucket(window.Dimension), window, time, uncounted, PerMinute(window.Dimension, at.Limits), at.Workers);
            state = state.With(window.Dimension, bucket);
        }

        return state;
    }

    private GateState Answered(GateMoment at, GateCall call)
    {
        var state = this with
        {
            Known = true,
            ColdSince = null,
            Refusals = call.Entered < RefusedAt ? Refusals : 0,
            Window = Window + 1 is { } window && window < WindowEnd ? window : null,
        };
        return PausedUntil <= call.Entered ? state.Recovered() : state;
    }

    private GateState Refused(GateMoment at, GateCall call, GateReport report)
    {
        var known = this with { Known = true, ColdSince = null };
        long? asked = report.RetryAfter is { TotalMilliseconds: > 0 and var ms } ? (long)Math.Min(Math.Ceiling(ms), LongestAskedMs) + 25 + (long)(at.Jitter * 75) : null;
        if (call.Entered < RefusedAt)
        {
            // It started before the pause that is on, and counts only if the provider names a later time.
            return asked is { } longer && at.Now < PausedUntil ? known with { PausedUntil = Math.Max(PausedUntil.Value, at.Now + longer) } : known;
        }

        var refusals = Refusals + 1;
        var wait = asked ?? (long)(Math.Min(LongestPauseMs, FirstPauseMs << Math.Min(refusals - 1, 6)) * (0.9 + (0.2 * at.Jitter)));
        if (asked is null && refusals > 1)
        {
            // Refused again after a pause: the limit comes back at its reset and not before.
            foreach (var window in report.Windows)
            {
                if (window is { Remaining: <= 0, Reset: { } reset })
                {
                    wait = Math.Max(wait, (long)Math.Min(reset.TotalMilliseconds, LongestAskedMs));
                }
            }
        }

        return known.Paused(at.Now, wait) with
        {
            Refusals = refusals,
            RefusedAt = at.Now,
            Reason = report.Outcome,
            // Where the rate is known, it keeps the pace.
            Window = Pace(RateDimension.Requests, at) is null ? Math.Max(LeastCalls, (InFlight + 1) / 2) : null,
            WindowEnd = Math.Max(FreeCalls, InFlight + 1),
        };
    }

    private GateState Paused(long now, long wait)
    {
        var until = now + Math.Max(1, wait);
        return now < PausedUntil
            ? this with { PausedUntil = Math.Max(PausedUntil.Value, until), ProbeUntil = null }
            : this with { PausedAt = now, PausedUntil = until, Idle = Idle + PauseLength, ProbeUntil = null, NextAt = null };
    }

    private long PauseLength => PausedUntil - PausedAt ?? 0;

    private GateState Recovered() => this with
    {
        PausedAt = null,
        PausedUntil = null,
        ProbeUntil = null,
        Reason = null,
        NextAt = null,
        Idle = Idle + PauseLength,
    };
}
