using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Costs;

/// <summary>Reads <c>workflows/pricing.json</c>. Nothing in it is guessed: an unknown property, a negative price or a gap in meaning refuses the file.</summary>
internal static class PriceBookReader
{
    private static readonly string[] s_rates = ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "reasoning"];

    /// <summary>Parses the file's text.</summary>
    /// <exception cref="WorkflowException">It is malformed; the message says where.</exception>
    public static PriceBook Parse(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Book(document.RootElement);
        }
        catch (JsonException exception)
        {
            throw Fault("", $"malformed JSON: {exception.Message}", exception);
        }
    }

    private static PriceBook Book(JsonElement root)
    {
        Check(root, "", ["description", "unit", "default_max_tokens", "models"]);
        if (!root.TryGetProperty("unit", out JsonElement unit) || unit.ValueKind != JsonValueKind.String || !unit.ValueEquals("usd_per_million_tokens"))
        {
            throw Fault("/unit", "must be \"usd_per_million_tokens\"");
        }

        Dictionary<string, ModelPrice> models = new(StringComparer.OrdinalIgnoreCase);
        foreach (JsonProperty model in Need(root, "models", "").EnumerateObject())
        {
            string at = $"/models/{model.Name}";
            ModelPrice price = Model(model.Value, at);
            foreach (string id in Aliases(model.Value, at).Prepend(model.Name))
            {
                if (!models.TryAdd(id, price))
                {
                    throw Fault(at, $"the id '{id}' is priced twice");
                }
            }
        }

        return new PriceBook(models, Count(root, "default_max_tokens", "") ?? throw Fault("/default_max_tokens", "is missing"));
    }

    private static ModelPrice Model(JsonElement model, string at)
    {
        Check(model, at, ["aliases", "default_max_tokens", "prices", "note"]);
        JsonElement prices = Need(model, "prices", at);
        if (prices.ValueKind != JsonValueKind.Array || prices.GetArrayLength() == 0)
        {
            throw Fault($"{at}/prices", "must be a list with at least one entry");
        }

        List<DatedPrice> periods = [.. prices.EnumerateArray().Select((price, index) => Period(price, $"{at}/prices/{index}"))];
        for (int i = 1; i < periods.Count; i++)
        {
            if (periods[i - 1].To is not { } end || periods[i].From is not { } start || start < end)
            {
                throw Fault($"{at}/prices/{i}", "periods must follow each other: each but the last has 'to', each but the first a 'from' that is not before it");
            }
        }

        return new ModelPrice(periods, Count(model, "default_max_tokens", at));
    }

    private static DatedPrice Period(JsonElement price, string at)
    {
        Check(price, at, [.. s_rates, "from", "to", "per_request", "tiers", "caches_by_itself"]);
        List<PriceTier> tiers = [];
        if (price.TryGetProperty("tiers", out JsonElement list))
        {
            tiers.AddRange(list.EnumerateArray().Select((tier, index) => Tier(tier, $"{at}/tiers/{index}")).OrderBy(tier => tier.AboveInputTokens));
        }

        return new DatedPrice
        {
            From = Date(price, "from", at),
            To = Date(price, "to", at),
            Rates = ReadRates(price, at),
            Tiers = tiers,
            PerRequest = Amount(price, "per_request", at) ?? 0,
            CachesByItself = price.TryGetProperty("caches_by_itself", out JsonElement caches) && caches.ValueKind == JsonValueKind.True,
        };
    }

    private static PriceTier Tier(JsonElement tier, string at)
    {
        Check(tier, at, [.. s_rates, "above_input_tokens"]);
        return new PriceTier(Count(tier, "above_input_tokens", at) ?? throw Fault($"{at}/above_input_tokens", "is missing"), ReadRates(tier, at));
    }

    private static Rates ReadRates(JsonElement rates, string at) => new()
    {
        Input = Amount(rates, "input", at) ?? throw Fault($"{at}/input", "is missing"),
        Output = Amount(rates, "output", at) ?? throw Fault($"{at}/output", "is missing"),
        CacheRead = Amount(rates, "cache_read", at),
        CacheWrite5m = Amount(rates, "cache_write_5m", at),
        CacheWrite1h = Amount(rates, "cache_write_1h", at),
        Reasoning = Amount(rates, "reasoning", at),
    };

    private static List<string> Aliases(JsonElement model, string at) => !model.TryGetProperty("aliases", out JsonElement aliases) ? []
        : aliases.ValueKind == JsonValueKind.Array && aliases.EnumerateArray().All(alias => alias.ValueKind == JsonValueKind.String)
            ? [.. aliases.EnumerateArray().Select(alias => alias.GetString()!)]
            : throw Fault($"{at}/aliases", "must be a list of ids");

    private static void Check(JsonElement value, string at, IReadOnlyCollection<string> names)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            throw Fault(at, "must be an object");
        }

        foreach (JsonProperty property in value.EnumerateObject().Where(property => !names.Contains(property.Name)))
        {
            throw Fault($"{at}/{property.Name}", $"is unknown. {NearestNames.Suggest(property.Name, names)}");
        }
    }

    private static JsonElement Need(JsonElement value, string name, string at) =>
        value.TryGetProperty(name, out JsonElement found) ? found : throw Fault($"{at}/{name}", "is missing");

    private static decimal? Amount(JsonElement value, string name, string at) => !value.TryGetProperty(name, out JsonElement amount) ? null
        : amount.ValueKind == JsonValueKind.Number && amount.TryGetDecimal(out decimal number) && number is >= 0 and <= 1_000_000 ? number
        : throw Fault($"{at}/{name}", "must be a number from 0 to 1,000,000");

    private static int? Count(JsonElement value, string name, string at) => !value.TryGetProperty(name, out JsonElement count) ? null
        : count.ValueKind == JsonValueKind.Number && count.TryGetInt32(out int number) && number > 0 ? number
        : throw Fault($"{at}/{name}", "must be a whole number above 0");

    private static DateTimeOffset? Date(JsonElement value, string name, string at) => !value.TryGetProperty(name, out JsonElement date) ? null
        : date.ValueKind == JsonValueKind.String
            && DateTimeOffset.TryParse(date.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset time)
            ? time
            : throw Fault($"{at}/{name}", "must be a date such as \"2026-10-07\" (UTC)");

    private static WorkflowException Fault(string pointer, string problem, Exception? inner = null) => new(
        new WorkflowError
        {
            Type = ErrorTypes.InvalidDefinition,
            Category = ErrorCategory.Config,
            Message = $"pricing.json {(pointer.Length == 0 ? "" : $"at {pointer} ")}{problem}",
        },
        inner);
}
