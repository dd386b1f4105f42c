using LlmWorkflow.Engine.Webhooks;

namespace LlmWorkflow.Tests.Engine.Webhooks;

public sealed class HostPlacesTests
{
    private static readonly WebhookLimits Limits = new() { Places = 3, InFlight = 5, PerHost = 2, FailingAfter = 2, FailingHosts = 2 };
    private readonly SteppedTime time = new();
    private readonly HostPlaces places;
    private int last;

    public HostPlacesTests() => places = new HostPlaces(Limits, time);

    [Fact]
    public void Free_RunningAttempts_AreTakenOff()
    {
        Enter("a");
        var second = Enter("b");
        Assert.Equal(1, places.Free());

        places.Leave(second, true);
        Assert.Equal(2, places.Free());
    }

    [Fact]
    public void Free_SlowAttempts_DoNotCountUntilInFlightIsFull()
    {
        Enter("a");
        Enter("b");
        Enter("c");
        Assert.Equal(0, places.Free());

        time.Advance(Limits.SlowAfter);
        Assert.Equal(2, places.Free());
        Enter("d");
        Enter("e");
        time.Advance(Limits.SlowAfter);
        Assert.Equal(0, places.Free());
    }

    [Fact]
    public void FreeByHost_RunningAttempts_ListsTheirHosts()
    {
        Enter("a");
        Enter("a");
        Enter("b");

        Assert.Equal(new Dictionary<string, int> { ["a"] = 0, ["b"] = 1 }, places.FreeByHost());
    }

    [Fact]
    public void FreeByHost_FailingHost_OneAtATimeWithPauses()
    {
        Fail("a");
        Assert.Empty(places.FreeByHost());
        Fail("a");
        Assert.Equal(0, places.FreeByHost()["a"]);

        time.Advance(Limits.FailingPause);
        Assert.Equal(1, places.FreeByHost()["a"]);
        var attempt = Enter("a");
        Assert.Equal(0, places.FreeByHost()["a"]);

        places.Leave(attempt, true);
        Assert.Empty(places.FreeByHost());
    }

    [Fact]
    public void Leave_UnknownOutcome_JudgesNobody()
    {
        Fail("a");
        places.Leave(Enter("a"), null);
        Assert.Empty(places.FreeByHost());
    }

    [Fact]
    public void Leave_ManyFailingHosts_ForgetsTheOldest()
    {
        foreach (var host in new[] { "a", "b", "c" })
        {
            Fail(host);
            Fail(host);
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(["b", "c"], places.FreeByHost().Keys.Order(StringComparer.Ordinal));
    }

    private AttemptKey Enter(string host)
    {
        var key = new AttemptKey(Guid.Empty, ++last);
        places.Enter(key, host);
        return key;
    }

    private void Fail(string host) => places.Leave(Enter(host), false);

    private sealed class SteppedTime : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now;

        public void Advance(TimeSpan by) => now += by.Ticks;
    }
}
