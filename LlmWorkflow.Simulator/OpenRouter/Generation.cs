namespace LlmWorkflow.Simulator.OpenRouter;

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

    /// <summary>What the provider charged; under BYOK it charges the caller, and <see cref="TotalCost"/> is the fee.</summary>
    public required decimal UpstreamInferenceCost { get; init; }

    public required decimal? CacheDiscount { get; init; }

    public required bool IsByok { get; init; }

    public required int TokensPrompt { get; init; }

    public required int TokensCompletion { get; init; }

    public int NativeTokensPrompt => TokensPrompt;

    public int NativeTokensCompletion => TokensCompletion;

    public required int NativeTokensReasoning { get; init; }

    public required int NativeTokensCached { get; init; }

    public string? ServiceTier => null;

    public required bool Streamed { get; init; }

    public required bool Cancelled { get; init; }

    public required string? FinishReason { get; init; }

    public required string? NativeFinishReason { get; init; }

    /// <summary>Milliseconds from the request to the end of the reply.</summary>
    public required long GenerationTime { get; init; }

    public string ApiType => "completions";
}
