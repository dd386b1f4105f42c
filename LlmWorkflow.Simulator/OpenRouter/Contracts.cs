using System.Text.Json.Serialization;

namespace LlmWorkflow.Simulator.OpenRouter;

// The wire format of OpenRouter's chat completions, as its TypeScript SDK describes it and recorded replies show it.

/// <summary>A whole reply.</summary>
internal sealed record ChatCompletion(string Id, string Provider, string Model, long Created, IReadOnlyList<ChatChoice> Choices, ChatUsage Usage)
{
    public string Object => "chat.completion";
}

internal sealed record ChatChoice(string? FinishReason, string? NativeFinishReason, ChatMessage Message)
{
    public int Index => 0;

    public string? Logprobs => null;
}

internal sealed record ChatMessage(string Content)
{
    public string Role => "assistant";

    public string? Refusal => null;

    public string? Reasoning => null;
}

/// <summary>One SSE event of a streamed reply. The last one carries the usage; one with an error ends the stream.</summary>
internal sealed record ChatCompletionChunk(string Id, string Provider, string Model, long Created, IReadOnlyList<ChatChunkChoice> Choices)
{
    public string Object => "chat.completion.chunk";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorDetail? Error { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ChatUsage? Usage { get; init; }
}

internal sealed record ChatChunkChoice(ChatDelta Delta, string? FinishReason, string? NativeFinishReason)
{
    public int Index => 0;
}

internal sealed record ChatDelta(string Content)
{
    public string Role => "assistant";
}

/// <summary>Tokens and money. <c>cost</c> is what the caller is charged, in USD.</summary>
internal sealed record ChatUsage(int PromptTokens, int CompletionTokens, decimal Cost, CostDetails CostDetails)
{
    public int TotalTokens => PromptTokens + CompletionTokens;

    public bool IsByok => false;

    public PromptTokensDetails PromptTokensDetails { get; } = new(0, 0, 0, 0);

    public CompletionTokensDetails CompletionTokensDetails { get; } = new(0, 0, 0);
}

internal sealed record CostDetails(
    decimal UpstreamInferenceCost, decimal UpstreamInferencePromptCost, decimal UpstreamInferenceCompletionsCost);

internal sealed record PromptTokensDetails(int CachedTokens, int CacheWriteTokens, int AudioTokens, int VideoTokens);

internal sealed record CompletionTokensDetails(int ReasoningTokens, int ImageTokens, int AudioTokens);

internal sealed record ErrorReply(ErrorDetail Error);

internal sealed record ErrorDetail(
    int Code,
    string Message,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ErrorMetadata? Metadata);

internal sealed record ErrorMetadata(
    string ErrorType,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ProviderName);

/// <summary>The answer of <c>GET /generation</c>: what a call cost, also one whose client went away.</summary>
internal sealed record GenerationReply(Generation Data);

internal sealed record Generation
{
    public required string Id { get; init; }

    public required string Model { get; init; }

    public required string ProviderName { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required decimal TotalCost { get; init; }

    public decimal Usage => TotalCost;

    public decimal UpstreamInferenceCost => TotalCost;

    public decimal? CacheDiscount => null;

    public bool IsByok => false;

    public required int TokensPrompt { get; init; }

    public required int TokensCompletion { get; init; }

    public int NativeTokensPrompt => TokensPrompt;

    public int NativeTokensCompletion => TokensCompletion;

    public int NativeTokensReasoning => 0;

    public int NativeTokensCached => 0;

    public required bool Streamed { get; init; }

    public required bool Cancelled { get; init; }

    public required string? FinishReason { get; init; }

    public required string? NativeFinishReason { get; init; }

    /// <summary>Milliseconds from the request to the end of the reply.</summary>
    public required long GenerationTime { get; init; }

    public string ApiType => "completions";
}
