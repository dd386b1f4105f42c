using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Pacing;

namespace LlmWorkflow.Tests.Engine.ExternalServices.Pacing;

/// <summary>The bucket's arithmetic, in simulated milliseconds.</summary>
public sealed class BucketStateTests
{
    // Ten a second, five at once.
    private static readonly BucketPace s_pace = new(5, 0.01);

    [Fact]
    public void Of_RateAndBurst_KeepsAMargin()
    {
        var pace = BucketPace.Of(new ServiceRateLimit { Requests = 10, Burst = 20 });

        Assert.Equal(18, pace.Capacity);
        Assert.Equal(9.8, pace.PerMs * 1000, 6);
        // What may go out in 30 s, and in a second at most, with 300 ms of difference on the way.
        Assert.InRange(pace.Capacity + Math.Floor(pace.PerMs * 30_000), 304, 320);
        Assert.InRange(pace.Capacity + Math.Floor(pace.PerMs * 1300), 0, 30);
    }

    [Theory]
    [InlineData(10, 1, null, 9, 9.8)]
    [InlineData(1, 60, null, 1, 0.98 / 60)]
    [InlineData(600, 60, 5, 5, 9.8)]
    [InlineData(0.5, 1, 1, 1, 0.49)]
    public void Of_Limits_AreTokensPerSecond(double requests, double perSeconds, int? burst, double capacity, double perSecond)
    {
        var pace = BucketPace.Of(new ServiceRateLimit { Requests = requests, PerSeconds = perSeconds, Burst = burst });

        Assert.Equal((capacity, perSecond), (pace.Capacity, Math.Round(pace.PerMs * 1000, 9)), (a, b) => a.Item1 == b.Item1 && Math.Abs(a.Item2 - b.Item2) < 1e-6);
    }

    [Fact]
    public void Share_OfFour_IsAQuarterAndNeverNothing()
    {
        Assert.Equal(new BucketPace(1.25, 0.0025), s_pace.Share(4));
        Assert.Equal(1, s_pace.Share(40).Capacity);
        Assert.Same(s_pace, s_pace.Share(0));
    }

    [Fact]
    public void Ask_MoreThanTheBurst_WaitsInOrder()
    {
        var bucket = Full();

        double[] waits = [.. Enumerable.Range(0, 8).Select(_ => bucket.Ask(0, s_pace, null, null).Wait.TotalMilliseconds)];

        Assert.Equal([0, 0, 0, 0, 0, 100, 200, 300], waits);
    }

    [Fact]
    public void Ask_HeldPlace_ComesNearerAndIsNotTakenTwice()
    {
        var bucket = Full();
        Take(bucket, 0, 6);
        var place = bucket.Ask(0, s_pace, null, null).Place!;

        Assert.Equal(150, bucket.Ask(50, s_pace, place, null).Wait.TotalMilliseconds);
        Assert.Equal(0, bucket.Ask(200, s_pace, place, null).Wait.TotalMilliseconds);
        Assert.Equal(100, bucket.Ask(200, s_pace, null, null).Wait.TotalMilliseconds);
    }

    [Fact]
    public void Ask_TurnTooLate_TakesNothing()
    {
        var bucket = Full();
        Take(bucket, 0, 6);

        var refused = bucket.Ask(0, s_pace, null, most: 199);
        Assert.True(refused.IsRefused);
        Assert.Null(refused.Place);
        Assert.Equal(200, refused.Wait.TotalMilliseconds);
        Assert.Equal((false, 200), (bucket.Ask(0, s_pace, null, most: 200).IsRefused, (int)refused.Wait.TotalMilliseconds));
    }

    [Fact]
    public void GiveBack_PlaceOfOneThatWaits_IsTheNextOnes()
    {
        var bucket = Full();
        Take(bucket, 0, 5);
        var places = Enumerable.Range(0, 3).Select(_ => bucket.Ask(0, s_pace, null, null).Place!).ToList();

        bucket.GiveBack(places[1]);

        Assert.Equal([200, 400], [bucket.Ask(0, s_pace, null, null).Wait.TotalMilliseconds, bucket.Ask(0, s_pace, null, null).Wait.TotalMilliseconds]);
        Assert.Equal(300, bucket.Ask(0, s_pace, places[2], null).Wait.TotalMilliseconds);
    }

    [Fact]
    public void GiveBack_PlacesThatNobodyTakes_AreSavedUpToTheCapacity()
    {
        var bucket = Full();
        Take(bucket, 0, 5);
        var places = Enumerable.Range(0, 20).Select(_ => bucket.Ask(0, s_pace, null, null).Place!).ToList();
        places.ForEach(bucket.GiveBack);

        double[] waits = [.. Enumerable.Range(0, 7).Select(_ => bucket.Ask(1500, s_pace, null, null).Wait.TotalMilliseconds)];

        Assert.Equal([0, 0, 0, 0, 0, 100, 200], waits);
    }

    [Fact]
    public void Pause_StopsWaitersAndStartsEmpty()
    {
        var bucket = Full();
        Take(bucket, 0, 5);
        var place = bucket.Ask(0, s_pace, null, null).Place!;

        Assert.True(bucket.Pause(50, 2000));
        Assert.False(bucket.Pause(60, 1000));

        Assert.Equal(2050, bucket.Ask(50, s_pace, place, null).Wait.TotalMilliseconds - 0, 3);
        Assert.Equal(50, bucket.Ask(2050, s_pace, place, null).Wait.TotalMilliseconds, 3);
        Assert.Equal(150, bucket.Ask(2050, s_pace, null, null).Wait.TotalMilliseconds, 3);
    }

    [Fact]
    public void Pause_OfAFullBucket_LeavesNoBurst()
    {
        var bucket = Full();
        bucket.Pause(0, 1000);

        Assert.Equal([1100, 1200], [bucket.Ask(0, s_pace, null, null).Wait.TotalMilliseconds, bucket.Ask(0, s_pace, null, null).Wait.TotalMilliseconds]);
    }

    [Fact]
    public void Pause_Long_IsCutAtAQuarterOfAnHour()
    {
        var bucket = Full();
        bucket.Pause(0, 10_000_000);

        Assert.Equal(TimeSpan.FromMinutes(15), bucket.Ask(0, null, null, null).Wait);
    }

    [Fact]
    public void Ask_WithoutPace_KnowsOnlyPauses()
    {
        var bucket = new BucketState("a", 0, null, true, 0);
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(TimeSpan.Zero, bucket.Ask(0, null, null, null).Wait));
        bucket.Pause(0, 500);

        Assert.Equal((300, false), (bucket.Ask(200, null, null, null).Wait.TotalMilliseconds, bucket.Ask(200, null, null, 300).IsRefused));
        Assert.True(bucket.Ask(200, null, null, 299).IsRefused);
        Assert.Equal(TimeSpan.Zero, bucket.Ask(500, null, null, null).Wait);
    }

    [Fact]
    public void Ask_SlowerPace_MovesThoseWhoWaitToo()
    {
        var bucket = Full();
        Take(bucket, 0, 5);
        var place = bucket.Ask(0, s_pace, null, null).Place!;

        var later = bucket.Ask(0, s_pace with { PerMs = 0.001 }, null, null);

        Assert.Equal((1000, 2000), (bucket.Ask(0, s_pace, place, null).Wait.TotalMilliseconds, later.Wait.TotalMilliseconds));
    }

    [Fact]
    public void Ask_PlaceOfAnotherBucket_IsReplaced()
    {
        var bucket = Full();

        var answer = bucket.Ask(0, s_pace, new BucketPlace("other", 99), null);

        Assert.Equal((new BucketPlace("a", 1), TimeSpan.Zero), (answer.Place, answer.Wait));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Ask_ManyCallersWithCancellationsAndPauses_NeverGoFasterThanThePace(int seed)
    {
        const double Length = 120_000;
        var random = new Random(seed);
        var bucket = Full();
        PriorityQueue<(int Caller, BucketPlace? Held), double> events = new();
        List<double> granted = [];
        List<(double Start, double End)> pauses = [];
        for (var caller = 0; caller < 40; caller++)
        {
            events.Enqueue((caller, null), random.NextDouble() * 1000);
        }

        while (events.TryDequeue(out var next, out var now) && now < Length)
        {
            if (random.NextDouble() < 0.002)
            {
                var pause = random.NextDouble() * 3000;
                bucket.Pause(now, pause);
                pauses.Add((now, now + pause));
            }

            if (next.Held is { } held && random.NextDouble() < 0.2)
            {
                bucket.GiveBack(held);
                events.Enqueue((next.Caller, null), now + (random.NextDouble() * 2000));
                continue;
            }

            var answer = bucket.Ask(now, s_pace, next.Held, 60_000);
            if (answer.Wait == TimeSpan.Zero)
            {
                granted.Add(now);
                // Sometimes it is quiet for a while.
                events.Enqueue((next.Caller, null), now + (random.NextDouble() * ((int)(now / 20_000) % 2 == 0 ? 100 : 8000)));
            }
            else
            {
                // Some look before their turn.
                events.Enqueue((next.Caller, answer.Place), now + (answer.Wait.TotalMilliseconds * (random.NextDouble() < 0.3 ? random.NextDouble() : 1)));
            }
        }

        Assert.True(granted.Count > 500);
        for (var i = 0; i < granted.Count; i++)
        {
            for (var j = i; j < granted.Count && granted[j] - granted[i] < 10_000; j++)
            {
                // A turn may be a millisecond early.
                Assert.InRange(j - i + 1, 1, 5 + (0.01 * (granted[j] - granted[i] + 1)) + 1e-6);
            }
        }

        Assert.All(pauses, pause => Assert.DoesNotContain(granted, at => at > pause.Start && at < pause.End - 1));
    }

    [Fact]
    public void Ask_AlwaysSomebodyWaiting_UsesTheWholePaceAndNobodyStarves()
    {
        var bucket = Full();
        PriorityQueue<(BucketPlace? Held, double Since), double> events = new();
        for (var i = 0; i < 30; i++)
        {
            events.Enqueue((null, 0), 0);
        }

        var (granted, longest) = (0, 0.0);
        while (events.TryDequeue(out var next, out var now) && now <= 30_000)
        {
            var answer = bucket.Ask(now, s_pace, next.Held, null);
            if (answer.Wait == TimeSpan.Zero)
            {
                granted++;
                longest = Math.Max(longest, now - next.Since);
                events.Enqueue((null, now), now);
            }
            else
            {
                events.Enqueue((answer.Place, next.Since), now + answer.Wait.TotalMilliseconds);
            }
        }

        Assert.InRange(granted, 303, 306);
        Assert.InRange(longest, 2000, 3001);
    }

    private static BucketState Full() => new("a", 0, s_pace, true, 0);

    private static void Take(BucketState bucket, double now, int count)
    {
        for (var i = 0; i < count; i++)
        {
            bucket.Ask(now, s_pace, null, null);
        }
    }
}
