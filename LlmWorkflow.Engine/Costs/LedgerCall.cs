using System.Text.Json;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Costs;

/// <summary>State of a provider call in the ledger (<c>llm_provider_usage.state</c>).</summary>
public enum CallState
{
    /// <summary>The row is written, the provider is being asked.</summary>
    Reserved,

    /// <summary>The last byte is in; reply and usage are stored.</summary>
    Settled,

    /// <summary>It failed or was cancelled; what it cost until then is stored.</summary>
    Aborted,

    /// <summary>Its worker died in mid-call: nobody knows whether it was billed.</summary>
    PossiblyBilled,
}

/// <summary>Why a call was made (<c>llm_provider_usage.purpose</c>), so that waste can be reported.</summary>
public enum CallPurpose
{
    /// <summary>The first try.</summary>
    Useful,

    /// <summary>A further try after a failure.</summary>
    Retry,

    /// <summary>A try to mend output that breaks its schema.</summary>
    Repair,

    /// <summary>Another model after the first one failed.</summary>
    Fallback,

    /// <summary>Cancelled in mid-call.</summary>
    Cancelled,
}

/// <summary>Where a call belongs: its key in the ledger.</summary>
/// <param name="JobId">The job.</param>
/// <param name="StepPath">The step's place in the run.</param>
/// <param name="Ordinal">0 for the first call of the step; never reused.</param>
public readonly record struct CallKey(Guid JobId, string StepPath, int Ordinal);

/// <summary>Tokens of one call by kind. Input includes cached tokens, output includes reasoning, as OpenRouter and OpenAI count them.</summary>
public sealed record TokenUsage
{
    /// <summary>All input tokens, those read from or written to a cache included.</summary>
    public long InputTokens { get; init; }

    /// <summary>All output tokens, reasoning included.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Input tokens that were read from a cache; part of <see cref="InputTokens"/>.</summary>
    public long CacheReadTokens { get; init; }

    /// <summary>Input tokens that were written to a cache (5 minutes unless the provider says more); part of <see cref="InputTokens"/>.</summary>
    public long CacheWriteTokens { get; init; }

    /// <summary>Input tokens that were written to a one-hour cache; part of <see cref="InputTokens"/>.</summary>
    public long CacheWrite1hTokens { get; init; }

    /// <summary>Reasoning tokens; part of <see cref="OutputTokens"/>.</summary>
    public long ReasoningTokens { get; init; }

    /// <summary>Searches of the web that the provider made for the call; billed apiece.</summary>
    public long WebSearches { get; init; }

    /// <summary>The counts are this service's own estimate: the provider's never arrived.</summary>
    public bool Estimated { get; init; }

    /// <summary>Input plus output.</summary>
    public long TotalTokens => InputTokens + OutputTokens;
}

/// <summary>A call to be made. Written before the provider is asked.</summary>
public sealed record CallReservation
{
    /// <summary>UUID version 7 of the call.</summary>
    public required Guid CallId { get; init; }

    /// <summary>When it is made: the rates of this time are its price.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>Its key.</summary>
    public required CallKey Key { get; init; }

    /// <summary>The owner: a worker that lost the job may not start a call.</summary>
    public required Fence Fence { get; init; }

    /// <summary>The job, for the copies of workflow and user.</summary>
    public required JobIdentity Job { get; init; }

    /// <summary>Why.</summary>
    public required CallPurpose Purpose { get; init; }

    /// <summary>Provider name, for example <c>openrouter</c>.</summary>
    public required string Provider { get; init; }

    /// <summary>The model asked for.</summary>
    public required string RequestedModel { get; init; }

    /// <summary>Lower-case hex SHA-256 of provider, model, messages and options: a settled reply is reused only for the same request.</summary>
    public required string RequestHash { get; init; }

    /// <summary>Worst case in USD; null when the model has no price.</summary>
    public decimal? ReservedUsd { get; init; }

    /// <summary>Expected cost in USD; null when the model has no price.</summary>
    public decimal? EstimatedUsd { get; init; }

    /// <summary>The caps that hold for it, beside the job's own.</summary>
    public CallBudgets Budgets { get; init; } = CallBudgets.None;

    /// <summary>The question whose reply is kept for others; null: none is.</summary>
    public ReplyQuestion? Question { get; init; }
}

/// <summary>How a call ended. Written by call id, whoever owns the job by then: money spent is recorded.</summary>
public sealed record CallSettlement
{
    /// <summary>The call.</summary>
    public required Guid CallId { get; init; }

    /// <summary><see cref="CallState.Settled"/> or <see cref="CallState.Aborted"/>.</summary>
    public required CallState State { get; init; }

    /// <summary>Null keeps the purpose of the reservation.</summary>
    public CallPurpose? Purpose { get; init; }

    /// <summary>The model that answered; it sets the price.</summary>
    public string? AnsweredModel { get; init; }

    /// <summary>The provider's id of the reply, for reconciliation.</summary>
    public string? ResponseId { get; init; }

    /// <summary>The reply in the engine's own form, for reuse after a crash; Undefined when there is none.</summary>
    public JsonElement Reply { get; init; }

    /// <summary>Tokens.</summary>
    public TokenUsage Usage { get; init; } = new();

    /// <summary>What changed the price of the call, see <see cref="UsageReport.Terms"/>.</summary>
    public IReadOnlyList<string> Terms { get; init; } = [];

    /// <summary>USD by the price book; null when unknown.</summary>
    public decimal? ComputedUsd { get; init; }

    /// <summary>USD as the provider reported; null when it did not.</summary>
    public decimal? ReportedUsd { get; init; }

    /// <summary>Wall time of the call.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Error type when it failed.</summary>
    public string? ErrorType { get; init; }

    /// <summary>The provider's usage block as it came, and what else helps to reconcile; Undefined when there is none.</summary>
    public JsonElement Metadata { get; init; }

    /// <summary>How long the reply is kept for others; null: it is not.</summary>
    public TimeSpan? KeepFor { get; init; }

    /// <summary>The caps that hold for it, beside the job's own.</summary>
    public CallBudgets Budgets { get; init; } = CallBudgets.None;

    /// <summary>It corrects what was recorded before by what the provider says later.</summary>
    public bool Reconciles { get; init; }

    /// <summary>What counts: reported, else computed.</summary>
    public decimal? CostUsd => ReportedUsd ?? ComputedUsd;

    /// <summary>Where <see cref="CostUsd"/> comes from: <c>reported</c>, <c>computed</c>, <c>estimated</c> or <c>unknown</c>.</summary>
    public string CostSource => (ReportedUsd, ComputedUsd, Usage.Estimated) switch
    {
        (not null, _, _) => "reported",
        (null, not null, true) => "estimated",
        (null, not null, false) => "computed",
        _ => "unknown",
    };
}

/// <summary>A call as the ledger has it.</summary>
public sealed record LedgerCall
{
    /// <summary>Its id.</summary>
    public required Guid CallId { get; init; }

    /// <summary>Its key.</summary>
    public required CallKey Key { get; init; }

    /// <summary>Its state.</summary>
    public required CallState State { get; init; }

    /// <summary>Why it was made.</summary>
    public required CallPurpose Purpose { get; init; }

    /// <summary>Provider name.</summary>
    public required string Provider { get; init; }

    /// <summary>The model that answered, or the one asked for while nobody answered.</summary>
    public required string Model { get; init; }

    /// <summary>Hash of the request.</summary>
    public required string RequestHash { get; init; }

    /// <summary>The stored reply; Undefined when there is none.</summary>
    public JsonElement Reply { get; init; }

    /// <summary>Tokens.</summary>
    public required TokenUsage Usage { get; init; }

    /// <summary>What counts, in USD; null when unknown.</summary>
    public decimal? CostUsd { get; init; }

    /// <summary>Where <see cref="CostUsd"/> comes from.</summary>
    public string CostSource { get; init; } = "unknown";

    /// <summary>Why it failed, see <see cref="Diagnostics.ErrorTypes"/>; null when it did not.</summary>
    public string? ErrorType { get; init; }
}

/// <summary>
/// The record of provider calls. Two implementations: Postgres for the service, memory for runs without servers.
/// </summary>
public interface ICallLedger
{
    /// <summary>Writes the row of a call that is about to start, and holds its worst case against every cap, all or nothing.</summary>
    Task<ReserveResult> ReserveAsync(CallReservation reservation, CancellationToken cancellationToken);

    /// <summary>
    /// Records how a call ended, exactly once, and adds it to all totals. Not fenced, and not to be cancelled. Gives the caps of which this call brought more
    /// than 80 % to be spent.
    /// </summary>
    Task<IReadOnlyList<BudgetState>> SettleAsync(CallSettlement settlement);

    /// <summary>Notes the id of a reply that has begun, so that the provider can be asked what became of it. Best effort.</summary>
    Task NoteAsync(Guid callId, string responseId);

    /// <summary>The reply that is known for a question; Undefined: none. And whether a call is about to give one.</summary>
    Task<(JsonElement Reply, bool IsBeingAnswered)> FindReplyAsync(ReplyQuestion question, CancellationToken cancellationToken);

    /// <summary>The calls of a job, oldest first.</summary>
    Task<IReadOnlyList<LedgerCall>> ReadAsync(Guid jobId, CancellationToken cancellationToken);

    /// <summary>Marks calls of earlier owners that are still reserved as possibly billed: called when a job is taken up again.</summary>
    Task MarkPossiblyBilledAsync(Fence fence, CancellationToken cancellationToken);
}
