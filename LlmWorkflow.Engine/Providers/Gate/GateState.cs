using System.Text.Json.Serialization;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>Calls in flight of one process.</summary>
/// <param name="Count">How many.</param>
/// <param name="Until">When they are forgotten if the process does not renew them: it was killed.</param>
internal sealed record GateShare([property: JsonPropertyName("n")] int Count, [property: JsonPropertyName("until")] long Until);

/// <summary>
/// All that the fleet knows about a provider's model: a value, kept as one small JSON text; changes give the next one. Times are milliseconds of Unix time, except
/// those in <i>gate time</i>, which stands still while a pause lasts: so a pause puts off every place by its length.
/// </summary>
internal sealed partial record GateState
{
    /// <summary>Beyond it no place is given: the ask is to come again.</summary>
    public const long HorizonMs = 60_000;

    /// <summary>A killed process's calls are forgotten after this time.</summary>
    public const long ShareMs = 30_000;

    // A gate that never had an answer lets so many through: a burst of hundreds must not earn hundreds of refusals. Refusals come within a fraction of a second;
    // where none has come after ColdStepMs, twice as many may be out.
    private const int ColdCalls = 16;
    private const long ColdStepMs = 2000;

    // Longest time that others wait for the probe. A refusal comes at once, so a call that has been out for so long was accepted.
    private const long ProbeMs = 5000;
    private const long ProbeLookMs = 1000;

    // Those who wait for a free slot or the end of a pause come back one after another, so that however many they are the gate is asked at a constant rate.
    private const long SlotWaitMs = 100;
    private const long SlotStepMs = 10;
    private const long PauseStepMs = 20;
    private const long LongestStagger = 5000;
    private const long LongestPauseStagger = 30_000;

    /// <summary>Nothing is known.</summary>
    public static GateState Unknown { get; } = new();

    /// <summary>Whether the provider has ever answered.</summary>
    [JsonPropertyName("known")]
    public bool Known { get; init; }

    /// <summary>When the first call was let through, while no answer is known.</summary>
    [JsonPropertyName("cold_since")]
    public long? ColdSince { get; init; }

    /// <summary>Most calls in flight after a refusal, where no rate is known: half of what was; one more with each answer. Null: no limit.</summary>
    [JsonPropertyName("window")]
    public int? Window { get; init; }

    /// <summary>Where <see cref="Window"/> is lifted.</summary>
    [JsonPropertyName("window_end")]
    public int? WindowEnd { get; init; }

    /// <summary>Start of the pause.</summary>
    [JsonPropertyName("paused_at")]
    public long? PausedAt { get; init; }

    /// <summary>End of the pause; it stays set until a probe was accepted.</summary>
    [JsonPropertyName("paused_until")]
    public long? PausedUntil { get; init; }

    /// <summary>Why it is paused.</summary>
    [JsonPropertyName("reason")]
    public GateOutcome? Reason { get; init; }

    /// <summary>Until when the probe is awaited; null: none is out.</summary>
    [JsonPropertyName("probe_until")]
    public long? ProbeUntil { get; init; }

    /// <summary>The last refusal: calls that had started before it say nothing about the time since.</summary>
    [JsonPropertyName("refused_at")]
    public long? RefusedAt { get; init; }

    /// <summary>Refusals in a row.</summary>
    [JsonPropertyName("refusals")]
    public int Refusals { get; init; }

    /// <summary>Length of all pauses that are over: Unix time less this is gate time.</summary>
    [JsonPropertyName("idle")]
    public long Idle { get; init; }

    /// <summary>Calls that were ever let through.</summary>
    [JsonPropertyName("passes")]
    public long Passes { get; init; }

    /// <summary>When the next one of those who wait without a place is to come.</summary>
    [JsonPropertyName("next_at")]
    public long? NextAt { get; init; }

    [JsonPropertyName("requests")]
    public RateBucket? Requests { get; init; }

    [JsonPropertyName("tokens")]
    public RateBucket? Tokens { get; init; }

    [JsonPropertyName("input_tokens")]
    public RateBucket? InputTokens { get; init; }

    [JsonPropertyName("output_tokens")]
    public RateBucket? OutputTokens { get; init; }

    /// <summary>Calls in flight by process.</summary>
    [JsonPropertyName("shares")]
    public IReadOnlyDictionary<string, GateShare> Shares { get; init; } = new Dictionary<string, GateShare>();

    /// <summary>Calls in flight of all processes.</summary>
    [JsonIgnore]
    public int InFlight => Shares.Values.Sum(share => share.Count);

    /// <summary>Gate time.</summary>
    public long Clock(long now) => (PausedUntil is { } end && PausedAt is { } start ? now < end ? start : now - (end - start) : now) - Idle;

    /// <summary>States how many calls this process has in flight, and forgets those of processes that are gone.</summary>
    public GateState Hold(GateMoment at, int count)
    {
        Dictionary<string, GateShare> shares = new(StringComparer.Ordinal);
        foreach (var (process, share) in Shares)
        {
            if (process != at.Process && share.Until > at.Now)
            {
                shares.Add(process, share);
            }
        }

        if (count > 0)
        {
            shares.Add(at.Process, new(count, at.Now + ShareMs));
        }

        return this with { Shares = shares };
    }

    /// <summary>Asks to start a call.</summary>
    /// <param name="at">Now.</param>
    /// <param name="ask">Of the call.</param>
    /// <param name="place">The place that it was given before, in gate time; null: none.</param>
    public GateStep Enter(GateMoment at, GateAsk ask, long? place)
    {
        var state = PausedUntil is not null && ProbeUntil <= at.Now ? Recovered() : this;
        var due = place is { } own ? Math.Max(0, own - state.Clock(at.Now)) : state.WaitFor(at, ask);
        var held = state.HeldUntil(at.Now);
        if (due > HorizonMs && place is null)
        {
            var rest = (held is { } end ? end - at.Now : 0) + HorizonMs + (long)(at.Jitter * HorizonMs / 10);
            return new(state, new(GateDecision.Wait, rest, held is null ? GateWaitReason.Paced : GateWaitReason.Paused), null);
        }

        if (due > 0)
        {
            var start = at.Now < state.PausedUntil ? state.PausedUntil.Value : at.Now;
            var next = place is null ? state.Take(at, ask, 1) : state;
            var verdict = new GateVerdict(GateDecision.Wait, start - at.Now + due, held is null ? GateWaitReason.Paced : GateWaitReason.Paused, place is null);
            return new(next, verdict, place ?? (state.Clock(at.Now) + due));
        }

        if (held is { } until)
        {
            return state.Stagger(at, until, at.Now < state.PausedUntil ? ProbeLookMs : PauseStepMs, PauseStepMs, LongestPauseStagger, GateWaitReason.Paused, place);
        }

        return state.InFlight >= state.MostInFlight(at)
            ? state.Stagger(at, at.Now + SlotWaitMs, SlotStepMs, SlotStepMs, LongestStagger, GateWaitReason.Concurrency, place)
            : new(state.Passed(at, place is null ? ask : null), new(GateDecision.Pass), null);
    }

    /// <summary>Gives back what an ask took that was withdrawn before it was used.</summary>
    public GateState Undo(GateMoment at, GateAsk ask) => Take(at, ask, -1);

    // The first who waits comes at the end, or where the gap says; the others after each other.
    private GateStep Stagger(GateMoment at, long end, long gap, long step, long longest, GateWaitReason reason, long? place)
    {
        var next = NextAt is { } known && known > end ? Math.Min(known, end + longest) : end;
        var until = next + (long)(at.Jitter * step);
        return new(this with { NextAt = next + (next == end ? gap : step) }, new(GateDecision.Wait, until - at.Now, reason), place);
    }

    private long? HeldUntil(long now) => PausedUntil is not { } end ? null : now < end ? end : ProbeUntil is { } probe ? Math.Min(probe, now + ProbeLookMs) : null;

    private long WaitFor(GateMoment at, GateAsk ask)
    {
        var (longest, time) = (0.0, Clock(at.Now));
        foreach (var dimension in Enum.GetValues<RateDimension>())
        {
            if (Pace(dimension, at) is { } pace && Bucket(dimension) is { } bucket)
            {
                longest = Math.Max(longest, bucket.WaitFor(Cost(dimension, ask), time, pace));
            }
        }

        return (long)Math.Ceiling(Math.Min(longest, long.MaxValue / 4.0));
    }

    private GateState Take(GateMoment at, GateAsk ask, int sign)
    {
        var (state, time) = (this, Clock(at.Now));
        foreach (var dimension in Enum.GetValues<RateDimension>())
        {
            if (Pace(dimension, at) is { } pace)
            {
                var bucket = Bucket(dimension) ?? new RateBucket { Level = pace.Capacity, At = time };
                state = state.With(dimension, bucket.Take(sign * Cost(dimension, ask), time, pace));
            }
        }

        return state;
    }

    private GateState Passed(GateMoment at, GateAsk? unpaid)
    {
        var state = unpaid is null ? this : Take(at, unpaid, 1);
        var count = Shares.TryGetValue(at.Process, out var share) ? share.Count : 0;
        return state.Hold(at, count + 1) with
        {
            Passes = Passes + 1,
            ColdSince = Known ? null : ColdSince ?? at.Now,
            ProbeUntil = PausedUntil is null ? null : at.Now + ProbeMs,
        };
    }

    private int MostInFlight(GateMoment at)
    {
        var most = at.Limits.Concurrency ?? int.MaxValue;
        if (Window is { } window)
        {
            most = Math.Min(most, window);
        }

        if (!Known)
        {
            var steps = ColdSince is { } since ? Math.Clamp((at.Now - since) / ColdStepMs, 0, 20) : 0;
            most = Math.Min(most, ColdCalls << (int)steps);
        }

        return most == int.MaxValue ? most : Math.Max(1, most / at.Workers);
    }

    private RatePace? Pace(RateDimension dimension, GateMoment at) => RatePace.Of(Bucket(dimension), PerMinute(dimension, at.Limits), at.Workers);

    private static long? PerMinute(RateDimension dimension, ModelLimits limits) => dimension switch
    {
        RateDimension.Requests => limits.RequestsPerMinute,
        RateDimension.Tokens => limits.TokensPerMinute,
        _ => null,
    };

    private static double Cost(RateDimension dimension, GateAsk ask) => dimension switch
    {
        RateDimension.Requests => 1,
        RateDimension.Tokens => ask.InputTokens + ask.OutputTokens,
        RateDimension.InputTokens => ask.InputTokens,
        _ => ask.OutputTokens,
    };

    private RateBucket? Bucket(RateDimension dimension) => dimension switch
    {
        RateDimension.Requests => Requests,
        RateDimension.Tokens => Tokens,
        RateDimension.InputTokens => InputTokens,
        _ => OutputTokens,
    };

    private GateState With(RateDimension dimension, RateBucket? bucket) => dimension switch
    {
        RateDimension.Requests => this with { Requests = bucket },
        RateDimension.Tokens => this with { Tokens = bucket },
        RateDimension.InputTokens => this with { InputTokens = bucket },
        _ => this with { OutputTokens = bucket },
    };
}
