using System.Text.Json;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Cli.Costs;

/// <summary>Prices as JSON. Amounts are exact, without trailing zeros.</summary>
internal static class PriceJson
{
    /// <summary>All models with their price at a time.</summary>
    public static string Of(PriceBook book, DateTimeOffset at) => CliJson.Text(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("at", TimeOption.Text(at));
        writer.WriteString("unit", "usd_per_million_tokens");
        writer.WriteStartArray("models");
        foreach (var model in book.All)
        {
            writer.WriteStartObject();
            writer.WriteString("model", model.Name);
            Texts(writer, "aliases", model.Aliases);
            writer.WritePropertyName("price");
            Price(writer, model.At(at));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    /// <summary>One model: all its periods, or the one of a time.</summary>
    public static string Of(string asked, ModelPrice model, DateTimeOffset? at, DateTimeOffset now) => CliJson.Text(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("model", asked);
        writer.WriteString("priced_as", model.Name);
        Texts(writer, "aliases", model.Aliases);
        if (model.Note is { } note)
        {
            writer.WriteString("note", note);
        }

        writer.WriteString("at", TimeOption.Text(at ?? now));
        writer.WriteString("unit", "usd_per_million_tokens");
        writer.WritePropertyName("price");
        Price(writer, model.At(at ?? now));
        if (at is null)
        {
            writer.WriteStartArray("prices");
            foreach (var price in model.Prices)
            {
                Price(writer, price);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    });

    /// <summary>What a call costs.</summary>
    public static string Of(UsageCost cost) => CliJson.Text(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("model", cost.Model);
        writer.WriteString("at", TimeOption.Text(cost.At));
        writer.WriteStartObject("tokens");
        foreach (var (kind, count) in PriceText.Tokens(cost.Report.Tokens))
        {
            writer.WriteNumber(kind, count);
        }

        writer.WriteEndObject();
        Amount(writer, "cost_usd", cost.CostUsd);
        writer.WriteString("cost_source", cost.CostSource);
        Amount(writer, "computed_usd", cost.Priced?.Usd);
        Amount(writer, "reported_usd", cost.Report.ReportedUsd);
        Amount(writer, "drift", CostDrift.Of(cost.Priced?.Usd, cost.Report.ReportedUsd) is { } drift ? Math.Round(drift, 6) : null);
        Texts(writer, "terms", cost.Terms);
        if (cost.Priced is { } priced)
        {
            writer.WriteString("priced_as", priced.Model);
            Number(writer, "tier_above_input_tokens", priced.AboveInputTokens);
            writer.WriteStartObject("multipliers");
            foreach (var (term, factor) in priced.Multipliers)
            {
                writer.WriteNumber(term, factor);
            }

            writer.WriteEndObject();
            Texts(writer, "unknown_terms", priced.UnknownTerms);
            writer.WriteStartArray("parts");
            foreach (var part in priced.Parts)
            {
                writer.WriteStartObject();
                writer.WriteString("kind", part.Kind);
                writer.WriteNumber("count", part.Count);
                Amount(writer, "rate", part.Rate);
                Amount(writer, "usd", part.Usd);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    });

    private static void Price(Utf8JsonWriter writer, DatedPrice? price)
    {
        if (price is null)
        {
            writer.WriteNullValue();
            return;
        }

        writer.WriteStartObject();
        Time(writer, "from", price.From);
        Time(writer, "to", price.To);
        Rates(writer, price.Rates);
        if (price.PerRequest > 0)
        {
            Amount(writer, "per_request", price.PerRequest);
        }

        if (price.PerWebSearch is not null)
        {
            Amount(writer, "per_web_search", price.PerWebSearch);
        }

        if (price.CachesByItself)
        {
            writer.WriteBoolean("caches_by_itself", true);
        }

        writer.WriteStartArray("tiers");
        foreach (var tier in price.Tiers)
        {
            writer.WriteStartObject();
            writer.WriteNumber("above_input_tokens", tier.AboveInputTokens);
            Rates(writer, tier.Rates);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartObject("multipliers");
        foreach (var (term, factor) in price.Multipliers.OrderBy(multiplier => multiplier.Key, StringComparer.Ordinal))
        {
            writer.WriteNumber(term, factor);
        }

        writer.WriteEndObject();
        Texts(writer, "sources", price.Sources);
        writer.WriteEndObject();
    }

    private static void Rates(Utf8JsonWriter writer, Rates rates)
    {
        foreach (var (kind, rate) in PriceText.Rates(rates))
        {
            Amount(writer, kind, rate);
        }
    }

    private static void Amount(Utf8JsonWriter writer, string name, decimal? amount)
    {
        if (amount is { } usd)
        {
            writer.WriteNumber(name, Usd.WithoutTrailingZeros(usd));
        }
        else
        {
            writer.WriteNull(name);
        }
    }

    private static void Number(Utf8JsonWriter writer, string name, long? number)
    {
        if (number is { } value)
        {
            writer.WriteNumber(name, value);
        }
        else
        {
            writer.WriteNull(name);
        }
    }

    private static void Time(Utf8JsonWriter writer, string name, DateTimeOffset? time)
    {
        if (time is { } value)
        {
            writer.WriteString(name, TimeOption.Text(value));
        }
        else
        {
            writer.WriteNull(name);
        }
    }

    private static void Texts(Utf8JsonWriter writer, string name, IReadOnlyList<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }
}
