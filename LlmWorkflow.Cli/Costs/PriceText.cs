using System.Globalization;
using System.Text;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Cli.Costs;

/// <summary>Prices for people.</summary>
internal static class PriceText
{
    private static readonly string[] Head = ["INPUT", "OUTPUT", "CACHE READ", "WRITE 5M", "WRITE 1H", "REASONING"];

    /// <summary>All models with their price at a time; tiers in lines of their own.</summary>
    public static string Of(PriceBook book, DateTimeOffset at)
    {
        var table = new TextTable(1);
        table.Add(["MODEL", .. Head]);
        foreach (var model in book.All)
        {
            var price = model.At(at);
            table.Add([model.Name, .. Row(price?.Rates)]);
            foreach (var tier in price?.Tiers ?? [])
            {
                table.Add([Tier(tier), .. Row(tier.Rates)]);
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{table}{Environment.NewLine}{book.All.Count} models, USD per million tokens at {TimeOption.Text(at)}. '-': as input; write 1h as 5m; reasoning as output.");
    }

    /// <summary>One model: all its periods, or the one of a time.</summary>
    public static string Of(ModelPrice model, DateTimeOffset? at)
    {
        var text = new StringBuilder(model.Name);
        text.AppendLine(model.Aliases.Count > 0 ? $" ({string.Join(", ", model.Aliases)})" : "");
        foreach (var price in at is { } time ? [model.At(time)!] : model.Prices)
        {
            text.AppendLine(Period(price));
            var table = new TextTable(1);
            table.Add(["  USD per million tokens", .. Head]);
            table.Add(["  ", .. Row(price.Rates)]);
            foreach (var tier in price.Tiers)
            {
                table.Add([Tier(tier), .. Row(tier.Rates)]);
            }

            text.AppendLine(table.ToString());
            Line(text, "per request", price.PerRequest > 0 ? Exact(price.PerRequest) : null);
            Line(text, "per web search", price.PerWebSearch is { } fee ? Exact(fee) : null);
            Line(text, "multipliers", string.Join(", ", price.Multipliers.OrderBy(multiplier => multiplier.Key, StringComparer.Ordinal).Select(multiplier => $"{multiplier.Key} x{Exact(multiplier.Value)}")));
            Line(text, "sources", string.Join(", ", price.Sources));
        }

        Line(text, "note", model.Note);
        return text.ToString().TrimEnd();
    }

    /// <summary>What a call costs.</summary>
    public static string Of(UsageCost cost)
    {
        var text = new StringBuilder();
        var total = cost.CostUsd is { } usd ? $"${Exact(usd)} {cost.CostSource}" : "cost unknown";
        text.Append(CultureInfo.InvariantCulture, $"{cost.Model} at {TimeOption.Text(cost.At)}: {total}").AppendLine();
        var table = new TextTable(1);
        table.Add("  KIND", "COUNT", "RATE", "USD");
        foreach (var part in cost.Priced?.Parts ?? [])
        {
            table.Add($"  {part.Kind}", part.Count, Exact(part.Rate), Exact(part.Usd));
        }

        text.AppendLine(cost.Priced is null ? $"  tokens: {string.Join(", ", Tokens(cost.Report.Tokens).Select(kind => $"{kind.Kind} {kind.Count}"))}" : table.ToString());
        Line(text, "tier", cost.Priced?.AboveInputTokens is { } above ? string.Create(CultureInfo.InvariantCulture, $"above {above} input tokens") : null);
        Line(text, "multipliers", string.Join(", ", (cost.Priced?.Multipliers ?? []).Select(multiplier => $"{multiplier.Key} x{Exact(multiplier.Value)}")));
        Line(text, "not in it, the book has no figure", string.Join(", ", cost.Priced?.UnknownTerms ?? []));
        Line(text, "computed", cost is { CostSource: "reported", Priced: { } priced } ? $"${Exact(priced.Usd)}" : null);
        return text.ToString().TrimEnd();
    }

    /// <summary>Tokens by kind.</summary>
    public static IEnumerable<(string Kind, long Count)> Tokens(TokenUsage usage) =>
    [
        ("input", usage.InputTokens), ("output", usage.OutputTokens), ("cache_read", usage.CacheReadTokens), ("cache_write_5m", usage.CacheWriteTokens),
        ("cache_write_1h", usage.CacheWrite1hTokens), ("reasoning", usage.ReasoningTokens), ("total", usage.TotalTokens),
    ];

    /// <summary>Rates by kind.</summary>
    public static IEnumerable<(string Kind, decimal? Rate)> Rates(Rates rates) =>
    [
        ("input", rates.Input), ("output", rates.Output), ("cache_read", rates.CacheRead), ("cache_write_5m", rates.CacheWrite5m),
        ("cache_write_1h", rates.CacheWrite1h), ("reasoning", rates.Reasoning),
    ];

    /// <summary>An amount without trailing zeros.</summary>
    public static string Exact(decimal amount) => Usd.WithoutTrailingZeros(amount).ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<object?> Row(Rates? rates) => rates is null ? new object?[Head.Length] : Rates(rates).Select(kind => kind.Rate is { } rate ? (object)Exact(rate) : null);

    private static string Tier(PriceTier tier) => string.Create(CultureInfo.InvariantCulture, $"  above {tier.AboveInputTokens} input tokens");

    private static string Period(DatedPrice price) => (price.From, price.To) switch
    {
        (null, null) => "at any time",
        (null, { } to) => $"before {TimeOption.Text(to)}",
        ({ } from, null) => $"from {TimeOption.Text(from)}",
        ({ } from, { } to) => $"from {TimeOption.Text(from)} to {TimeOption.Text(to)}",
    };

    private static void Line(StringBuilder text, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            text.Append("  ").Append(name).Append(": ").AppendLine(value);
        }
    }
}
