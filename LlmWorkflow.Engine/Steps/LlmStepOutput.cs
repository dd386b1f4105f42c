using System.Text.Json;
using System.Text.Json.Serialization;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Providers;

namespace LlmWorkflow.Engine.Steps;

/// <summary>The output of an <c>llm</c> step. All is of the call that answered, but <see cref="Usage"/> and <see cref="CostUsd"/>: they add up all calls of the step, failed and repaired ones too, and agree with <c>steps.&lt;id&gt;.usage</c>.</summary>
/// <param name="Content">The reply's text as the model wrote it.</param>
/// <param name="Json">With <c>response_format</c>: the JSON in it, mended where that was needed; else null.</param>
/// <param name="Model">The model that answered, in the provider's spelling.</param>
/// <param name="Provider">The provider that answered.</param>
/// <param name="FinishReason">Why the reply ended: <c>stop</c>, <c>length</c>…</param>
/// <param name="Usage">Tokens of all calls.</param>
/// <param name="CostUsd">USD of all calls; null when one of them has no price.</param>
/// <param name="DurationMs">Time of the call that answered.</param>
/// <param name="ResponseId">The provider's id of the reply.</param>
/// <param name="Cached">Whether the reply was bought for another step.</param>
internal sealed record LlmStepOutput(
    string Content,
    JsonElement? Json,
    string Model,
    string Provider,
    string? FinishReason,
    LlmStepTokens Usage,
    decimal? CostUsd,
    long DurationMs,
    string? ResponseId,
    bool Cached)
{
    /// <summary>The output of a step that was answered.</summary>
    public static LlmStepOutput Of(LlmAnswer answer, IReadOnlyList<LedgerCall> calls)
    {
        var reply = answer.Reply!;
        return new(
            reply.Content, answer.Json.ValueKind is JsonValueKind.Undefined ? null : answer.Json, reply.Model, reply.Provider, reply.FinishReason,
            LlmStepCosts.Tokens(calls), LlmStepCosts.CostOf(calls), reply.DurationMs, reply.ResponseId, answer.IsCached);
    }

    public JsonElement ToJson() => JsonSerializer.SerializeToElement(this, LlmStepJson.Default.LlmStepOutput);
}

/// <summary>Tokens in an <c>llm</c> step's output.</summary>
internal sealed record LlmStepTokens(
    long InputTokens, long OutputTokens, long TotalTokens, long CacheReadTokens, long CacheWriteTokens, long ReasoningTokens, bool Estimated);

/// <summary>What <c>debug_mode</c> keeps of an <c>llm</c> step.</summary>
/// <param name="Prompt">The question as rendered.</param>
/// <param name="Reply">The last reply; null when there was none.</param>
/// <param name="RepairedReplies">The replies before it that could not be used; left out when there were none.</param>
internal sealed record LlmStepDebug(
    LlmPrompt Prompt, string? Reply, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? RepairedReplies)
{
    public static LlmStepDebug Of(LlmPrompt prompt, IReadOnlyList<LlmReply> replies) =>
        new(prompt, replies is [.., var last] ? last.Content : null, replies.Count < 2 ? null : [.. replies.Take(replies.Count - 1).Select(reply => reply.Content)]);

    public JsonElement ToJson() => JsonSerializer.SerializeToElement(this, LlmStepJson.Default.LlmStepDebug);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(LlmStepOutput))]
[JsonSerializable(typeof(LlmStepDebug))]
internal sealed partial class LlmStepJson : JsonSerializerContext;
