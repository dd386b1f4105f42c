using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Providers;

/// <summary>One message of a request.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">Its text.</param>
internal sealed record LlmMessage(string Role, string Content);

/// <summary>The JSON that a reply must be.</summary>
/// <param name="Schema">JSON Schema; null: any JSON.</param>
internal sealed record LlmJsonFormat(JsonElement? Schema);

/// <summary>What decides the answer: the part of a request that is hashed.</summary>
internal sealed record LlmPrompt
{
    /// <summary>Provider name.</summary>
    public required string Provider { get; init; }

    /// <summary>Model in the provider's spelling.</summary>
    public required string Model { get; init; }

    /// <summary>At least one.</summary>
    public required IReadOnlyList<LlmMessage> Messages { get; init; }

    /// <summary>Null: the provider's default.</summary>
    public double? Temperature { get; init; }

    /// <summary>Null: the price book's default, which is not hashed, so that a new price book does not make a paid reply unknown.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Null: the provider's default.</summary>
    public double? TopP { get; init; }

    /// <summary>Stop sequences.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Null: none.</summary>
    public long? Seed { get; init; }

    /// <summary>Null: any text.</summary>
    public LlmJsonFormat? Format { get; init; }

    /// <summary>An object whose members go into the request as they are; null: none.</summary>
    public JsonElement? ProviderOptions { get; init; }

    /// <summary>Lower-case hex SHA-256 of all of it.</summary>
    public string Hash() => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(this, LlmJson.Default.LlmPrompt)));
}

/// <summary>A call of a step, and whom it belongs to.</summary>
internal sealed record LlmRequest
{
    public required LlmPrompt Prompt { get; init; }

    public required JobIdentity Job { get; init; }

    public required Fence Fence { get; init; }

    public required string StepPath { get; init; }

    /// <summary>All calls of the step that the ledger knows.</summary>
    public required IReadOnlyList<LedgerCall> EarlierCalls { get; init; }

    /// <summary>Replies of calls before this ordinal are not used again.</summary>
    public int ReuseFrom { get; init; }

    public bool Stream { get; init; } = true;

    /// <summary>Called with the call's ordinal and each piece of text; must not block.</summary>
    public Action<int, string>? OnDelta { get; init; }

    /// <summary>Keeps the reply for other jobs; null: it is the step's own.</summary>
    public ReplyKeeping? Keeping { get; init; }

    /// <summary>Caps on cost of the step and of the steps around it.</summary>
    public IReadOnlyList<StepBudget> Budgets { get; init; } = [];

    /// <summary>Where a cap is reached the call waits until it is raised; else it fails.</summary>
    public bool PausesOnBudget { get; init; }

    /// <summary>Told when a cap is nearly spent.</summary>
    public Func<BudgetState, Task> OnBudgetWarning { get; init; } = static _ => Task.CompletedTask;

    /// <summary>Null: useful for the step's first call, retry for later ones.</summary>
    public CallPurpose? Purpose { get; init; }
}

/// <summary>A reply, as stored in the ledger.</summary>
internal sealed record LlmReply
{
    public required string Content { get; init; }

    public required string Provider { get; init; }

    /// <summary>The model that answered.</summary>
    public required string Model { get; init; }

    public string? FinishReason { get; init; }

    public string? ResponseId { get; init; }

    public required TokenUsage Usage { get; init; }

    public long DurationMs { get; init; }
}

/// <summary>What helps to reconcile a call with the provider's bill.</summary>
/// <param name="Usage">The usage block as it came.</param>
/// <param name="UpstreamProvider">The host behind a router.</param>
/// <param name="EstimatedBy">How tokens were estimated; null when they were not.</param>
internal sealed record CallMetadata(JsonElement? Usage, string? UpstreamProvider, string? EstimatedBy)
{
    /// <summary>The provider was asked about it afterwards.</summary>
    public bool? LookedUp { get; init; }
}

/// <summary>How a call ended: a reply, an error, or a wait.</summary>
internal sealed record LlmOutcome
{
    /// <summary>Null when it failed.</summary>
    public LlmReply? Reply { get; init; }

    /// <summary>Null when it did not.</summary>
    public WorkflowError? Error { get; init; }

    /// <summary>
    /// When it may be made. Beside an <see cref="Error"/>: the provider refused the call as too many, and it may be made again without using up an attempt; alone:
    /// it was not made.
    /// </summary>
    public CallWait? Wait { get; init; }

    /// <summary>The reply was bought by another job; nothing was paid.</summary>
    public bool IsCached { get; init; }

    /// <summary>The call as the ledger has it now; null when none was started.</summary>
    public LedgerCall? Call { get; init; }

    /// <summary>The reply is that of an earlier call, which was paid for then; <see cref="Call"/> is that call.</summary>
    public bool Reused { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LlmPrompt))]
[JsonSerializable(typeof(LlmReply))]
[JsonSerializable(typeof(CallMetadata))]
internal sealed partial class LlmJson : JsonSerializerContext;
