using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>What is limited together: providers limit a credential's calls of a model.</summary>
/// <param name="Provider">Provider name.</param>
/// <param name="Credential">Fingerprint of the key; empty when there is none.</param>
/// <param name="Model">Model in the provider's spelling.</param>
internal sealed record GateKey(string Provider, string Credential, string Model);

/// <summary>Asks to start a call.</summary>
/// <param name="Ticket">Names the call over parking and resuming (job and step path), so that a place in the queue is kept for it.</param>
/// <param name="InputTokens">Estimate.</param>
/// <param name="OutputTokens">Most that may be answered.</param>
internal sealed record GateAsk(string Ticket, long InputTokens, long OutputTokens);

/// <summary>Why a call has to wait.</summary>
internal enum GateWaitReason
{
    /// <summary>Its place in the pace of a known rate limit is later.</summary>
    Paced,

    /// <summary>The provider said 429 or that it is overloaded.</summary>
    Paused,

    /// <summary>As many calls as allowed are in flight.</summary>
    Concurrency,
}

/// <summary>The gate's answer: exactly one of the three is set.</summary>
/// <param name="Pass">The call may start; must be given back by <c>LeaveAsync</c>.</param>
/// <param name="Wait">It must wait.</param>
/// <param name="Refusal">The circuit breaker of the provider is open: a retryable error with the time until the next probe.</param>
internal readonly record struct GateAnswer(GatePass? Pass, GateWait? Wait, WorkflowError? Refusal);

/// <summary>A call in flight.</summary>
internal sealed record GatePass(GateKey Key, Guid Id);

/// <summary>When to ask again.</summary>
/// <param name="Until">By this process's clock.</param>
/// <param name="Reason">Why.</param>
internal sealed record GateWait(DateTimeOffset Until, GateWaitReason Reason);

/// <summary>How a call in flight ended, as far as the gate is concerned.</summary>
internal enum GateOutcome
{
    /// <summary>Answered, or refused for a reason that says nothing about the provider's state.</summary>
    Answered,

    /// <summary>429 that passes by waiting.</summary>
    RateLimited,

    /// <summary>503, 529: no capacity.</summary>
    Overloaded,

    /// <summary>Server error, network, timeout.</summary>
    Failed,

    /// <summary>Cancelled by us: says nothing.</summary>
    Abandoned,

    /// <summary>It was not made after all: its place in the pace is free again.</summary>
    NotSent,
}

/// <summary>What was learned from a call.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="RetryAfter">What the provider asked for.</param>
/// <param name="Windows">Its limits, by the headers; empty when it told none.</param>
internal sealed record GateReport(GateOutcome Outcome, TimeSpan? RetryAfter, IReadOnlyList<RateLimitWindow> Windows)
{
    /// <summary>The call was not made.</summary>
    public static GateReport NotSent { get; } = new(GateOutcome.NotSent, null, []);
}

/// <summary>
/// Lets calls through to a provider's model. Two implementations: one for the fleet, over Redis (and alone, by the fleet's share, while Redis is away); one for a
/// run without servers.
/// </summary>
internal interface IProviderGate
{
    /// <summary>Asks to start a call. Never blocks for long: a wait is an answer.</summary>
    Task<GateAnswer> EnterAsync(GateKey key, GateAsk ask, CancellationToken cancellationToken);

    /// <summary>The provider has begun to answer: tells the fleet its limits while the rest of a stream is still to come.</summary>
    Task HearAsync(GatePass pass, IReadOnlyList<RateLimitWindow> windows);

    /// <summary>Ends a call and tells the fleet what was learned.</summary>
    Task LeaveAsync(GatePass pass, GateReport report);
}
