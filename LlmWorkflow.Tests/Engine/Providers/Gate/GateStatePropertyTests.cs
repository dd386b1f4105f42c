using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using LlmWorkflow.Engine.Providers.Gate;
using static LlmWorkflow.Tests.Engine.Providers.Gate.GateBench;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

/// <summary>What holds whatever is asked and told, by two processes, at whatever times.</summary>
public sealed class GateStatePropertyTests
{
    private const long T = 1_000_000_000;

    [Fact]
    public void Enter_AnyArrivals_NoMinuteHasMoreThanIsSet() => Check((rpm, steps) =>
    {
        var limits = Limits(rpm: rpm);
        var (state, now) = (Warm, T);
        PriorityQueue<(GateAsk Ask, long? Place), long> waiting = new();
        List<long> passes = [];
        for (var i = 0; i < steps.Length; i++)
        {
            waiting.Enqueue((Ask($"t{i}"), null), T + (steps[i] % 120_000));
        }

        while (waiting.TryDequeue(out var next, out var at) && passes.Count < 400)
        {
            now = Math.Max(now, at);
            var step = state.Enter(At(now, limits), next.Ask, next.Place);
            state = step.State;
            if (step.Verdict.Decision == GateDecision.Pass)
            {
                passes.Add(now);
                state = state.Leave(At(now, limits), Call(now), Answered());
            }
            else
            {
                waiting.Enqueue((next.Ask, step.Place), now + step.Verdict.Rest);
            }
        }

        return passes.TrueForAll(end => passes.Count(at => at > end - 60_000 && at <= end) <= rpm);
    });

    [Fact]
    public void EnterAndLeave_AnyOrder_KeepTheStateSound() => Check((rpm, steps) =>
    {
        var limits = Limits(concurrency: 1 + (rpm % 7), rpm: rpm, tpm: 10_000);
        var (state, now) = (GateState.Unknown, T);
        Dictionary<string, Stack<GateCall>> calls = new() { ["p0"] = new(), ["p1"] = new() };
        Dictionary<string, long> places = [];
        foreach (var step in steps)
        {
            now += step % 3000;
            var process = $"p{step % 2}";
            var at = At(now, limits, jitter: step % 10 / 10.0, process: process);
            // A sign of life of both, as their timers give it.
            state = state.Hold(At(now, limits, process: "p0"), calls["p0"].Count).Hold(At(now, limits, process: "p1"), calls["p1"].Count);
            if (step % 5 < 3)
            {
                var ask = Ask($"t{step % 11}", step % 500, step % 700);
                var entered = state.Enter(at, ask, places.TryGetValue(ask.Ticket, out var place) ? place : null);
                state = entered.State;
                places.Remove(ask.Ticket);
                if (entered.Place is { } given)
                {
                    places[ask.Ticket] = given;
                }

                if (entered.Verdict.Decision == GateDecision.Pass)
                {
                    calls[process].Push(new(Guid.NewGuid(), now, ask, state.Passes - 1));
                }
                else if (entered.Verdict.Rest <= 0)
                {
                    return false;
                }
            }
            else if (calls[process].TryPop(out var call))
            {
                RateLimitWindow[] windows = step % 4 == 0 ? [Requests(60, step % 61, step % 60)] : [];
                TimeSpan? retryAfter = step % 8 == 0 ? TimeSpan.FromMilliseconds(step % 5000) : null;
                state = state.Leave(at, call, new((GateOutcome)(step % 6), retryAfter, windows));
            }

            if (!IsSound(state, now) || state.InFlight != calls.Values.Sum(own => own.Count) || state.InFlight > limits.Concurrency)
            {
                return false;
            }

            // What is written is what is read.
            var text = JsonSerializer.Serialize(state, GateJson.Default.GateState);
            if (text != JsonSerializer.Serialize(JsonSerializer.Deserialize(text, GateJson.Default.GateState), GateJson.Default.GateState))
            {
                return false;
            }
        }

        return true;
    });

    private static bool IsSound(GateState state, long now) =>
        state.Shares.Values.All(share => share.Count > 0)
        && state.Idle >= 0
        && state.Clock(now) <= now
        && state.PausedUntil is null == state.PausedAt is null
        && state.Requests is not { Level: < -70 or > 60 }
        && state.Tokens is not { Level: < -30_000 or > 500 };

    private static void Check(Func<int, int[], bool> holds)
    {
        var steps = ArbMap.Default.GeneratorFor<PositiveInt>().Select(_ => 0).SelectMany(_ => Gen.Choose(0, 1_000_000)).ArrayOf(150);
        Prop.ForAll(Gen.Choose(1, 120).ToArbitrary(), steps.ToArbitrary(), holds).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }
}
