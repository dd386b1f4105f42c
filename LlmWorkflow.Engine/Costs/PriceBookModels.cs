using System.Collections.Frozen;

namespace LlmWorkflow.Engine.Costs;

/// <summary>Prices of one model over time.</summary>
internal sealed record ModelPrice
{
    /// <summary>Its native id.</summary>
    public required string Name { get; init; }

    /// <summary>Its other ids, with the same prices.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Periods that do not overlap, in order.</summary>
    public required IReadOnlyList<DatedPrice> Prices { get; init; }

    /// <summary>Null: the book's.</summary>
    public int? DefaultMaxTokens { get; init; }

    /// <summary>What a reader should know; null: nothing.</summary>
    public string? Note { get; init; }

    public DatedPrice? At(DateTimeOffset time) => Prices.FirstOrDefault(price => (price.From is null || price.From <= time) && (price.To is null || time < price.To));
}

/// <summary>Prices of one period.</summary>
internal sealed record DatedPrice
{
    /// <summary>First instant; null: since ever.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>First instant that no longer belongs to it; null: open.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Rates of requests below every tier.</summary>
    public required Rates Rates { get; init; }

    /// <summary>By rising length.</summary>
    public IReadOnlyList<PriceTier> Tiers { get; init; } = [];

    /// <summary>USD per request, whatever its length.</summary>
    public decimal PerRequest { get; init; }

    /// <summary>USD per search of the web that the provider makes for a call; null: not known.</summary>
    public decimal? PerWebSearch { get; init; }

    /// <summary>Factors of the token cost, by term (<c>service_tier:batch</c>).</summary>
    public FrozenDictionary<string, decimal> Multipliers { get; init; } = FrozenDictionary<string, decimal>.Empty;

    /// <summary>The provider writes to its cache, and bills for it, without being asked.</summary>
    public bool CachesByItself { get; init; }

    /// <summary>Names of the book's sources.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>The tier of a request; null: below all.</summary>
    public PriceTier? TierFor(long inputTokens) => Tiers.LastOrDefault(tier => inputTokens > tier.AboveInputTokens);

    /// <summary>Rates of every request up to this length.</summary>
    public IEnumerable<Rates> RatesUpTo(long inputTokens) => [Rates, .. Tiers.Where(tier => inputTokens > tier.AboveInputTokens).Select(tier => tier.Rates)];
}

/// <summary>Rates of requests with more input tokens, cached ones included; they reprice the whole request.</summary>
internal sealed record PriceTier(long AboveInputTokens, Rates Rates);

/// <summary>USD per million tokens by kind; null: no price of its own.</summary>
internal sealed record Rates
{
    public required decimal Input { get; init; }

    public required decimal Output { get; init; }

    /// <summary>Null: as input.</summary>
    public decimal? CacheRead { get; init; }

    /// <summary>Null: as input.</summary>
    public decimal? CacheWrite5m { get; init; }

    /// <summary>Null: as the five-minute write.</summary>
    public decimal? CacheWrite1h { get; init; }

    /// <summary>Null: as output.</summary>
    public decimal? Reasoning { get; init; }
}
