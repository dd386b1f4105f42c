using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Providers.Gate;
using static LlmWorkflow.Tests.Engine.Providers.Gate.GateBench;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

public sealed class GateStateTests
{
    private const long T = 1_000_000_000;

    [Fact]
    public void Enter_NothingKnown_LetsAFewThroughUntilTheFirstAnswer()
    {
        var (state, passed) = Burst(GateState.Unknown, 100, T);

        Assert.Equal(16, passed);
        Assert.Equal(GateWaitReason.Concurrency, state.Enter(At(T), Ask(), null).Verdict.Reason);

        state = state.Leave(At(T + 50), Call(T), Answered());
        Assert.Equal(100, Burst(state, 100, T + 50).Passed);
    }

    [Fact]
    public void Enter_NoRefusalForAWhile_ColdStartOpensStepByStep()
    {
        var (state, _) = Burst(GateState.Unknown, 100, T);

        Assert.Equal(0, Burst(state, 100, T + 1999).Passed);
        Assert.Equal(16, Burst(state, 100, T + 2000).Passed);
        Assert.Equal(112, Burst(state, 1000, T + 6000).Passed);
    }

    [Fact]
    public void Leave_Refused_PausesEverybodyAndThenTriesOne()
    {
        var state = Warm.Enter(At(T), Ask(), null).State.Leave(At(T + 100), Call(T), Limited(2));

        var waiting = state.Enter(At(T + 200), Ask(), null);
        Assert.Equal((GateDecision.Wait, GateWaitReason.Paused), (waiting.Verdict.Decision, waiting.Verdict.Reason));
        Assert.InRange(waiting.Verdict.Rest, 1900, 2100);

        var after = T + 200 + waiting.Verdict.Rest;
        var probe = waiting.State.Enter(At(after), Ask(), null);
        Assert.Equal(GateDecision.Pass, probe.Verdict.Decision);
        var second = probe.State.Enter(At(after + 1), Ask("b"), null);
        Assert.Equal((GateDecision.Wait, GateWaitReason.Paused), (second.Verdict.Decision, second.Verdict.Reason));
        Assert.InRange(second.Verdict.Rest, 1, 5000);

        var open = probe.State.Leave(At(after + 300), Call(after), Answered());
        Assert.Equal(GateDecision.Pass, open.Enter(At(after + 301), Ask("b"), null).Verdict.Decision);
        Assert.Equal((0, null), (open.Refusals, open.PausedUntil));
    }

    [Fact]
    public void Enter_ProbeStaysOut_OthersGoOnAfterFiveSeconds()
    {
        var state = Warm.Leave(At(T), Call(T), Limited(1)).Enter(At(T + 1200), Ask(), null).State;

        Assert.Equal(GateDecision.Wait, state.Enter(At(T + 6000), Ask("b"), null).Verdict.Decision);
        Assert.Equal(GateDecision.Pass, state.Enter(At(T + 6300), Ask("b"), null).Verdict.Decision);
    }

    [Theory]
    [InlineData(GateOutcome.Abandoned)]
    [InlineData(GateOutcome.Failed)]
    [InlineData(GateOutcome.NotSent)]
    internal void Leave_ProbeSaysNothing_TheNextOneIsTried(GateOutcome outcome)
    {
        var state = Warm.Leave(At(T), Call(T), Limited(1)).Enter(At(T + 1200), Ask(), null).State;

        var after = state.Leave(At(T + 1300), Call(T + 1200), Of(outcome));

        Assert.NotNull(after.PausedUntil);
        Assert.Equal(GateDecision.Pass, after.Enter(At(T + 1301), Ask("b"), null).Verdict.Decision);
    }

    [Fact]
    public void Leave_RefusedAgainAndAgain_WaitsGrowToAMinute()
    {
        var (state, now) = (Warm, T);
        List<long> waits = [];
        for (var i = 0; i < 9; i++)
        {
            state = state.Leave(At(now, jitter: 0.5), Call(now), Limited());
            waits.Add(state.PausedUntil!.Value - now);
            now = state.PausedUntil.Value + 10;
        }

        Assert.Equal([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000], waits);
    }

    [Fact]
    public void Leave_ManyRefusalsOfOneBurst_CountOnce()
    {
        var state = Burst(Warm, 50, T).State;
        for (var i = 0; i < 50; i++)
        {
            state = state.Leave(At(T + 100 + i), Call(T), Limited());
        }

        Assert.Equal(1, state.Refusals);
        Assert.InRange(state.PausedUntil!.Value - T, 900, 1300);
    }

    [Fact]
    public void Leave_AbsurdRetryAfter_IsCutAtAQuarterOfAnHour() =>
        Assert.InRange(Warm.Leave(At(T), Call(T), Limited(86_400)).PausedUntil!.Value - T, 900_000, 900_200);

    [Fact]
    public void Enter_OutOfRoom_GivesPlacesAtTheRateAndKeepsThem()
    {
        var limits = Limits(rpm: 60);
        var state = Warm;
        List<(long Due, long? Place)> places = [];
        for (var i = 0; i < 50; i++)
        {
            var step = state.Enter(At(T, limits), Ask($"t{i}"), null);
            places.Add((step.Verdict.Rest, step.Place));
            state = step.State;
        }

        // Three at once, then one every 60/57 s: no minute has more than 60.
        Assert.Equal([0, 0, 0], places.Take(3).Select(place => place.Due));
        Assert.All(places.Skip(3).Select((place, i) => (place.Due, i)), place => Assert.InRange(place.Due - ((place.i + 1) * 60_000.0 / 57), 0, 1.5));

        var (due, own) = places[10];
        var early = state.Enter(At(T + 1000, limits), Ask("t10"), own);
        Assert.Equal((due - 1000, GateWaitReason.Paced, own), (early.Verdict.Rest, early.Verdict.Reason, early.Place));
        var onTime = early.State.Enter(At(T + due, limits), Ask("t10"), own);
        Assert.Equal((GateDecision.Pass, null), (onTime.Verdict.Decision, onTime.Place));
        Assert.Equal(state.Requests!.LevelAt(T + due, new(3, 57 / 60_000.0)), onTime.State.Requests!.LevelAt(T + due, new(3, 57 / 60_000.0)), 3);
    }

    [Fact]
    public void Enter_BeyondTheHorizon_GivesNoPlace()
    {
        var (state, limits) = (Warm, Limits(rpm: 60));
        for (var i = 0; i < 60; i++)
        {
            state = state.Enter(At(T, limits), Ask($"t{i}"), null).State;
        }

        var step = state.Enter(At(T, limits), Ask("late"), null);

        Assert.Null(step.Place);
        Assert.False(step.Verdict.Placed);
        Assert.InRange(step.Verdict.Rest, 60_000, 66_000);
        Assert.Equal(state.Requests, step.State.Requests);
    }

    [Fact]
    public void Enter_PauseCameMeanwhile_PutsPlacesOffByItsLength()
    {
        var (state, limits) = (Warm, Limits(rpm: 60));
        GateStep step = default;
        for (var i = 0; i < 8; i++)
        {
            step = state.Enter(At(T, limits), Ask($"t{i}"), null);
            state = step.State;
        }

        var due = step.Verdict.Rest;
        state = state.Leave(At(T + 1000, limits), Call(T), Limited(10));
        var pause = state.PausedUntil!.Value - (T + 1000);

        var waiting = state.Enter(At(T + 2000, limits), Ask("t7"), step.Place);
        Assert.Equal((GateWaitReason.Paused, due + pause - 2000), (waiting.Verdict.Reason, waiting.Verdict.Rest));
        Assert.Equal(GateDecision.Pass, waiting.State.Enter(At(T + due + pause, limits), Ask("t7"), step.Place).Verdict.Decision);
    }

    [Fact]
    public void Hold_ProcessGone_ItsCallsAreForgotten()
    {
        var limits = Limits(concurrency: 2);
        var state = Warm.Enter(At(T, limits, process: "gone"), Ask("a"), null).State;
        state = state.Enter(At(T, limits, process: "gone"), Ask("b"), null).State;
        Assert.Equal(GateWaitReason.Concurrency, state.Enter(At(T + 1, limits), Ask(), null).Verdict.Reason);

        var later = T + GateState.ShareMs;
        Assert.Equal(2, state.Hold(At(later - 1, limits), 0).InFlight);
        Assert.Equal(GateDecision.Pass, state.Hold(At(later, limits), 0).Enter(At(later, limits), Ask(), null).Verdict.Decision);
    }

    [Fact]
    public void Undo_WithdrawnAsk_LeavesTheLevelAsItWas()
    {
        var limits = Limits(rpm: 60, tpm: 10_000);
        var before = Warm.Enter(At(T, limits), Ask("a"), null).State;

        var after = before.Enter(At(T, limits), Ask("b", 300, 200), null).State.Undo(At(T, limits), Ask("b", 300, 200));

        Assert.Equal(before.Requests, after.Requests);
        Assert.Equal(before.Tokens, after.Tokens);
    }

    [Fact]
    public void Leave_RefusedWithoutAKnownRate_GoesOnWithHalfTheCallsAndGrows()
    {
        var state = Burst(Warm, 40, T).State.Leave(At(T + 100), Call(T), Limited(1));
        for (var i = 0; i < 39; i++)
        {
            state = state.Leave(At(T + 200), Call(T), Answered());
        }

        var after = state.PausedUntil!.Value;
        state = state.Enter(At(after), Ask("probe"), null).State.Leave(At(after + 100), Call(after), Answered());

        // Half of 40, one more for each answer: those that came during the pause too.
        Assert.Equal(60, Burst(state, 100, after + 200).Passed);
        var nearlyFree = state with { Window = 63 };
        Assert.Equal(100, Burst(nearlyFree.Leave(At(after + 200), Call(after), Answered()), 100, after + 200).Passed);
    }

    [Fact]
    public void Leave_TokensTold_PacesByTheEstimate()
    {
        var state = Warm.Enter(At(T), Ask("a", 500, 500), null).State;
        RateLimitWindow window = new(RateDimension.Tokens, 60_000, 1000, TimeSpan.FromSeconds(59));

        state = state.Leave(At(T + 100), new(Guid.NewGuid(), T, Ask("a", 500, 500), 1), Answered(window));

        Assert.Equal(GateDecision.Pass, state.Enter(At(T + 100), Ask("b", 600, 400), null).Verdict.Decision);
        // 2,000 more than there are, at 970 a second.
        Assert.InRange(state.Enter(At(T + 100), Ask("c", 1000, 2000), null).Verdict.Rest, 2050, 2070);
    }

    [Fact]
    public void Enter_DearCall_WaitsForAFullBucketAndLeavesADebt()
    {
        var limits = Limits(tpm: 60_000);

        var first = Warm.Enter(At(T, limits), Ask("a", 20_000, 10_000), null);
        var second = first.State.Enter(At(T, limits), Ask("b", 10, 10), null);

        Assert.Equal(GateDecision.Pass, first.Verdict.Decision);
        // 27,000 above a full bucket of 3,000, at 57,000 a minute.
        Assert.InRange(second.Verdict.Rest, 28_000, 29_000);
    }

    private static (GateState State, int Passed) Burst(GateState state, int asks, long now)
    {
        var passed = 0;
        for (var i = 0; i < asks; i++)
        {
            var step = state.Enter(At(now), Ask($"b{i}"), null);
            state = step.State;
            passed += step.Verdict.Decision == GateDecision.Pass ? 1 : 0;
        }

        return (state, passed);
    }
}
