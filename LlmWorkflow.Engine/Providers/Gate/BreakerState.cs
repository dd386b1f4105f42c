using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>
/// The circuit breaker of a provider and credential: failures in a row open it; when it has been open for a while one call is tried, which closes it or opens it
/// for longer. A value: changes give the next one. Times are milliseconds of Unix time.
/// </summary>
internal sealed record BreakerState
{
    private const int FailuresToOpen = 5;
    private const long WithinMs = 60_000;
    private const long OpenMs = 15_000;
    private const long LongestOpenMs = 300_000;

    // A probe that does not come back holds up the next one for so long.
    private const long ProbeMs = 30_000;

    /// <summary>No failures.</summary>
    public static BreakerState Closed { get; } = new();

    /// <summary>When calls failed, without an answer since.</summary>
    [JsonPropertyName("failures")]
    public IReadOnlyList<long> Failures { get; init; } = [];

    /// <summary>How often it was opened without being closed.</summary>
    [JsonPropertyName("opened")]
    public int Opened { get; init; }

    /// <summary>Until when no call is let through; null: closed.</summary>
    [JsonPropertyName("open_until")]
    public long? OpenUntil { get; init; }

    /// <summary>Until when the probe's answer is awaited.</summary>
    [JsonPropertyName("probe_until")]
    public long? ProbeUntil { get; init; }

    /// <summary>When it was last closed: calls that had started before say nothing about the time since.</summary>
    [JsonPropertyName("closed_at")]
    public long? ClosedAt { get; init; }

    /// <summary>Whether it keeps calls back now or awaits a probe's answer.</summary>
    [JsonIgnore]
    public bool IsOpen => OpenUntil is not null;

    /// <summary>Milliseconds until a call may be let through; 0: now.</summary>
    public long Rest(long now) => OpenUntil is not { } end ? 0 : now < end ? end - now : ProbeUntil is { } probe && now < probe ? probe - now : 0;

    /// <summary>A call was let through.</summary>
    public BreakerState Enter(long now) => IsOpen ? this with { ProbeUntil = now + ProbeMs } : this;

    /// <summary>A call has ended.</summary>
    public BreakerState Leave(long now, long entered, GateOutcome outcome) =>
        OpenUntil is { } end ? entered < end ? this : AfterProbe(now, outcome)
        : outcome switch
        {
            GateOutcome.Abandoned or GateOutcome.NotSent => this,
            GateOutcome.Failed => entered < ClosedAt ? this : Count(now),
            _ => Failures.Count == 0 ? this : this with { Failures = [] },
        };

    private BreakerState AfterProbe(long now, GateOutcome outcome) => outcome switch
    {
        GateOutcome.Abandoned or GateOutcome.NotSent => this with { ProbeUntil = null },
        GateOutcome.Failed => Open(now),
        _ => new() { ClosedAt = now },
    };

    private BreakerState Count(long now)
    {
        long[] failures = [.. Failures.Where(at => at > now - WithinMs), now];
        return failures.Length >= FailuresToOpen ? Open(now) : this with { Failures = failures };
    }

    private BreakerState Open(long now) =>
        new() { Opened = Opened + 1, OpenUntil = now + Math.Min(LongestOpenMs, OpenMs << Math.Min(Opened, 5)), ClosedAt = ClosedAt };
}
