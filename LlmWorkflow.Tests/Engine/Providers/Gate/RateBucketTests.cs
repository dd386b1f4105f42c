using LlmWorkflow.Engine.Providers.Gate;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

public sealed class RateBucketTests
{
    private const long T = 1000;

    // limit, remaining, reset in seconds; calls not counted yet -> level, per minute, gains nothing for so many seconds
    [Theory]
    [InlineData(60, 44, 16, 15, 29, 60, 0)]
    [InlineData(60, 3, 57, 15, 0, 60, 0)]
    [InlineData(60, 0, 60, 0, 0, 60, 0)]
    // A window with a fixed end: nothing before it.
    [InlineData(60, 0, 12, 0, 0, 60, 12)]
    // A daily limit gives one back in seven minutes.
    [InlineData(200, 199, 432, 0, 199, 0.1389, 0)]
    public void Learn_FirstReport_SetsTheBucket(long limit, long remaining, double reset, int uncounted, double level, double perMinute, double held)
    {
        var bucket = RateBucket.Learn(null, GateBench.Requests(limit, remaining, reset), T, uncounted, null, 1)!;

        Assert.Equal(limit, bucket.Limit);
        Assert.Equal(level, bucket.Level, 3);
        Assert.Equal(perMinute, bucket.Rate!.Value * 60_000, 3);
        Assert.Equal(T + (long)(held * 1000), bucket.At);
    }

    // level before, remaining, calls not counted yet -> level after
    [Theory]
    [InlineData(50, 44, 0, 44)]
    [InlineData(30, 44, 4, 40)]
    [InlineData(30, 44, 20, 30)]
    // Places were given for what comes: no report takes them back.
    [InlineData(-5, 44, 0, -5)]
    public void Learn_LaterReport_CorrectsTheLevel(double before, long remaining, int uncounted, double after)
    {
        var known = new RateBucket { Limit = 60, Rate = 0.001, Level = before, At = T };

        var bucket = RateBucket.Learn(known, GateBench.Requests(60, remaining, 60 - remaining), T, uncounted, null, 1)!;

        Assert.Equal(after, bucket.Level, 3);
    }

    [Fact]
    public void Learn_NoLimitTold_ChangesNothing()
    {
        var known = new RateBucket { Level = 3, At = T };

        Assert.Null(RateBucket.Learn(null, new(RateDimension.Requests, null, 5, null), T, 0, null, 1));
        Assert.Same(known, RateBucket.Learn(known, new(RateDimension.Requests, null, 5, null), T, 0, 60, 1));
    }

    // learned limit a minute, set limit -> capacity, per minute
    [Theory]
    [InlineData(60, null, 1, 60, 58.2)]
    [InlineData(null, 60, 1, 3, 57)]
    [InlineData(600, 60, 1, 3, 57)]
    [InlineData(60, 600, 1, 30, 58.2)]
    [InlineData(null, 1, 1, 1, 0.9)]
    [InlineData(60, null, 4, 15, 14.55)]
    [InlineData(null, 60, 4, 1, 14.25)]
    public void Pace_LearnedAndSet_IsTheTighter(int? learned, int? set, int workers, double capacity, double perMinute)
    {
        var bucket = learned is { } limit ? new RateBucket { Limit = limit, Rate = limit / 60_000.0 } : null;

        var pace = RatePace.Of(bucket, set, workers)!.Value;

        Assert.Equal((capacity, perMinute), (pace.Capacity, Math.Round(pace.PerMs * 60_000, 6)));
    }

    [Fact]
    public void Pace_NothingKnown_IsNone() => Assert.Null(RatePace.Of(new RateBucket { Level = 5 }, null, 1));
}
