using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Providers.Gate;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>How far a call came: decides whether it may have been billed.</summary>
internal enum ChatCallStage
{
    /// <summary>The client does not tell.</summary>
    Unknown,

    /// <summary>The request has not left completely.</summary>
    Sending,

    /// <summary>The provider has the whole request.</summary>
    Sent,

    /// <summary>The provider refused with an error: nothing is billed but what it had already answered.</summary>
    Refused,
}

/// <summary>
/// What passes between <see cref="LlmCaller"/> and a chat client beside Microsoft.Extensions.AI's own types. Rides in
/// <see cref="ChatOptions.AdditionalProperties"/>; clients that do not know it work all the same.
/// </summary>
internal sealed class ChatCallProgress
{
    private const string Key = "llmworkflow.progress";

    /// <summary>Key of the reported cost in USD (<see cref="decimal"/>) in a reply's additional properties.</summary>
    public const string CostUsd = "llmworkflow.cost_usd";

    /// <summary>Key of the provider's usage block as it came (<see cref="System.Text.Json.JsonElement"/>) in a reply's additional properties.</summary>
    public const string RawUsage = "llmworkflow.usage";

    /// <summary>Key of the name of the host behind a router in a reply's additional properties.</summary>
    public const string UpstreamProvider = "llmworkflow.upstream_provider";

    /// <summary>Name of the count of cache writes in <see cref="UsageDetails.AdditionalCounts"/>.</summary>
    public const string CacheWriteTokens = "cache_write_tokens";

    /// <summary>Name of the count of writes to a one-hour cache in <see cref="UsageDetails.AdditionalCounts"/>.</summary>
    public const string CacheWrite1hTokens = "cache_write_1h_tokens";

    /// <summary>Name of the count of web searches in <see cref="UsageDetails.AdditionalCounts"/>.</summary>
    public const string WebSearches = "web_searches";

    /// <summary>
    /// Key of a mark (<see cref="bool"/>) in a piece's additional properties: its usage is that of an unfinished reply. Input is final, output is not.
    /// </summary>
    public const string PartialUsage = "llmworkflow.usage_is_partial";

    /// <summary>Key of what changes the price of a call (<see cref="IReadOnlyList{T}"/> of <see cref="string"/>, see <see cref="UsageReport.Terms"/>) in a reply's additional properties.</summary>
    public const string Terms = "llmworkflow.terms";

    /// <summary>How far the call came.</summary>
    public ChatCallStage Stage { get; set; }

    /// <summary>The provider's limits, by the headers of its answer; empty when it told none.</summary>
    public IReadOnlyList<RateLimitWindow> RateLimits { get; set; } = [];

    /// <summary>The provider's id of the request (not of the reply), for its support; null when it gave none.</summary>
    public string? RequestId { get; set; }

    /// <summary>The progress that the caller wants told; one that nobody reads if it wants none.</summary>
    public static ChatCallProgress Of(ChatOptions? options) =>
        options?.AdditionalProperties?.TryGetValue(Key, out var value) == true && value is ChatCallProgress progress ? progress : new ChatCallProgress();

    /// <summary>Hands this to the client.</summary>
    public void AttachTo(ChatOptions options) => (options.AdditionalProperties ??= [])[Key] = this;

    /// <summary>The ledger's form of a usage report.</summary>
    public static TokenUsage ToTokenUsage(UsageDetails details) => new()
    {
        InputTokens = details.InputTokenCount ?? 0,
        OutputTokens = details.OutputTokenCount ?? 0,
        CacheReadTokens = details.CachedInputTokenCount ?? 0,
        CacheWriteTokens = Count(details, CacheWriteTokens),
        CacheWrite1hTokens = Count(details, CacheWrite1hTokens),
        ReasoningTokens = details.ReasoningTokenCount ?? 0,
        WebSearches = Count(details, WebSearches),
    };

    /// <summary>A usage report in the form that clients hand on.</summary>
    public static UsageDetails ToUsageDetails(TokenUsage tokens)
    {
        AdditionalPropertiesDictionary<long> counts = [];
        Add(CacheWriteTokens, tokens.CacheWriteTokens);
        Add(CacheWrite1hTokens, tokens.CacheWrite1hTokens);
        Add(WebSearches, tokens.WebSearches);
        return new UsageDetails
        {
            InputTokenCount = tokens.InputTokens,
            OutputTokenCount = tokens.OutputTokens,
            TotalTokenCount = tokens.TotalTokens,
            CachedInputTokenCount = tokens.CacheReadTokens,
            ReasoningTokenCount = tokens.ReasoningTokens,
            AdditionalCounts = counts.Count > 0 ? counts : null,
        };

        void Add(string name, long count)
        {
            if (count > 0)
            {
                counts[name] = count;
            }
        }
    }

    private static long Count(UsageDetails details, string name) => details.AdditionalCounts?.TryGetValue(name, out var count) == true ? count : 0;
}
