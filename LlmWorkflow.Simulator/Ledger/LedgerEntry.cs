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

    /// <summary>An error was sent: instead of the reply (<c>status</c> says which, nothing is billed), or in its midst.</summary>
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

    /// <summary>The whole prompt, whatever was cached of it.</summary>
    public int InputTokens => Tokens.TotalInput;

    public int OutputTokens => Tokens.Output;

    /// <summary>All that the caller owes for the call. Under BYOK: the router's fee and what the provider charges to the caller's own key.</summary>
    public decimal Usd { get; init; }

    public required CallOutcome Outcome { get; init; }

    /// <summary>HTTP status of the answer; null when the client left before there was one.</summary>
    public int? Status { get; init; }

    /// <summary><c>openrouter</c>, <c>openai</c>, <c>anthropic</c>, <c>google_places</c>, <c>weatherapi</c>, <c>http_example</c>.</summary>
    public string? Provider { get; init; }

    /// <summary>Fingerprint of the key; null: none was sent.</summary>
    public string? Key { get; init; }

    /// <summary>The model that answered, whose price is charged.</summary>
    public string? AnsweringModel { get; init; }

    public TokenUsage Tokens { get; init; } = TokenUsage.None;

    public string? ServiceTier { get; init; }

    public bool Streamed { get; init; }

    public string? FinishReason { get; init; }

    /// <summary>When the first byte of the body was sent; null: none was.</summary>
    public DateTimeOffset? FirstByteAt { get; init; }

    /// <summary>When the last one that the client can have read was sent.</summary>
    public DateTimeOffset? LastByteAt { get; init; }

    /// <summary>From arrival to the end.</summary>
    [JsonIgnore]
    public TimeSpan Duration { get; init; }

    /// <summary>The caller's own key at the provider paid for it.</summary>
    [JsonIgnore]
    public bool Byok { get; init; }

    /// <summary>Until then the call is not to be looked up.</summary>
    [JsonIgnore]
    public DateTimeOffset HiddenUntil { get; init; }
}

/// <summary>The answer of <c>GET /_control/ledger</c>.</summary>
/// <param name="Calls">Calls in the order in which they ended.</param>
/// <param name="Dropped">How many older calls no longer fit in; left out when none.</param>
internal sealed record LedgerView(
    IReadOnlyList<LedgerEntry> Calls,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long Dropped);
