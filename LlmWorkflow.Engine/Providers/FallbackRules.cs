using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Providers;

/// <summary>When the next model is asked, and what is told when none answered.</summary>
internal static class FallbackRules
{
    /// <summary>
    /// Whether another model may answer where this one failed: after every retryable error, and after those that concern this provider or model alone: its
    /// key, its credit, a model it does not know, a prompt longer than the model takes. Not after a request that is wrong in itself, nor after a refusal of
    /// the content, which is not to be carried to the next provider.
    /// </summary>
    public static bool AnotherMayAnswer(WorkflowError error) =>
        error.Retryable
        || error.Type is ErrorTypes.AuthenticationFailed or ErrorTypes.MissingSetting or ErrorTypes.QuotaExceeded or ErrorTypes.ContextTooLong
        || error is { Type: ErrorTypes.UpstreamBadRequest, Category: ErrorCategory.Config };

    /// <summary>
    /// Whether the next model is asked where this one has to wait: when its provider is paused, as after the refusal that paused it. Not for a place in the pace
    /// of a rate limit, nor where another call is about to answer.
    /// </summary>
    public static bool IsWorthAFallback(CallWait wait) => wait is { Reason: WaitReason.Provider, IsPause: true };

    /// <summary>The error of models that failed one after the other: the first that a retry may heal, else the first; and how the others failed.</summary>
    /// <param name="errors">At least one, in the order of the calls.</param>
    public static WorkflowError NoneAnswered(IReadOnlyList<WorkflowError> errors)
    {
        var told = errors.FirstOrDefault(error => error.Retryable) ?? errors[0];
        if (errors.Count == 1)
        {
            return told;
        }

        var others = errors.Where(error => !ReferenceEquals(error, told)).Select(error => $"{error.Details?.Service} {error.Details?.Operation}".Trim() + $" ({error.Type})");
        return told with
        {
            Message = $"{told.Message} No other model answered either: {string.Join(", ", others)}.",
            // One that may be asked at once makes waiting for another needless.
            RetryAfter = errors.Where(error => error.Retryable).Select(error => error.RetryAfter).DefaultIfEmpty().Min(seconds => seconds ?? 0) is > 0 and var wait ? wait : null,
        };
    }
}
