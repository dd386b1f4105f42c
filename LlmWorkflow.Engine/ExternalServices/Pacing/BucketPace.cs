namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>How fast a bucket fills.</summary>
/// <param name="Capacity">Most tokens that it holds.</param>
/// <param name="PerMs">Tokens it gains in a millisecond.</param>
internal sealed record BucketPace(double Capacity, double PerMs)
{
    // Requests take different times to get there, so a second of the service's may see what went out in more than one of ours. Of a burst of 20 and 10 a second
    // 18 and 9.8 are used: the service sees at most 30 in any second while delays differ by less than 0.3 s, and of the 320 allowed in 30 s it sees 312.
    private const double RateUsed = 0.98;
    private const double BurstKept = 0.1;

    /// <summary>The pace of a file's limit.</summary>
    public static BucketPace Of(ServiceRateLimit limit)
    {
        var perSecond = limit.Requests / limit.PerSeconds;
        var burst = Math.Max(1, limit.Burst ?? perSecond);
        return new(burst - Math.Floor(burst * BurstKept), perSecond / 1000 * RateUsed);
    }

    /// <summary>The part of one of several processes that do not know of each other.</summary>
    public BucketPace Share(int processes) => processes <= 1 ? this : new(Math.Max(1, Capacity / processes), PerMs / processes);
}
