namespace LlmWorkflow.Engine.Costs;

/// <summary>What a provider's usage block says.</summary>
/// <param name="Tokens">By kind; input includes cached tokens, whatever the provider's own way of counting.</param>
public sealed record UsageReport(TokenUsage Tokens)
{
    /// <summary>USD that the provider says it charges; null when it does not say.</summary>
    public decimal? ReportedUsd { get; init; }

    /// <summary>What changes the price of the call, as <c>name:value</c>, for example <c>service_tier:priority</c>; the price book has their multipliers.</summary>
    public IReadOnlyList<string> Terms { get; init; } = [];
}
