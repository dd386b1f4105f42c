using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Costs;

/// <summary>What a usage report is to cover.</summary>
public sealed record UsageQuery
{
    /// <summary>First instant.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>First instant that no longer belongs to it.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Some of <see cref="UsageReports.Groupings"/>, at least one.</summary>
    public IReadOnlyList<string> GroupBy { get; init; } = ["day"];

    /// <summary>Only this user's calls; null: everybody's.</summary>
    public Guid? UserId { get; init; }

    /// <summary>Only calls of this workflow; null: of all.</summary>
    public string? WorkflowName { get; init; }
}

/// <summary>A usage report.</summary>
/// <param name="From">First instant.</param>
/// <param name="To">First instant that no longer belongs to it.</param>
/// <param name="GroupBy">What it is grouped by.</param>
/// <param name="Groups">In the order of their keys.</param>
/// <param name="Totals">Of all calls, those too whose groups were left out.</param>
/// <param name="Drift">Of all calls.</param>
/// <param name="Truncated">There are more groups.</param>
public sealed record UsageSummary(
    DateTimeOffset From, DateTimeOffset To, IReadOnlyList<string> GroupBy, IReadOnlyList<UsageGroup> Groups, UsageFigures Totals, DriftFigures Drift, bool Truncated);

/// <summary>One group of a usage report. A key that was not asked for is null; so is the user of jobs without one.</summary>
public sealed record UsageGroup : UsageFigures
{
    /// <summary>A group that used nothing.</summary>
    public UsageGroup()
    {
    }

    internal UsageGroup(UsageFigures figures)
        : base(figures)
    {
    }

    /// <summary>UTC day, <c>2026-11-21</c>.</summary>
    public string? Day { get; init; }

    /// <summary>The model that answered, or the one asked for while nobody answered.</summary>
    public string? Model { get; init; }

    /// <summary>Provider.</summary>
    public string? Provider { get; init; }

    /// <summary>Name of the workflow.</summary>
    public string? Workflow { get; init; }

    /// <summary>Id of the user.</summary>
    public string? User { get; init; }

    /// <summary>Why the calls were made.</summary>
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
    public TokenCounts Tokens { get; init; } = new();

    /// <summary>What counts, in USD: reported, else computed. Without the unpriced calls.</summary>
    public decimal CostUsd { get; init; }

    /// <summary>USD as providers reported.</summary>
    public decimal ReportedUsd { get; init; }

    /// <summary>USD by the price book, also of calls with a reported cost.</summary>
    public decimal ComputedUsd { get; init; }

    /// <summary>USD as expected before the calls.</summary>
    public decimal EstimatedUsd { get; init; }

    /// <summary>Where <see cref="CostUsd"/> comes from.</summary>
    public CostBySource CostBySource { get; init; } = new(0, 0, 0);

    /// <summary>USD reserved for calls under way, and for those whose fate is not known.</summary>
    public decimal ReservedOpenUsd { get; init; }
}

/// <summary>Tokens by kind; cached ones are part of input, reasoning is part of output.</summary>
public sealed record TokenCounts
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
    public long Total => Input + Output;

    /// <summary>Those of one call.</summary>
    public static TokenCounts Of(TokenUsage usage) => new()
    {
        Input = usage.InputTokens, Output = usage.OutputTokens, CacheRead = usage.CacheReadTokens, CacheWrite5m = usage.CacheWriteTokens,
        CacheWrite1h = usage.CacheWrite1hTokens, Reasoning = usage.ReasoningTokens,
    };
}

/// <summary>USD by where the figure comes from.</summary>
/// <param name="Reported">From the provider.</param>
/// <param name="Computed">From the price book and the provider's count of tokens.</param>
/// <param name="Estimated">From the price book and an estimate of the tokens.</param>
public sealed record CostBySource(decimal Reported, decimal Computed, decimal Estimated);

/// <summary>Calls whose computed cost differs from the reported one by more than 1 %.</summary>
/// <param name="Calls">How many.</param>
/// <param name="ComputedUsd">Their computed cost.</param>
/// <param name="ReportedUsd">Their reported cost.</param>
public sealed record DriftFigures(long Calls, decimal ComputedUsd, decimal ReportedUsd);

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
    public required TokenCounts Tokens { get; init; }

    /// <summary>What changed the price.</summary>
    public IReadOnlyList<string> Terms { get; init; } = [];

    /// <summary>USD by the price book.</summary>
    public required decimal ComputedUsd { get; init; }

    /// <summary>USD as reported.</summary>
    public required decimal ReportedUsd { get; init; }

    /// <summary>See <see cref="CostDrift.Of"/>, to six digits.</summary>
    public required decimal Drift { get; init; }
}

/// <summary>The calls that drift.</summary>
/// <param name="Calls">Newest first.</param>
public sealed record DriftList(IReadOnlyList<DriftingCall> Calls);

/// <summary>Reports as JSON: the form of the API's contracts, and of <c>llmflow usage --json</c>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(UsageSummary))]
[JsonSerializable(typeof(DriftList))]
public sealed partial class UsageJson : JsonSerializerContext;
