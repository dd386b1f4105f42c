using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Providers.Gate;

namespace LlmWorkflow.Engine.Providers;

/// <summary>
/// What a call needs before it is made: that nobody has asked the same before, a pass of the provider's gate, and its row in the ledger with its worst case held
/// against every cap. Short waits are sat out here; a long one is an outcome, and the job is parked.
/// </summary>
internal sealed class CallAdmission(ICallLedger ledger, IProviderGate gate, TimeProvider time)
{
    // A wait in place keeps the worker's slot, parking costs two writes and a claim.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(500);

    // Another call answers the same question, or other jobs hold the rest of the day's cap: when that ends is not known.
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(2);

    // A cap that is raised in limits.json before the day ends is noticed within this time.
    private static readonly TimeSpan LookAtDayAgainAfter = TimeSpan.FromMinutes(1);

    /// <summary>The pass of a call whose row is written; or how it ended without being made.</summary>
    /// <exception cref="LeaseLostException">The job is another worker's now.</exception>
    public async Task<(GatePass? Pass, LlmOutcome? Ended)> EnterAsync(
        LlmRequest request, CallReservation reservation, GateKey key, GateAsk ask, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        for (var delay = FirstDelay; ; delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay)
        {
            CallWait wait;
            var mayWaitHere = time.GetElapsedTime(started) < Patience;
            if (reservation.Question is { } question && await ledger.FindReplyAsync(question, cancellationToken) is var known
                && (known.IsBeingAnswered || known.Reply.ValueKind is JsonValueKind.Object))
            {
                if (!known.IsBeingAnswered)
                {
                    return (null, Known(known.Reply));
                }

                wait = ForReply();
            }
            else
            {
                var answer = await gate.EnterAsync(key, ask, cancellationToken);
                if (answer.Refusal is { } refusal)
                {
                    if (refusal.RetryAfter is { } rest && time.GetElapsedTime(started) + TimeSpan.FromSeconds(rest) <= Patience)
                    {
                        await Task.Delay(TimeSpan.FromSeconds(rest) + FirstDelay, time, cancellationToken);
                        continue;
                    }

                    return (null, new LlmOutcome { Error = refusal });
                }

                if (answer.Pass is { } pass)
                {
                    var (ended, unreserved, isSoonOver) = await ReserveAsync(request, reservation, pass);
                    if (unreserved is null)
                    {
                        return (ended is null ? pass : null, ended);
                    }

                    wait = unreserved;
                    mayWaitHere |= isSoonOver;
                }
                else
                {
                    wait = ForGate(key, answer.Wait!);
                    delay = wait.Until - time.GetUtcNow() is { Ticks: > 0 } left ? left : FirstDelay;
                    mayWaitHere &= time.GetElapsedTime(started) + delay <= Patience;
                }
            }

            if (!mayWaitHere || wait.Until is null)
            {
                return (null, new LlmOutcome { Wait = wait });
            }

            await Task.Delay(delay, time, cancellationToken);
        }
    }

    // Neither ended nor waiting: it is reserved.
    private async Task<(LlmOutcome? Ended, CallWait? Wait, bool IsSoonOver)> ReserveAsync(LlmRequest request, CallReservation reservation, GatePass pass)
    {
        ReserveResult result;
        try
        {
            // Not to be cancelled: a row whose fate is unknown would hold its reserved USD for ever.
            result = await ledger.ReserveAsync(reservation, CancellationToken.None);
        }
        catch
        {
            await gate.LeaveAsync(pass, GateReport.NotSent);
            throw;
        }

        if (result.Outcome is ReserveOutcome.Reserved)
        {
            return (null, null, false);
        }

        await gate.LeaveAsync(pass, GateReport.NotSent);
        var (provider, model) = (reservation.Provider, reservation.RequestedModel);
        return result.Outcome switch
        {
            ReserveOutcome.Cached => (Known(result.Reply), null, false),
            ReserveOutcome.BeingAnswered => (null, ForReply(), false),
            ReserveOutcome.Unpriced => (new LlmOutcome { Error = BudgetErrors.Unpriced(result.Budget!, provider, model) }, null, false),
            // What is in flight in this job is in flight in this process, and frees what it does not need when it ends.
            ReserveOutcome.Blocked => (null, ForBudget(result, reservation, AskAgainAfter), !result.Budget!.IsDaily),
            ReserveOutcome.OverBudget when request.PausesOnBudget && result.BudgetRaises is not null => (new LlmOutcome { Wait = ForBudget(result, reservation, null) }, null, false),
            ReserveOutcome.OverBudget => (new LlmOutcome { Error = BudgetErrors.Exceeded(result.Budget!, reservation.ReservedUsd ?? 0, provider, model, request.PausesOnBudget) }, null, false),
            _ => throw new LeaseLostException(reservation.Fence),
        };
    }

    private static LlmOutcome Known(JsonElement reply) => new() { Reply = reply.Deserialize(LlmJson.Default.LlmReply), IsCached = true };

    private CallWait ForReply() => new(WaitReason.Reply, time.GetUtcNow() + AskAgainAfter, "Another call is about to answer the same question.");

    private static CallWait ForGate(GateKey key, GateWait wait) => new(
        WaitReason.Provider,
        wait.Until,
        wait.Reason switch
        {
            GateWaitReason.Paused => $"{key.Provider} asked to wait with calls of {key.Model}.",
            GateWaitReason.Paced => $"The rate limit of {key.Provider} for {key.Model} gives this call a later place.",
            _ => $"As many calls of {key.Model} at {key.Provider} as allowed are in flight.",
        })
    {
        IsPause = wait.Reason is GateWaitReason.Paused,
    };

    private CallWait ForBudget(ReserveResult result, CallReservation reservation, TimeSpan? again)
    {
        var now = time.GetUtcNow();
        var budget = result.Budget!;
        DateTimeOffset midnight = new(now.UtcDateTime.Date.AddDays(1), TimeSpan.Zero);
        var lookAgain = now + LookAtDayAgainAfter;
        return new(
            WaitReason.Budget,
            again is { } soon ? now + soon : budget.IsDaily ? (midnight < lookAgain ? midnight : lookAgain) : null,
            BudgetErrors.Sentence(budget, reservation.ReservedUsd ?? 0, reservation.RequestedModel))
        {
            BudgetRaises = budget.IsDaily ? null : result.BudgetRaises,
        };
    }
}
