using LlmWorkflow.Engine.Providers.Gate;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

public sealed class BreakerStateTests
{
    private const long T = 1_000_000;

    [Fact]
    public void Leave_FiveFailuresInARow_OpensForFifteenSeconds()
    {
        var breaker = Fail(BreakerState.Closed, T, 4);
        Assert.Equal(0, breaker.Rest(T + 10));

        breaker = Fail(breaker, T + 4, 1);
        Assert.Equal(15_000, breaker.Rest(T + 4));
        Assert.Equal(0, breaker.Rest(T + 15_004));
    }

    [Theory]
    [InlineData(GateOutcome.Answered)]
    [InlineData(GateOutcome.RateLimited)]
    [InlineData(GateOutcome.Overloaded)]
    internal void Leave_AnswerInBetween_StartsAnew(GateOutcome answer)
    {
        var breaker = Fail(Fail(BreakerState.Closed, T, 4).Leave(T + 5, T, answer), T + 6, 4);

        Assert.False(breaker.IsOpen);
        Assert.True(Fail(Fail(BreakerState.Closed, T, 4).Leave(T + 5, T, GateOutcome.Abandoned), T + 6, 1).IsOpen);
    }

    [Fact]
    public void Leave_FailuresFarApart_DoNotOpen()
    {
        var breaker = BreakerState.Closed;
        for (var i = 0; i < 20; i++)
        {
            breaker = Fail(breaker, T + (i * 15_001), 1);
        }

        Assert.False(breaker.IsOpen);
    }

    [Fact]
    public void Enter_AfterTheTime_LetsOneThrough()
    {
        var probing = Fail(BreakerState.Closed, T, 5).Enter(T + 15_005);

        Assert.True(probing.Rest(T + 15_006) > 0);
        Assert.Equal(0, probing.Rest(T + 15_005 + 30_000));
        Assert.Equal(0, probing.Leave(T + 16_000, T + 15_005, GateOutcome.Abandoned).Rest(T + 16_000));

        var closed = probing.Leave(T + 16_000, T + 15_005, GateOutcome.Answered);
        Assert.False(closed.IsOpen);
        // Those that had started before the outage end now.
        Assert.Empty(Fail(closed, T + 17_000, 9, entered: T).Failures);
    }

    [Fact]
    public void Leave_ProbeFails_OpensForTwiceAsLongUpToFiveMinutes()
    {
        var breaker = Fail(BreakerState.Closed, T, 5);
        List<long> open = [];
        for (var (i, now) = (0, T + 4); i < 7; i++)
        {
            open.Add(breaker.Rest(now));
            var after = now + breaker.Rest(now);
            now = after + 1;
            breaker = breaker.Enter(after).Leave(now, after, GateOutcome.Failed);
        }

        Assert.Equal([15_000, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000], open);
    }

    [Fact]
    public void Leave_OldCallsWhileOpen_ChangeNothing()
    {
        var open = Fail(BreakerState.Closed, T, 5);

        Assert.Same(open, open.Leave(T + 20_000, T, GateOutcome.Failed));
        Assert.Same(open, open.Leave(T + 20_000, T, GateOutcome.Answered));
    }

    private static BreakerState Fail(BreakerState breaker, long at, int times, long? entered = null)
    {
        for (var i = 0; i < times; i++)
        {
            breaker = breaker.Leave(at + i, entered ?? at, GateOutcome.Failed);
        }

        return breaker;
    }
}
