using System.Text.Json.Serialization;

namespace LlmWorkflow.Simulator.Ledger;

/// <summary>How an upstream call ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CallOutcome>))]
internal enum CallOutcome
{
    /// <summary>The last byte of the reply was written.</summary>
    [JsonStringEnumMemberName("completed")]
    Completed,

    /// <summary>The client went away, or the simulator cut the connection; what was produced until then is billed.</summary>
    [JsonStringEnumMemberName("aborted")]
    Aborted,

    /// <summary>An error was sent.</summary>
    [JsonStringEnumMemberName("error")]
    Error,
}

/// <summary>One upstream call as received and answered. Immutable: a call that turns out otherwise replaces its entry.</summary>
internal sealed record LedgerEntry
{
    public required string Id { get; init; }

    /// <summary>When the request arrived.</summary>
    public required DateTimeOffset At { get; init; }

    public required string Path { get; init; }

    /// <summary>The model as requested; null for upstreams without models, and where the request named none.</summary>
    public string? Model { get; init; }

    public PromptHash PromptSha256 { get; init; }

    public int InputTokens { get; init; }

    public int OutputTokens { get; init; }

    public decimal Usd { get; init; }

    public required CallOutcome Outcome { get; init; }

    [JsonIgnore]
    public bool Streamed { get; init; }

    [JsonIgnore]
    public string? FinishReason { get; init; }

    /// <summary>From arrival to the end.</summary>
    [JsonIgnore]
    public TimeSpan Duration { get; init; }
}

/// <summary>The answer of <c>GET /_control/ledger</c>.</summary>
/// <param name="Calls">Calls in the order in which they ended.</param>
/// <param name="Dropped">How many older calls no longer fit in; left out when none.</param>
internal sealed record LedgerView(
    IReadOnlyList<LedgerEntry> Calls,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long Dropped);
