namespace LlmWorkflow.Engine.Costs;

/// <summary>What a call costs by the price book, and why.</summary>
public sealed record PricedCall
{
    /// <summary>USD: the sum of <see cref="Parts"/>.</summary>
    public required decimal Usd { get; init; }

    /// <summary>The book's name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>First instant of the price's period; null: since ever.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>First instant after the price's period; null: it is open.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>The tier: its rates are those of requests with more input tokens than this; null: the rates below all tiers.</summary>
    public long? AboveInputTokens { get; init; }

    /// <summary>The terms that changed the price, with their factors.</summary>
    public IReadOnlyList<KeyValuePair<string, decimal>> Multipliers { get; init; } = [];

    /// <summary>Terms and fees that the book has no figure for: the cost is without them.</summary>
    public IReadOnlyList<string> UnknownTerms { get; init; } = [];

    /// <summary>The cost by kind; kinds that were not used are left out.</summary>
    public IReadOnlyList<PricedPart> Parts { get; init; } = [];
}

/// <summary>A part of a call's cost.</summary>
/// <param name="Kind"><c>input</c> (neither read from nor written to a cache), <c>cache_read</c>, <c>cache_write_5m</c>, <c>cache_write_1h</c>, <c>output</c>
/// (without reasoning), <c>reasoning</c>, <c>request</c> or <c>web_search</c>.</param>
/// <param name="Count">Tokens, requests or searches.</param>
/// <param name="Rate">USD per million tokens, per request or per search, before multipliers.</param>
/// <param name="Usd">USD, after multipliers.</param>
public sealed record PricedPart(string Kind, long Count, decimal Rate, decimal Usd);
