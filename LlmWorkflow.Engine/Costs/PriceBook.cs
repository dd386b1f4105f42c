using System.Collections.Frozen;

namespace LlmWorkflow.Engine.Costs;

/// <summary>
/// Prices of models, an immutable snapshot of <c>pricing.json</c>. Decimal throughout; an unknown price is null, never 0.
/// Wherever a model is asked for, ids are matched as <see cref="ModelIds"/> says.
/// </summary>
public sealed class PriceBook
{
    private const int FallbackMaxTokens = 4096;

    private readonly FrozenDictionary<string, ModelPrice> _models;
    private readonly int _defaultMaxTokens;

    internal PriceBook(IReadOnlyList<ModelPrice> models, int defaultMaxTokens)
    {
        All = models;
        _models = models.SelectMany(model => model.Aliases.Prepend(model.Name).Select(id => (id, model)))
            .ToFrozenDictionary(pair => pair.id, pair => pair.model, StringComparer.OrdinalIgnoreCase);
        _defaultMaxTokens = defaultMaxTokens;
    }

    /// <summary>A book without prices.</summary>
    public static PriceBook Empty { get; } = new([], FallbackMaxTokens);

    /// <summary>Every id that has a price, aliases too.</summary>
    public IReadOnlyCollection<string> Models => _models.Keys;

    /// <summary>The models in the order of the file.</summary>
    internal IReadOnlyList<ModelPrice> All { get; }

    /// <summary>Whether the model has a price at some time.</summary>
    public bool Knows(string model) => ModelIds.Match(model, _models) is not null;

    /// <summary>
    /// The id that sets the price of a call: that of the model that answered. Only when the answer leaves out a variant that was asked for
    /// (<c>x:free</c> answered by <c>x</c>), or names nobody, it is the one asked for. It need not be in the book.
    /// </summary>
    /// <param name="requested">The model asked for.</param>
    /// <param name="answered">The model that the answer names; null or empty when it names none.</param>
    public static string Resolve(string requested, string? answered)
    {
        ArgumentNullException.ThrowIfNull(requested);
        return string.IsNullOrEmpty(answered) || ModelIds.IsVariantOf(requested, answered) ? requested : answered;
    }

    /// <summary>USD of a call; null when the model has no price at that time. The short form of <see cref="Price"/>.</summary>
    /// <param name="model">The model that answered, by native or OpenRouter id; see <see cref="Resolve"/>.</param>
    /// <param name="usage">Its tokens; the length of the whole input picks the tier.</param>
    /// <param name="at">When the call was made.</param>
    /// <param name="terms">What changes the price, see <see cref="UsageReport.Terms"/>; null: nothing.</param>
    public decimal? Cost(string model, TokenUsage usage, DateTimeOffset at, IReadOnlyList<string>? terms = null) => Price(model, usage, at, terms)?.Usd;

    /// <summary>What a call costs and why; null when the model has no price at that time.</summary>
    /// <inheritdoc cref="Cost" path="/param"/>
    public PricedCall? Price(string model, TokenUsage usage, DateTimeOffset at, IReadOnlyList<string>? terms = null)
    {
        ArgumentNullException.ThrowIfNull(usage);
        return ModelIds.Match(model, _models) is { } match && match.Price.At(at) is { } price ? CallPricing.Price(match, price, usage, terms ?? []) : null;
    }

    /// <summary>
    /// The most that a call can cost in USD; null when the model has no price at that time. An upper bound for every answer under the terms that
    /// the request asks for: a surcharge that was asked for counts, a discount does not, for the provider may serve the call without it.
    /// Not in it: surcharges that the request does not name (a default of the provider's account), and searches of the web.
    /// </summary>
    /// <param name="model">The model asked for.</param>
    /// <param name="inputUpperBound">No fewer than the request's input tokens.</param>
    /// <param name="maxTokens">The limit on output tokens that is sent along.</param>
    /// <param name="at">When the call is made.</param>
    /// <param name="writesCache">The request asks for its prompt to be cached. Models that cache by themselves are known to the book.</param>
    /// <param name="terms">What the request asks for, see <see cref="PriceTerms.Of"/>; null: nothing.</param>
    public decimal? WorstCase(
        string model, long inputUpperBound, int maxTokens, DateTimeOffset at, bool writesCache = false, IReadOnlyList<string>? terms = null) =>
        ModelIds.Match(model, _models) is { } match && match.Price.At(at) is { } price
            ? CallPricing.WorstCase(price, Math.Max(0, inputUpperBound), Math.Max(0, maxTokens), writesCache, terms ?? [])
            : null;

    /// <summary>Limit on output tokens for steps that name none.</summary>
    public int DefaultMaxTokens(string model) => Find(model)?.DefaultMaxTokens ?? _defaultMaxTokens;

    /// <summary>The prices of a model; null when it has none.</summary>
    internal ModelPrice? Find(string model) => ModelIds.Match(model, _models)?.Price;
}
