namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>What a limit of a provider counts.</summary>
internal enum RateDimension
{
    Requests,
    Tokens,
    InputTokens,
    OutputTokens,
}

/// <summary>The state of one limit, as the headers of an answer tell it.</summary>
/// <param name="Dimension">What it counts.</param>
/// <param name="Limit">Most in a full window; null: not told.</param>
/// <param name="Remaining">What is left now.</param>
/// <param name="Reset">Time until the whole limit is available again; null: not told.</param>
internal sealed record RateLimitWindow(RateDimension Dimension, long? Limit, long Remaining, TimeSpan? Reset);
