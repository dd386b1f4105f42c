using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Engine.Steps;

/// <summary>What the calls of an <c>llm</c> step come to. A call whose fate is unknown has no tokens and no cost to add; the ledger shows it as possibly billed.</summary>
internal static class LlmStepCosts
{
    /// <summary>For the checkpoint; null when there was no call.</summary>
    public static StepUsage? Usage(IReadOnlyList<LedgerCall> calls) => calls.Count == 0 ? null : new StepUsage
    {
        InputTokens = Ended(calls).Sum(call => call.Usage.InputTokens),
        OutputTokens = Ended(calls).Sum(call => call.Usage.OutputTokens),
        CostUsd = CostOf(calls),
        Calls = calls.Count,
    };

    /// <summary>For the output.</summary>
    public static LlmStepTokens Tokens(IReadOnlyList<LedgerCall> calls)
    {
        var usages = Ended(calls).Select(call => call.Usage).ToList();
        return new LlmStepTokens(
            usages.Sum(usage => usage.InputTokens), usages.Sum(usage => usage.OutputTokens), usages.Sum(usage => usage.TotalTokens),
            usages.Sum(usage => usage.CacheReadTokens), usages.Sum(usage => usage.CacheWriteTokens + usage.CacheWrite1hTokens),
            usages.Sum(usage => usage.ReasoningTokens), usages.Exists(usage => usage.Estimated));
    }

    /// <summary>USD; null when a call has no price.</summary>
    public static decimal? CostOf(IReadOnlyList<LedgerCall> calls)
    {
        var ended = Ended(calls).ToList();
        // Without the trailing zeros of numeric(20,12), so that the output is the same after a resume.
        return ended.TrueForAll(call => call.CostUsd is not null) ? Usd.WithoutTrailingZeros(ended.Sum(call => call.CostUsd!.Value)) : null;
    }

    private static IEnumerable<LedgerCall> Ended(IReadOnlyList<LedgerCall> calls) => calls.Where(call => call.State is CallState.Settled or CallState.Aborted);
}
