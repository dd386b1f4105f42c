namespace LlmWorkflow.Engine.Costs;

/// <summary>The arithmetic of a call's price. Pure.</summary>
internal static class CallPricing
{
    private const decimal Million = 1_000_000m;

    public static PricedCall Price(BookMatch match, DatedPrice price, TokenUsage usage, IReadOnlyList<string> terms)
    {
        var input = Math.Max(0, usage.InputTokens);
        var read = Math.Clamp(usage.CacheReadTokens, 0, input);
        var write = Math.Clamp(usage.CacheWriteTokens, 0, input - read);
        var write1h = Math.Clamp(usage.CacheWrite1hTokens, 0, input - read - write);
        var output = Math.Max(0, usage.OutputTokens);
        var reasoning = Math.Clamp(usage.ReasoningTokens, 0, output);
        var tier = price.TierFor(input);
        var rates = tier?.Rates ?? price.Rates;
        var known = terms.Distinct().Where(price.Multipliers.ContainsKey).Select(term => KeyValuePair.Create(term, price.Multipliers[term])).ToList();
        var factor = known.Aggregate(1m, (product, multiplier) => product * multiplier.Value);
        List<PricedPart> parts =
        [
            Tokens("input", input - read - write - write1h, rates.Input),
            Tokens("cache_read", read, rates.CacheRead ?? rates.Input),
            Tokens("cache_write_5m", write, rates.CacheWrite5m ?? rates.Input),
            Tokens("cache_write_1h", write1h, rates.CacheWrite1h ?? rates.CacheWrite5m ?? rates.Input),
            Tokens("output", output - reasoning, rates.Output),
            Tokens("reasoning", reasoning, rates.Reasoning ?? rates.Output),
            new("request", 1, price.PerRequest, price.PerRequest),
        ];
        List<string> unknown = [.. terms.Distinct().Where(term => !price.Multipliers.ContainsKey(term))];
        if (match.UnknownTerm is { } variant)
        {
            unknown.Add(variant);
        }

        if (usage.WebSearches > 0)
        {
            parts.Add(new("web_search", usage.WebSearches, price.PerWebSearch ?? 0, usage.WebSearches * (price.PerWebSearch ?? 0)));
            unknown.AddRange(price.PerWebSearch is null ? ["web_search"] : []);
        }

        return new PricedCall
        {
            Usd = parts.Sum(part => part.Usd),
            Model = match.Price.Name,
            From = price.From,
            To = price.To,
            AboveInputTokens = tier?.AboveInputTokens,
            Multipliers = known,
            UnknownTerms = unknown,
            Parts = [.. parts.Where(part => part.Count > 0 && (part.Kind != "request" || part.Rate > 0))],
        };

        PricedPart Tokens(string kind, long count, decimal rate) => new(kind, count, rate, count * rate * factor / Million);
    }

    public static decimal WorstCase(DatedPrice price, long input, int maxTokens, bool writesCache, IReadOnlyList<string> terms)
    {
        var caches = writesCache || price.CachesByItself;
        var factor = terms.Distinct().Aggregate(1m, (product, term) => product * Math.Max(1, price.Multipliers.GetValueOrDefault(term, 1)));
        // A shorter input may fall into a tier with higher prices, so every tier that can be reached counts.
        var micro = price.RatesUpTo(input).Max(rates => (input * DearestInput(rates, caches)) + (maxTokens * Math.Max(rates.Output, rates.Reasoning ?? 0)));
        return (micro * factor / Million) + price.PerRequest;
    }

    // What is read from a cache was put there by another call, so reads can come unasked.
    private static decimal DearestInput(Rates rates, bool caches)
    {
        var read = Math.Max(rates.Input, rates.CacheRead ?? 0);
        return caches ? Math.Max(read, Math.Max(rates.CacheWrite5m ?? 0, rates.CacheWrite1h ?? 0)) : read;
    }
}
