using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>How fast a bucket fills, and how far.</summary>
/// <param name="Capacity">Most that it holds.</param>
/// <param name="PerMs">What it gains in a millisecond.</param>
internal readonly record struct RatePace(double Capacity, double PerMs)
{
    // Requests take different times to arrive: at exactly the provider's rate every second one would come a moment too early.
    private const double Margin = 0.97;

    private const double MinuteMs = 60_000;

    /// <summary>The tighter of what was learned and what is set; null when neither is known.</summary>
    /// <param name="learned">The bucket, as far as the provider's headers filled it.</param>
    /// <param name="perMinute">From <c>limits.json</c>: no minute has more, whatever its start, so that burst and pace add up to the limit.</param>
    /// <param name="workers">Processes that divide it.</param>
    public static RatePace? Of(RateBucket? learned, long? perMinute, int workers)
    {
        var (capacity, perMs) = (double.PositiveInfinity, double.PositiveInfinity);
        if (learned is { Limit: { } limit, Rate: { } rate })
        {
            (capacity, perMs) = (limit, rate * Margin);
        }

        if (perMinute is { } set)
        {
            var burst = Math.Max(1, Math.Floor(set * 0.05));
            (capacity, perMs) = (Math.Min(capacity, burst), Math.Min(perMs, Math.Max(set - burst, set * 0.9) / MinuteMs));
        }

        return double.IsInfinity(capacity) ? null : new(Math.Max(1, capacity / workers), perMs / workers);
    }
}

/// <summary>The token bucket of one limit. A negative level is what places were given for.</summary>
internal sealed record RateBucket
{
    // A reset that comes in less than this share of the time that refilling would take is that of a window with a fixed end.
    private const double FixedWindowShare = 0.5;

    private const double LongWindowMs = 75_000;

    /// <summary>The provider's limit of a full window; null: never told.</summary>
    [JsonPropertyName("limit")]
    public long? Limit { get; init; }

    /// <summary>What the provider gives back in a millisecond; null: never told.</summary>
    [JsonPropertyName("rate")]
    public double? Rate { get; init; }

    /// <summary>What was there at <see cref="At"/>.</summary>
    [JsonPropertyName("level")]
    public double Level { get; init; }

    /// <summary>Gate time of <see cref="Level"/>; when it is yet to come, nothing is gained until then.</summary>
    [JsonPropertyName("at")]
    public long At { get; init; }

    /// <summary>The level at a gate time.</summary>
    public double LevelAt(long time, RatePace pace) => Math.Min(pace.Capacity, Level + (Math.Max(0, time - At) * pace.PerMs));

    /// <summary>Milliseconds until there is room.</summary>
    public double WaitFor(double cost, long time, RatePace pace)
    {
        // What is dearer than a full bucket waits for a full one, and leaves a debt.
        var missing = Math.Min(cost, pace.Capacity) - LevelAt(time, pace);
        return missing <= 1e-6 ? 0 : Math.Max(0, At - time) + (missing / pace.PerMs);
    }

    /// <summary>The bucket without an amount; a negative one gives back.</summary>
    public RateBucket Take(double cost, long time, RatePace pace) =>
        this with { Level = Math.Round(Math.Min(pace.Capacity, LevelAt(time, pace) - cost), 4), At = Math.Max(At, time) };

    /// <summary>The bucket after an answer told the limit's state.</summary>
    /// <param name="old">What was known.</param>
    /// <param name="window">What was told.</param>
    /// <param name="time">Gate time.</param>
    /// <param name="uncounted">What calls may take that the provider had not counted when it told.</param>
    /// <param name="perMinute">From <c>limits.json</c>.</param>
    /// <param name="workers">Processes that divide it.</param>
    public static RateBucket? Learn(RateBucket? old, RateLimitWindow window, long time, double uncounted, long? perMinute, int workers)
    {
        if ((window.Limit ?? old?.Limit) is not { } limit || limit <= 0)
        {
            return old;
        }

        var rate = RateOf(limit, window.Remaining, window.Reset);
        var known = (old ?? new RateBucket { Level = 0, At = time }) with { Limit = limit, Rate = rate };
        var pace = RatePace.Of(known, perMinute, workers)!.Value;
        var level = known.LevelAt(time, pace);
        var remaining = Math.Min(limit, Math.Max(0.0, window.Remaining)) / workers;
        if (window.Remaining <= 0 && window.Reset is { TotalMilliseconds: > 0 and var rest } && rest < limit / rate * FixedWindowShare)
        {
            return known with { Level = Math.Round(Math.Min(level, 0), 4), At = Math.Max(known.At, time + (long)Math.Ceiling(rest)) };
        }

        if (old is null)
        {
            level = Math.Max(0, remaining - uncounted);
        }
        else if (level >= 0 && known.At <= time)
        {
            level = Math.Max(level, remaining - uncounted);
        }

        return known with { Level = Math.Round(Math.Min(Math.Min(level, remaining), pace.Capacity), 4), At = Math.Max(known.At, time) };
    }

    // Limits are told per minute. A reset that is clearly further away than that tells of a longer window; one within it tells nothing: a window that slides or
    // has a fixed end gives back all at once.
    private static double RateOf(long limit, long remaining, TimeSpan? reset)
    {
        var perMinute = limit / 60_000.0;
        var used = limit - Math.Max(0, remaining);
        return reset is { TotalMilliseconds: > LongWindowMs and var ms } && used > 0 ? Math.Min(perMinute, used / ms) : perMinute;
    }
}
