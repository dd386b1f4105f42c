using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Execution;

/// <summary>When a failed step is tried again. Pure arithmetic.</summary>
internal static class StepRetry
{
    /// <summary>The delay before the next attempt; null: there is none.</summary>
    /// <param name="policy">The step's policy; null: one attempt.</param>
    /// <param name="error">Why the attempt failed.</param>
    /// <param name="attempt">The attempt that failed, 1 for the first.</param>
    /// <param name="draw">A random number in [0, 1).</param>
    public static TimeSpan? Delay(RetryPolicy? policy, WorkflowError error, int attempt, double draw)
    {
        if (policy is null || !error.Retryable || attempt >= policy.MaxAttempts)
        {
            return null;
        }

        var backoff = Math.Min(policy.InitialDelaySeconds * Math.Pow(policy.BackoffMultiplier, attempt - 1), policy.MaxDelaySeconds);
        if (policy.Jitter)
        {
            backoff = (backoff / 2) + (backoff / 2 * draw);
        }

        // An upstream that says when to come back is believed, also beyond the longest delay.
        return TimeSpan.FromSeconds(Math.Max(backoff, error.RetryAfter ?? 0));
    }
}
