namespace LlmWorkflow.Simulator.Completions;

/// <summary>What the simulated upstreams charge: USD per million tokens. Its own table, so that a product's price book can be checked against it.</summary>
internal static class PriceTable
{
    private static readonly ModelPrice Unknown = new(1m, 2m);

    private static readonly Dictionary<string, ModelPrice> Prices = new(StringComparer.OrdinalIgnoreCase)
    {
        ["anthropic/claude-3-haiku"] = Claude(0.25m, 1.25m, 0.03m, 0.30m, 0.50m),
        ["anthropic/claude-3.5-haiku"] = Claude(0.80m, 4m, 0.08m, 1m, 1.6m),
        ["anthropic/claude-3.5-sonnet"] = Claude(3m, 15m, 0.30m, 3.75m, 6m),
        ["anthropic/claude-3.7-sonnet"] = Claude(3m, 15m, 0.30m, 3.75m, 6m),
        ["anthropic/claude-opus-4"] = Claude(15m, 75m, 1.50m, 18.75m, 30m),
        ["anthropic/claude-opus-4.1"] = Claude(15m, 75m, 1.50m, 18.75m, 30m),
        ["anthropic/claude-opus-4.5"] = Claude(5m, 25m, 0.50m, 6.25m, 10m),
        ["anthropic/claude-opus-4.6"] = Claude(5m, 25m, 0.50m, 6.25m, 10m),
        ["anthropic/claude-opus-4.7"] = Claude(5m, 25m, 0.50m, 6.25m, 10m),
        ["anthropic/claude-opus-4.8"] = Claude(5m, 25m, 0.50m, 6.25m, 10m),
        ["anthropic/claude-opus-5"] = Claude(5m, 25m, 0.50m, 6.25m, 10m),
        ["anthropic/claude-opus-5.5"] = Claude(4m, 20m, 0.20m, 5m, 8m),
        ["anthropic/claude-fable-5"] = Claude(10m, 50m, 1m, 12.5m, 20m),
        ["anthropic/claude-fable-5.1"] = Claude(10m, 50m, 0.25m, 12.5m, 20m),
        ["anthropic/claude-sonnet-4"] = Claude(3m, 15m, 0.30m, 3.75m, 6m),
        ["anthropic/claude-sonnet-4.5"] = Long(Claude(3m, 15m, 0.30m, 3.75m, 6m), 200_000, Claude(6m, 22.5m, 0.60m, 7.5m, 12m)),
        ["anthropic/claude-sonnet-4.6"] = Claude(3m, 15m, 0.30m, 3.75m, 6m),
        ["anthropic/claude-sonnet-5"] = Claude(2m, 10m, 0.20m, 2.5m, 4m),
        ["anthropic/claude-sonnet-5.5"] = Claude(2m, 10m, 0.10m, 2.5m, 4m),
        ["anthropic/claude-haiku-4.5"] = Claude(1m, 5m, 0.10m, 1.25m, 2m),
        ["anthropic/claude-haiku-5.5"] = Long(Claude(0.10m, 0.50m, 0.01m, 0.125m, 0.20m), 100_000, Claude(0.50m, 2.50m, 0.05m, 0.625m, 1m)),
        ["openai/gpt-4o"] = Gpt(2.5m, 10m, 1.25m),
        ["openai/gpt-4o-mini"] = Gpt(0.15m, 0.6m, 0.075m),
        ["openai/gpt-4.1"] = Gpt(2m, 8m, 0.5m),
        ["openai/gpt-4.1-mini"] = Gpt(0.4m, 1.6m, 0.1m),
        ["openai/gpt-4.1-nano"] = Gpt(0.1m, 0.4m, 0.025m),
        ["openai/gpt-5"] = Gpt(1.25m, 10m, 0.125m),
        ["openai/gpt-5-mini"] = Gpt(0.25m, 2m, 0.025m),
        ["openai/gpt-5-nano"] = Gpt(0.05m, 0.40m, 0.005m),
        ["openai/gpt-5.2"] = Gpt(1.75m, 14m, 0.175m),
        ["openai/gpt-5.4"] = Long(Gpt(2.5m, 15m, 0.25m), 272_000, Gpt(5m, 22.5m, 0.5m)),
        ["openai/gpt-5.4-mini"] = Gpt(0.75m, 4.5m, 0.075m),
        ["openai/gpt-5.4-nano"] = Gpt(0.20m, 1.25m, 0.02m),
        ["openai/gpt-5.5"] = Long(Gpt(5m, 30m, 0.5m), 272_000, Gpt(10m, 45m, 1m)),
        ["openai/gpt-5.6-sol"] = Long(Gpt(5m, 30m, 0.5m, 6.25m), 272_000, Gpt(10m, 45m, 1m, 12.5m)),
        ["openai/gpt-5.6-terra"] = Gpt(2m, 12m, 0.20m, 2.5m),
        ["openai/gpt-5.6-luna"] = Long(Gpt(0.20m, 1.20m, 0.02m, 0.25m), 272_000, Gpt(0.40m, 1.80m, 0.04m, 0.50m)),
        ["openai/gpt-6-sol"] = Gpt(2m, 10m, 0.20m, 2.5m),
        ["openai/gpt-6.1-terra"] = Long(Gpt(1m, 5m, 0.05m, 1.25m), 272_000, Gpt(2m, 7.5m, 0.10m, 2.5m)),
        ["openai/gpt-6-luna"] = Gpt(0.10m, 0.50m, 0.01m, 0.125m),
        ["openai/gpt-6-astra"] = Gpt(10m, 50m, 1m),
        ["openai/gpt-oss-120b"] = new(0.18m, 0.80m),
        ["google/gemini-2.5-pro"] = Long(Gpt(1.25m, 10m, 0.125m), 200_000, Gpt(2.5m, 15m, 0.25m)),
        ["google/gemini-2.5-flash"] = Gpt(0.30m, 2.5m, 0.03m),
        ["google/gemini-3.1-pro-preview"] = Long(Gpt(2m, 12m, 0.20m), 200_000, Gpt(4m, 18m, 0.40m)),
        ["google/gemini-3.5-flash-lite"] = Gpt(0.30m, 2.50m, 0.03m),
        ["google/gemini-3.6-flash"] = Gpt(1.5m, 7.5m, 0.15m),
        ["deepseek/deepseek-v4-pro"] = Gpt(1.74m, 3.48m, 0.145m),
        ["deepseek/deepseek-v4-flash"] = Gpt(0.14m, 0.28m, 0.028m),
        ["x-ai/grok-4.5"] = Long(Gpt(2m, 6m, 0.30m), 200_000, Gpt(4m, 12m, 0.60m)),
        ["qwen/qwen3-235b-a22b-2507"] = new(0.071m, 0.10m),
    };

    // OpenRouter charges a long prompt to this model more than Anthropic does.
    private static readonly ModelPrice RoutedSonnet46 = Long(Prices["anthropic/claude-sonnet-4.6"], 200_000, Claude(6m, 22.5m, 0.60m, 7.5m, 12m));

    /// <summary>What OpenRouter charges for a model id, with a variant such as <c>:nitro</c> ignored and <c>:free</c> free.</summary>
    public static ModelPrice OfRouted(string model) => model.Split(':', 2) switch
    {
        [_, "free"] => new ModelPrice(0m, 0m),
        ["anthropic/claude-sonnet-4.6", ..] => RoutedSonnet46,
        [var name, ..] => Prices.GetValueOrDefault(name, Unknown),
        _ => Unknown,
    };

    /// <summary>What a vendor itself charges, or null for a model that it does not have.</summary>
    /// <param name="vendor">As before the slash of OpenRouter's id.</param>
    /// <param name="model">As after it.</param>
    public static ModelPrice? OfVendor(string vendor, string model) => Prices.GetValueOrDefault($"{vendor}/{model}");

    private static ModelPrice Claude(decimal input, decimal output, decimal read, decimal write5m, decimal write1h) =>
        new(input, output) { CacheRead = read, CacheWrite = write5m, CacheWrite1h = write1h };

    private static ModelPrice Gpt(decimal input, decimal output, decimal read, decimal write = 0m) =>
        new(input, output) { CacheRead = read, CacheWrite = write };

    private static ModelPrice Long(ModelPrice price, int above, ModelPrice longPrice) => price with { LongAbove = above, Long = longPrice };
}
