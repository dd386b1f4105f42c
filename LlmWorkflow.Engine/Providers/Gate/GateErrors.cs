using System.Globalization;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>What the gate says, in words.</summary>
internal static class GateErrors
{
    /// <summary>The circuit breaker is open.</summary>
    /// <param name="key">Of the call.</param>
    /// <param name="rest">Milliseconds until the next probe.</param>
    public static WorkflowError Open(GateKey key, long rest)
    {
        var seconds = Math.Max(0.1, Math.Ceiling(rest / 100.0) / 10);
        return new()
        {
            Type = ErrorTypes.CircuitOpen,
            Category = ErrorCategory.External,
            Message = string.Create(CultureInfo.InvariantCulture, $"Calls of '{Redactor.Text(key.Provider)}' failed again and again; it is not called for another {seconds:0.#} s."),
            Retryable = true,
            RetryAfter = seconds,
            Details = new ErrorDetails
            {
                Service = Redactor.Text(key.Provider),
                Operation = Redactor.Text(key.Model),
                Suggestions = ["Look at the provider's status page.", "Give the step 'fallbacks' of another provider."],
            },
        };
    }

    /// <summary>Name of a reason in metrics.</summary>
    public static string Name(GateWaitReason reason) => reason switch
    {
        GateWaitReason.Paced => "paced",
        GateWaitReason.Paused => "paused",
        _ => "concurrency",
    };

    /// <summary>Name of a pause's cause in metrics.</summary>
    public static string Name(GateOutcome? cause) => cause == GateOutcome.Overloaded ? "overloaded" : "rate_limited";
}
