using System.Text.Json.Serialization;

namespace LlmWorkflow.Simulator.Ledger;

/// <summary>Tokens of one call by kind, as they are billed: no token is in two kinds.</summary>
internal sealed record TokenUsage
{
    public static readonly TokenUsage None = new();

    /// <summary>Neither read from the cache nor written to it.</summary>
    public int Input { get; init; }

    public int CacheRead { get; init; }

    /// <summary>Written for 5 minutes; also what OpenAI writes, which has one kind only.</summary>
    [JsonPropertyName("cache_write_5m")]
    public int CacheWrite5m { get; init; }

    [JsonPropertyName("cache_write_1h")]
    public int CacheWrite1h { get; init; }

    /// <summary>Reasoning included.</summary>
    public int Output { get; init; }

    /// <summary>Part of <see cref="Output"/>.</summary>
    public int Reasoning { get; init; }

    /// <summary>The whole prompt.</summary>
    [JsonIgnore]
    public int TotalInput => Input + CacheRead + CacheWrite5m + CacheWrite1h;
}

/// <summary>What a call costs.</summary>
/// <param name="Tokens">By kind.</param>
/// <param name="Usd">All that the caller owes for it.</param>
internal sealed record Bill(TokenUsage Tokens, decimal Usd)
{
    public static readonly Bill Nothing = new(TokenUsage.None, 0m);
}
