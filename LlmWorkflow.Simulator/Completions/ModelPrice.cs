using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Completions;

/// <summary>USD per million tokens of one model.</summary>
/// <param name="Input">Input tokens that are neither read from a cache nor written to one.</param>
/// <param name="Output">Output tokens, reasoning included.</param>
internal sealed record ModelPrice(decimal Input, decimal Output)
{
    private const decimal Million = 1_000_000m;

    /// <summary>Tokens read from the cache; as input unless set.</summary>
    public decimal CacheRead { get => field == 0m ? Input : field; init; }

    /// <summary>Tokens written for 5 minutes; 0: writes cost what input costs, and are not reported.</summary>
    public decimal CacheWrite { get; init; }

    /// <summary>Tokens written for an hour.</summary>
    public decimal CacheWrite1h { get; init; }

    /// <summary>Prompts of more tokens, cached ones included, are charged by <see cref="Long"/>, as a whole.</summary>
    public int LongAbove { get; init; } = int.MaxValue;

    public ModelPrice? Long { get; init; }

    /// <summary>What input costs in USD, with the cache's part.</summary>
    public decimal OfInput(TokenUsage tokens)
    {
        var price = For(tokens);
        return Trim(((tokens.Input * price.Input) + (tokens.CacheRead * price.CacheRead)
            + (tokens.CacheWrite5m * (price.CacheWrite == 0m ? price.Input : price.CacheWrite))
            + (tokens.CacheWrite1h * (price.CacheWrite1h == 0m ? price.Input : price.CacheWrite1h))) / Million);
    }

    public decimal OfOutput(TokenUsage tokens) => Trim(tokens.Output * For(tokens).Output / Million);

    /// <summary>What reading from the cache saved, less what writing to it cost more.</summary>
    public decimal CacheDiscount(TokenUsage tokens) => Trim((tokens.TotalInput * For(tokens).Input / Million) - OfInput(tokens));

    private ModelPrice For(TokenUsage tokens) => Long is { } price && tokens.TotalInput > LongAbove ? price : this;

    /// <summary>Removes trailing zeros, which a decimal otherwise carries into the JSON.</summary>
    public static decimal Trim(decimal usd) => usd / 1.0000000000000000000000000000m;
}
