namespace LlmWorkflow.Simulator.Completions;

/// <summary>What the simulated upstreams charge: USD per million tokens. Its own table, so that a product's price book can be checked against it.</summary>
internal static class PriceTable
{
    private const decimal Million = 1_000_000m;

    private static readonly Price Unknown = new(1m, 2m);

    private static readonly Dictionary<string, Price> Prices = new(StringComparer.OrdinalIgnoreCase)
    {
        ["anthropic/claude-3-haiku"] = new(0.25m, 1.25m),
        ["anthropic/claude-3.5-haiku"] = new(0.80m, 4m),
        ["anthropic/claude-3.5-sonnet"] = new(3m, 15m),
        ["anthropic/claude-3.7-sonnet"] = new(3m, 15m),
        ["anthropic/claude-opus-4"] = new(15m, 75m),
        ["anthropic/claude-opus-4.5"] = new(5m, 25m),
        ["anthropic/claude-opus-4.6"] = new(5m, 25m),
        ["anthropic/claude-opus-4.7"] = new(5m, 25m),
        ["anthropic/claude-opus-4.8"] = new(5m, 25m),
        ["anthropic/claude-opus-5"] = new(5m, 25m),
        ["anthropic/claude-opus-5.5"] = new(4m, 20m),
        ["anthropic/claude-fable-5"] = new(10m, 50m),
        ["anthropic/claude-fable-5.1"] = new(10m, 50m),
        ["anthropic/claude-sonnet-4"] = new(3m, 15m),
        ["anthropic/claude-sonnet-4.5"] = new(3m, 15m),
        ["anthropic/claude-sonnet-4.6"] = new(3m, 15m),
        ["anthropic/claude-sonnet-5"] = new(2m, 10m),
        ["anthropic/claude-sonnet-5.5"] = new(2m, 10m),
        ["anthropic/claude-haiku-4.5"] = new(1m, 5m),
        ["anthropic/claude-haiku-5.5"] = new(0.10m, 0.50m),
        ["openai/gpt-4o"] = new(2.5m, 10m),
        ["openai/gpt-4o-mini"] = new(0.15m, 0.6m),
        ["openai/gpt-4.1"] = new(2m, 8m),
        ["openai/gpt-4.1-mini"] = new(0.4m, 1.6m),
        ["openai/gpt-4.1-nano"] = new(0.1m, 0.4m),
        ["openai/gpt-5"] = new(1.25m, 10m),
        ["openai/gpt-5-mini"] = new(0.25m, 2m),
        ["openai/gpt-5-nano"] = new(0.05m, 0.40m),
        ["openai/gpt-5.2"] = new(1.75m, 14m),
        ["openai/gpt-5.4"] = new(2.5m, 15m),
        ["openai/gpt-5.4-mini"] = new(0.75m, 4.5m),
        ["openai/gpt-5.4-nano"] = new(0.20m, 1.25m),
        ["openai/gpt-5.5"] = new(5m, 30m),
        ["openai/gpt-5.6-sol"] = new(5m, 30m),
        ["openai/gpt-5.6-terra"] = new(2m, 12m),
        ["openai/gpt-5.6-luna"] = new(0.20m, 1.20m),
        ["openai/gpt-6-sol"] = new(2m, 10m),
        ["openai/gpt-6.1-terra"] = new(1m, 5m),
        ["openai/gpt-6-luna"] = new(0.10m, 0.50m),
        ["openai/gpt-6-astra"] = new(10m, 50m),
        ["openai/gpt-oss-120b"] = new(0.18m, 0.80m),
        ["google/gemini-2.5-pro"] = new(1.25m, 10m),
        ["google/gemini-2.5-flash"] = new(0.30m, 2.5m),
        ["google/gemini-3.1-pro-preview"] = new(2m, 12m),
        ["google/gemini-3.5-flash-lite"] = new(0.30m, 2.50m),
        ["google/gemini-3.6-flash"] = new(1.5m, 7.5m),
        ["deepseek/deepseek-v4-pro"] = new(1.74m, 3.48m),
        ["deepseek/deepseek-v4-flash"] = new(0.14m, 0.28m),
        ["x-ai/grok-4.5"] = new(2m, 6m),
        ["qwen/qwen3-235b-a22b-2507"] = new(0.071m, 0.10m),
    };

    /// <summary>The price of a model id, with a variant such as <c>:nitro</c> ignored and <c>:free</c> free.</summary>
    public static Price Of(string model)
    {
        var parts = model.Split(':', 2);
        return parts is [_, "free"] ? new Price(0m, 0m) : Prices.GetValueOrDefault(parts[0], Unknown);
    }

    /// <param name="InputPerMillion">USD per million input tokens.</param>
    /// <param name="OutputPerMillion">USD per million output tokens.</param>
    internal sealed record Price(decimal InputPerMillion, decimal OutputPerMillion)
    {
        public decimal Input(int tokens) => Trim(tokens * InputPerMillion / Million);

        public decimal Output(int tokens) => Trim(tokens * OutputPerMillion / Million);

        public decimal Total(int inputTokens, int outputTokens) => Trim(Input(inputTokens) + Output(outputTokens));

        // Dividing by one at full scale removes trailing zeros, which a decimal otherwise carries into the JSON.
        private static decimal Trim(decimal usd) => usd / 1.0000000000000000000000000000m;
    }
}
