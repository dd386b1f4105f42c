using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Providers;

/// <summary>A provider and one of its models.</summary>
internal sealed record LlmTarget(string Provider, string Model);

/// <summary>What a step wants to know.</summary>
internal sealed record LlmQuestion
{
    /// <summary>The first call; its prompt names the step's own model.</summary>
    public required LlmRequest Request { get; init; }

    /// <summary>What makes a reply usable.</summary>
    public required ReplyCheck Check { get; init; }

    /// <summary>Asked in order when the model before failed.</summary>
    public IReadOnlyList<LlmTarget> Fallbacks { get; init; } = [];

    /// <summary>Most repairs of one reply.</summary>
    public int RepairAttempts { get; init; }

    /// <summary>Null: the model that gave the reply repairs it.</summary>
    public LlmTarget? RepairBy { get; init; }
}

/// <summary>How an attempt ended.</summary>
/// <param name="Reply">The reply that can be used; null when there is none.</param>
/// <param name="Json">Its JSON; Undefined when text was asked for.</param>
/// <param name="Error">Null when there is one, or when it has to wait.</param>
internal sealed record LlmAnswer(LlmReply? Reply, System.Text.Json.JsonElement Json, WorkflowError? Error)
{
    /// <summary>What a call has to wait for; null: for nothing.</summary>
    public CallWait? Wait { get; init; }

    /// <summary>The reply was bought by another job.</summary>
    public bool IsCached { get; init; }
}

/// <summary>
/// The calls of one attempt of a step:
/// <list type="number">
/// <item>the model is asked, and when it fails the fallbacks, in order;</item>
/// <item>the reply is read, and mended where that is certain;</item>
/// <item>a reply that cannot be used is shown to a model with what is wrong with it, up to <see cref="LlmQuestion.RepairAttempts"/> times;</item>
/// <item>where all of this was bought before and gave nothing usable, it is begun anew, once.</item>
/// </list>
/// Replies that the ledger has for the same requests are used again in the order in which they were bought, so an exchange that was broken off goes on where it
/// stood. Each call has an ordinal and a purpose of its own.
/// </summary>
internal sealed class LlmExchange(LlmCaller caller, LlmQuestion question)
{
    private readonly List<LedgerCall> _calls = [.. question.Request.EarlierCalls];
    private readonly List<LlmReply> _replies = [];
    private int _reuseFrom = question.Request.ReuseFrom;
    private int _made;

    /// <summary>All calls of the step, earlier ones first.</summary>
    public IReadOnlyList<LedgerCall> Calls => _calls;

    /// <summary>The replies in order; those before the last could not be used.</summary>
    public IReadOnlyList<LlmReply> Replies => _replies;

    /// <summary>Makes the calls. Failures are values.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; what the calls cost until then is in the ledger.</exception>
    /// <exception cref="LeaseLostException">The job is another worker's now.</exception>
    public async Task<LlmAnswer> RunAsync(CancellationToken cancellationToken)
    {
        var answer = await TryAsync(cancellationToken);
        if (answer.Error is not { Type: ErrorTypes.InvalidOutput } || _made > 0)
        {
            return answer;
        }

        // 4. An earlier attempt ended so. The same replies would end this one too, and any later one.
        _replies.Clear();
        _reuseFrom = _calls.Max(call => call.Key.Ordinal) + 1;
        return await TryAsync(cancellationToken);
    }

    private async Task<LlmAnswer> TryAsync(CancellationToken cancellationToken)
    {
        // 1. Ask.
        var prompt = question.Request.Prompt;
        LlmTarget[] targets = [new(prompt.Provider, prompt.Model), .. question.Fallbacks];
        var (outcome, asked) = await AskAsync(prompt, targets, null, cancellationToken);
        for (var repairs = 0; ; repairs++)
        {
            if (outcome.Reply is not { } reply)
            {
                return new LlmAnswer(null, default, outcome.Error) { Wait = outcome.Wait };
            }

            // 2. Read.
            _replies.Add(reply);
            var read = question.Check.Check(reply);
            if (read.Issues.Count == 0)
            {
                return new LlmAnswer(reply, read.Json, null) { IsCached = outcome.IsCached };
            }

            if (repairs == question.RepairAttempts)
            {
                return new LlmAnswer(null, default, ProviderErrors.InvalidOutput(asked.Provider, asked.Model, read.Issues, repairs, reply.FinishReason));
            }

            // 3. Repair.
            LlmTarget[] repairers = question.RepairBy is { } own ? [own, .. question.Fallbacks] : [.. targets.SkipWhile(target => target != asked)];
            (outcome, asked) = await AskAsync(RepairPrompt.Of(prompt, reply.Content, read.Issues), repairers, CallPurpose.Repair, cancellationToken);
        }
    }

    /// <summary>Asks one model after the other until one answers; nobody when one of them was paid for its answer before.</summary>
    private async Task<(LlmOutcome Outcome, LlmTarget Asked)> AskAsync(
        LlmPrompt prompt, LlmTarget[] targets, CallPurpose? purpose, CancellationToken cancellationToken)
    {
        var prompts = Array.ConvertAll(targets, target => prompt with { Provider = target.Provider, Model = target.Model });
        var hashes = Array.ConvertAll(prompts, one => one.Hash());
        var request = question.Request with { ReuseFrom = _reuseFrom };
        var paid = LlmCaller.FindPaid(request, hashes).ToList();
        if (paid.Count > 0)
        {
            // Of first calls the newest counts: it was made because those before it had led to nothing. Repairs follow it in order, and may be alike.
            var found = purpose == CallPurpose.Repair ? paid[0] : paid[^1];
            _reuseFrom = found.Call!.Key.Ordinal + 1;
            return (found, targets[Array.IndexOf(hashes, found.Call.RequestHash)]);
        }

        List<WorkflowError> errors = [];
        List<CallWait> waits = [];
        for (var i = 0; ; i++)
        {
            var outcome = await caller.CallAsync(
                request with { Prompt = prompts[i], EarlierCalls = _calls, Purpose = i == 0 ? purpose : CallPurpose.Fallback }, cancellationToken);
            if (outcome.Call is { } call)
            {
                _calls.Add(call);
                _made++;
            }

            if (outcome.Reply is not null)
            {
                _reuseFrom = outcome.Call?.Key.Ordinal + 1 ?? _reuseFrom;
                return (outcome, targets[i]);
            }

            if (outcome.Wait is { } wait)
            {
                waits.Add(wait);
            }

            if (outcome.Error is { } error)
            {
                errors.Add(error);
            }

            var isLast = i == prompts.Length - 1;
            if (isLast || (outcome.Error is { } last ? !FallbackRules.AnotherMayAnswer(last) : !FallbackRules.IsWorthAFallback(outcome.Wait!)))
            {
                // A call that only has to wait is no failure: whoever has waited asks all of them again.
                return (waits.Count > 0 && (isLast || outcome.Error is null)
                    ? new LlmOutcome { Wait = waits.MinBy(one => one.Until ?? DateTimeOffset.MaxValue) }
                    : new LlmOutcome { Error = FallbackRules.NoneAnswered(errors) }, targets[i]);
            }
        }
    }
}
