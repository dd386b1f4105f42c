namespace LlmWorkflow.Simulator.RateLimits;

/// <summary>Counts what was taken against a limit per minute. Not thread-safe.</summary>
internal abstract class RateWindow(double limit)
{
    // Times are rounded to ticks; a caller that waited as long as it was told must be let through.
    private const double Rounding = 1e-6;

    protected static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    protected double Limit => limit;

    public RateGauge Gauge => new((long)limit, (long)Math.Floor(Math.Max(0, Available) + Rounding), UntilFull);

    /// <summary>What could be taken now.</summary>
    protected abstract double Available { get; }

    protected abstract TimeSpan UntilFull { get; }

    /// <summary>Zero when so much can be taken now.</summary>
    public TimeSpan WaitFor(double amount) => amount <= Available + Rounding ? TimeSpan.Zero : WaitForMore(amount);

    /// <summary>Takes it; what was not waited for makes others wait longer.</summary>
    public abstract void Take(double amount);

    protected abstract TimeSpan WaitForMore(double amount);

    public static RateWindow Of(RateWindowKind kind, double limit, double? capacity, TimeProvider time) => kind switch
    {
        RateWindowKind.Fixed => new FixedWindow(limit, time),
        RateWindowKind.Sliding => new SlidingWindow(limit, time),
        _ => new TokenBucket(limit, capacity ?? limit, time),
    };
}

/// <summary>Fills up steadily: a limit of 60 lets one more call through each second.</summary>
internal sealed class TokenBucket(double limit, double capacity, TimeProvider time) : RateWindow(limit)
{
    // What is missing from a full bucket.
    private double missing;
    private long measured;

    protected override double Available
    {
        get
        {
            var now = time.GetTimestamp();
            missing = Math.Max(0, missing - (time.GetElapsedTime(measured, now) / Minute * Limit));
            measured = now;
            return capacity - missing;
        }
    }

    protected override TimeSpan UntilFull => Limit == 0 ? Minute : (capacity - Available) / Limit * Minute;

    public override void Take(double amount) => missing = capacity - Available + amount;

    // What is more than ever fits in is never let through; a minute is as good as any time.
    protected override TimeSpan WaitForMore(double amount) => Limit == 0 || amount > capacity ? Minute : (amount - Available) / Limit * Minute;
}

/// <summary>Starts anew every minute, counted from the first call on.</summary>
internal sealed class FixedWindow(double limit, TimeProvider time) : RateWindow(limit)
{
    private long? first;
    private long window;
    private double taken;

    protected override double Available
    {
        get
        {
            var current = first is { } begin ? (long)(time.GetElapsedTime(begin) / Minute) : 0;
            (taken, window) = current == window ? (taken, window) : (0, current);
            return Limit - taken;
        }
    }

    protected override TimeSpan UntilFull => first is { } begin && Available < Limit ? ((window + 1) * Minute) - time.GetElapsedTime(begin) : TimeSpan.Zero;

    public override void Take(double amount)
    {
        first ??= time.GetTimestamp();
        taken = Limit - Available + amount;
    }

    protected override TimeSpan WaitForMore(double amount) => first is null || UntilFull == TimeSpan.Zero ? Minute : UntilFull;
}

/// <summary>Lets through so much in any 60 s.</summary>
internal sealed class SlidingWindow(double limit, TimeProvider time) : RateWindow(limit)
{
    private readonly Queue<(long At, double Amount)> entered = new();
    private double taken;

    protected override double Available
    {
        get
        {
            while (entered.TryPeek(out var oldest) && time.GetElapsedTime(oldest.At) >= Minute)
            {
                taken -= entered.Dequeue().Amount;
            }

            return Limit - taken;
        }
    }

    protected override TimeSpan UntilFull => entered.Count > 0 ? Minute - time.GetElapsedTime(entered.Last().At) : TimeSpan.Zero;

    public override void Take(double amount)
    {
        entered.Enqueue((time.GetTimestamp(), amount));
        taken += amount;
    }

    protected override TimeSpan WaitForMore(double amount)
    {
        var free = Available;
        foreach (var (at, used) in entered)
        {
            free += used;
            if (free >= amount)
            {
                return Minute - time.GetElapsedTime(at);
            }
        }

        return Minute;
    }
}
