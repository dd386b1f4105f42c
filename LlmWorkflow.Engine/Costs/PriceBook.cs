using System.Collections.Frozen;

namespace LlmWorkflow.Engine.Costs;

/// <summary>Prices of models, an immutable snapshot of <c>pricing.json</c>. Decimal throughout; an unknown price is null, never 0.</summary>
public sealed class PriceBook
{
    private const int FallbackMaxTokens = 4096;

    private readonly FrozenDictionary<string, ModelPrice> _models;
    private readonly int _defaultMaxTokens;

    internal PriceBook(IReadOnlyDictionary<string, ModelPrice> models, int defaultMaxTokens)
    {
        _models = models.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        _defaultMaxTokens = defaultMaxTokens;
    }

    /// <summary>A book without prices.</summary>
    public static PriceBook Empty { get; } = new(new Dictionary<string, ModelPrice>(), FallbackMaxTokens);

    /// <summary>Every id that has a price, aliases too.</summary>
    public IReadOnlyCollection<string> Models => _models.Keys;

    /// <summary>Whether the model has a price at some time.</summary>
    public bool Knows(string model) => _models.ContainsKey(model);

    /// <summary>USD of a call; null when the model has no price at that time.</summary>
    /// <param name="model">The model that answered, by native or OpenRouter id.</param>
    /// <param name="usage">Its tokens; the length of the whole input picks the tier.</param>
    /// <param name="at">When the call was made.</param>
    /// <param name="terms">What changes the price, see <see cref="UsageReport.Terms"/>; null: nothing.</param>
    public decimal? Cost(string model, TokenUsage usage, DateTimeOffset at, IReadOnlyList<string>? terms = null)
    {
        ArgumentNullException.ThrowIfNull(usage);
        if (Find(model, at) is not { } price)
        {
            return null;
        }

        long input = Math.Max(0, usage.InputTokens);
        long read = Math.Clamp(usage.CacheReadTokens, 0, input);
        long write = Math.Clamp(usage.CacheWriteTokens, 0, input - read);
        long write1h = Math.Clamp(usage.CacheWrite1hTokens, 0, input - read - write);
        long output = Math.Max(0, usage.OutputTokens);
        long reasoning = Math.Clamp(usage.ReasoningTokens, 0, output);
        Rates rates = price.RatesFor(input);
        decimal micro = ((input - read - write - write1h) * rates.Input)
            + (read * (rates.CacheRead ?? rates.Input))
            + (write * (rates.CacheWrite5m ?? rates.Input))
            + (write1h * (rates.CacheWrite1h ?? rates.CacheWrite5m ?? rates.Input))
            + ((output - reasoning) * rates.Output)
            + (reasoning * (rates.Reasoning ?? rates.Output));
        return (micro / 1_000_000m) + price.PerRequest;
    }

    /// <summary>The most that a call can cost in USD; null when the model has no price at that time.</summary>
    /// <param name="model">The model asked for.</param>
    /// <param name="inputUpperBound">No fewer than the request's input tokens.</param>
    /// <param name="maxTokens">The limit on output tokens that is sent along.</param>
    /// <param name="at">When the call is made.</param>
    /// <param name="writesCache">The request asks for its prompt to be cached. Models that cache by themselves are known to the book.</param>
    public decimal? WorstCase(string model, long inputUpperBound, int maxTokens, DateTimeOffset at, bool writesCache = false)
    {
        if (Find(model, at) is not { } price)
        {
            return null;
        }

        long input = Math.Max(0, inputUpperBound);
        bool caches = writesCache || price.CachesByItself;
        // A shorter input may fall into a tier with higher prices, so every tier that can be reached counts.
        decimal micro = price.RatesUpTo(input).Max(rates =>
            (input * (caches ? Math.Max(rates.Input, Math.Max(rates.CacheWrite5m ?? 0, rates.CacheWrite1h ?? 0)) : rates.Input))
            + (Math.Max(0, maxTokens) * Math.Max(rates.Output, rates.Reasoning ?? 0)));
        return (micro / 1_000_000m) + price.PerRequest;
    }

    /// <summary>Limit on output tokens for steps that name none.</summary>
    public int DefaultMaxTokens(string model) => _models.GetValueOrDefault(model)?.DefaultMaxTokens ?? _defaultMaxTokens;

    private DatedPrice? Find(string model, DateTimeOffset at) => _models.GetValueOrDefault(model)?.At(at);
}
