using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>What a usage report is to cover. What is null is left to the service.</summary>
public sealed record UsageRequest
{
    /// <summary>Some of <c>day</c>, <c>model</c>, <c>provider</c>, <c>workflow</c>, <c>user</c>, <c>purpose</c>. Default: by day.</summary>
    public IReadOnlyList<string>? GroupBy { get; init; }

    /// <summary>First instant. Default: 30 days before <see cref="To"/>.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>First instant that no longer belongs to it. Default: now.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Only this user's calls.</summary>
    public Guid? UserId { get; init; }

    /// <summary>Only calls of this workflow.</summary>
    public string? WorkflowName { get; init; }
}

/// <summary>What calls of models used and cost.</summary>
public sealed record UsageResponse
{
    /// <summary>First instant.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>First instant that no longer belongs to it.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>What it is grouped by.</summary>
    public required IReadOnlyList<string> GroupBy { get; init; }

    /// <summary>In the order of their keys.</summary>
    public required IReadOnlyList<UsageGroup> Groups { get; init; }

    /// <summary>Of all calls.</summary>
    public required UsageFigures Totals { get; init; }

    /// <summary>Calls whose computed cost differs from the reported one by more than 1 %.</summary>
    public required UsageDrift Drift { get; init; }

    /// <summary>There are more groups than shown; the totals count them too.</summary>
    public bool Truncated { get; init; }
}

/// <summary>One group. A key that was not asked for is missing; so is the user of jobs without one.</summary>
public sealed record UsageGroup : UsageFigures
{
    /// <summary>UTC day on which the calls began, <c>2026-11-21</c>.</summary>
    public string? Day { get; init; }

    /// <summary>The model that answered, or the one asked for while nobody answered.</summary>
    public string? Model { get; init; }

    /// <summary>Provider.</summary>
    public string? Provider { get; init; }

    /// <summary>Name of the workflow.</summary>
    public string? Workflow { get; init; }

    /// <summary>Id of the user.</summary>
    public string? User { get; init; }

    /// <summary><c>useful</c>, <c>retry</c>, <c>repair</c>, <c>fallback</c> or <c>cancelled</c>.</summary>
    public string? Purpose { get; init; }
}

/// <summary>What calls used and cost.</summary>
public record UsageFigures
{
    /// <summary>All calls, those under way too.</summary>
    public long Calls { get; init; }

    /// <summary>Calls that failed or were cancelled.</summary>
    public long FailedCalls { get; init; }

    /// <summary>Calls whose fate is not known.</summary>
    public long PossiblyBilledCalls { get; init; }

    /// <summary>Calls that ended and have no price.</summary>
    public long UnpricedCalls { get; init; }

    /// <summary>Tokens by kind.</summary>
    public required UsageTokens Tokens { get; init; }

    /// <summary>What counts, in USD: reported, else computed. Without the unpriced calls.</summary>
    public decimal CostUsd { get; init; }

    /// <summary>USD as providers reported.</summary>
    public decimal ReportedUsd { get; init; }

    /// <summary>USD by the price book, also of calls with a reported cost.</summary>
    public decimal ComputedUsd { get; init; }

    /// <summary>USD as expected before the calls.</summary>
    public decimal EstimatedUsd { get; init; }

    /// <summary>Where <see cref="CostUsd"/> comes from.</summary>
    public required UsageCostBySource CostBySource { get; init; }

    /// <summary>USD reserved for calls under way, and for those whose fate is not known.</summary>
    public decimal ReservedOpenUsd { get; init; }
}

/// <summary>Tokens by kind; cached ones are part of input, reasoning is part of output.</summary>
public sealed record UsageTokens
{
    /// <summary>All input.</summary>
    public long Input { get; init; }

    /// <summary>All output.</summary>
    public long Output { get; init; }

    /// <summary>Read from a cache.</summary>
    public long CacheRead { get; init; }

    /// <summary>Written to a cache for five minutes, or for as long as the provider's only kind of write lasts.</summary>
    [JsonPropertyName("cache_write_5m")]
    public long CacheWrite5m { get; init; }

    /// <summary>Written to a cache for an hour.</summary>
    [JsonPropertyName("cache_write_1h")]
    public long CacheWrite1h { get; init; }

    /// <summary>Reasoning.</summary>
    public long Reasoning { get; init; }

    /// <summary>Input and output.</summary>
    public long Total { get; init; }
}

/// <summary>USD by where the figure comes from.</summary>
public sealed record UsageCostBySource
{
    /// <summary>From the provider.</summary>
    public decimal Reported { get; init; }

    /// <summary>From the price book and the provider's count of tokens.</summary>
    public decimal Computed { get; init; }

    /// <summary>From the price book and an estimate of the tokens.</summary>
    public decimal Estimated { get; init; }
}

/// <summary>Calls whose computed cost differs from the reported one by more than 1 %.</summary>
public sealed record UsageDrift
{
    /// <summary>How many.</summary>
    public long Calls { get; init; }

    /// <summary>Their computed cost in USD.</summary>
    public decimal ComputedUsd { get; init; }

    /// <summary>Their reported cost in USD.</summary>
    public decimal ReportedUsd { get; init; }
}

/// <summary>The calls behind <see cref="UsageDrift"/>.</summary>
public sealed record DriftResponse
{
    /// <summary>Newest first.</summary>
    public required IReadOnlyList<DriftingCall> Calls { get; init; }
}

/// <summary>A call whose computed cost differs from the reported one by more than 1 %.</summary>
public sealed record DriftingCall
{
    /// <summary>The call.</summary>
    public required Guid CallId { get; init; }

    /// <summary>Its job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>Its workflow.</summary>
    public required string Workflow { get; init; }

    /// <summary>The step's place in the run.</summary>
    public required string StepPath { get; init; }

    /// <summary>Provider.</summary>
    public required string Provider { get; init; }

    /// <summary>The model that answered.</summary>
    public required string Model { get; init; }

    /// <summary>When the call began.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Tokens by kind.</summary>
    public required UsageTokens Tokens { get; init; }

    /// <summary>What changed the price, for example <c>service_tier:priority</c>.</summary>
    public required IReadOnlyList<string> Terms { get; init; }

    /// <summary>USD by the price book.</summary>
    public decimal ComputedUsd { get; init; }

    /// <summary>USD as reported.</summary>
    public decimal ReportedUsd { get; init; }

    /// <summary>The computed cost above (positive) or below (negative) the reported one, as a part of the reported one; 1 when nothing was charged.</summary>
    public decimal Drift { get; init; }
}
