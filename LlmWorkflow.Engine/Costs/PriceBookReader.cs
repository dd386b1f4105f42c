using System.Collections.Frozen;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Costs;

/// <summary>
/// Reads <c>workflows/pricing.json</c>. Nothing in it is guessed: an unknown property, a negative price or a gap in meaning refuses the file.
/// For editors the same is said in <c>workflows/pricing.schema.json</c>.
/// </summary>
internal sealed partial class PriceBookReader
{
    // A hundred times the dearest model.
    private const decimal MostUsd = 10_000;

    private const string WrongDate = "must be a date such as \"2026-10-07\" (UTC)";

    private static readonly string[] s_rates = ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "reasoning"];

    private readonly List<FileFault> _faults = [];
    private readonly HashSet<string> _sources = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ids = new(StringComparer.OrdinalIgnoreCase);

    private PriceBookReader()
    {
    }

    /// <summary>Parses the file's text.</summary>
    /// <exception cref="WorkflowException">It is malformed; the message says where.</exception>
    public static PriceBook Parse(string json)
    {
        try
        {
            var (book, faults) = Read(json);
            return faults is [var fault, ..] ? throw Refused(fault.ToString()) : book;
        }
        catch (JsonException exception)
        {
            throw Refused($"malformed JSON: {exception.Message}", exception);
        }
    }

    /// <summary>Parses the file's text, and notes everything that is wrong with it. With faults the book is not to be used.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static (PriceBook Book, IReadOnlyList<FileFault> Faults) Read(string json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        var reader = new PriceBookReader();
        return (reader.Book(document.RootElement), reader._faults);
    }

    private PriceBook Book(JsonElement value)
    {
        var root = new FileFields(value, [], _faults);
        if (!root.Allow("$schema", "description", "unit", "default_max_tokens", "sources", "models"))
        {
            return PriceBook.Empty;
        }

        if (root.Text("unit") is not "usd_per_million_tokens")
        {
            root.Fault("unit", "must be \"usd_per_million_tokens\"");
        }

        _sources.UnionWith(root.Members("sources").Select(source => source.Name));
        List<ModelPrice> models = [];
        foreach (var (name, price, path) in root.Members("models", required: true))
        {
            if (Model(name, price, path) is { } model)
            {
                models.Add(model);
            }
        }

        var defaultMaxTokens = root.Count("default_max_tokens", required: true);
        return _faults.Count > 0 ? PriceBook.Empty : new PriceBook(models, defaultMaxTokens!.Value);
    }

    private ModelPrice? Model(string name, JsonElement value, IReadOnlyList<string> path)
    {
        var model = new FileFields(value, path, _faults);
        if (!model.Allow("aliases", "default_max_tokens", "prices", "note"))
        {
            return null;
        }

        var aliases = model.Texts("aliases");
        foreach (var id in aliases.Prepend(name).Where(id => !_ids.Add(id)))
        {
            _faults.Add(new(path, FileFaultKind.InvalidValue, $"the id '{id}' is priced twice"));
        }

        var prices = model.Items("prices", required: true);
        List<DatedPrice> periods = [.. prices.Select(price => Period(price.Value, price.Path)).OfType<DatedPrice>()];
        for (var i = 1; i < periods.Count && periods.Count == prices.Count; i++)
        {
            if (periods[i - 1].To is not { } end || periods[i].From is not { } start || start < end)
            {
                _faults.Add(new(
                    prices[i].Path,
                    FileFaultKind.InvalidValue,
                    "periods must follow each other: each but the last has 'to', each but the first a 'from' that is not before it"));
            }
        }

        return new ModelPrice { Name = name, Aliases = aliases, Prices = periods, DefaultMaxTokens = model.Count("default_max_tokens"), Note = model.Text("note") };
    }

    private DatedPrice? Period(JsonElement value, IReadOnlyList<string> path)
    {
        var price = new FileFields(value, path, _faults);
        if (!price.Allow([.. s_rates, "from", "to", "per_request", "per_web_search", "multipliers", "tiers", "caches_by_itself", "sources"]))
        {
            return null;
        }

        var (from, to) = (Date(price, "from"), Date(price, "to"));
        if (from >= to)
        {
            price.Fault("to", "must be after 'from'");
        }

        var sources = price.Texts("sources");
        foreach (var source in sources.Where(source => !_sources.Contains(source)))
        {
            price.Fault("sources", $"'{source}' is none of the file's sources", NearestNames.Suggest(source, _sources));
        }

        return new DatedPrice
        {
            From = from,
            To = to,
            Rates = ReadRates(price),
            Tiers = Tiers(price),
            PerRequest = price.Amount("per_request", MostUsd) ?? 0,
            PerWebSearch = price.Amount("per_web_search", MostUsd),
            Multipliers = Multipliers(price),
            CachesByItself = price.Flag("caches_by_itself"),
            Sources = sources,
        };
    }

    private static DateTimeOffset? Date(FileFields price, string name)
    {
        if (price.Text(name, problem: WrongDate) is not { } text)
        {
            return null;
        }

        if (IsoTime.TryParse(text, out var time))
        {
            return time;
        }

        price.Fault(name, WrongDate);
        return null;
    }

    private List<PriceTier> Tiers(FileFields price)
    {
        List<PriceTier> tiers = [];
        foreach (var (value, path) in price.Items("tiers"))
        {
            var tier = new FileFields(value, path, _faults);
            if (tier.Allow([.. s_rates, "above_input_tokens"]))
            {
                tiers.Add(new PriceTier(tier.Count("above_input_tokens", required: true) ?? 0, ReadRates(tier)));
            }
        }

        if (tiers.DistinctBy(tier => tier.AboveInputTokens).Count() < tiers.Count)
        {
            price.Fault("tiers", "has two tiers of the same length");
        }

        return [.. tiers.OrderBy(tier => tier.AboveInputTokens)];
    }

    private FrozenDictionary<string, decimal> Multipliers(FileFields price)
    {
        Dictionary<string, decimal> multipliers = new(StringComparer.Ordinal);
        foreach (var (term, value, path) in price.Members("multipliers"))
        {
            if (!Term().IsMatch(term))
            {
                _faults.Add(new(path, FileFaultKind.InvalidValue, "must be a term such as \"service_tier:batch\", in lower case"));
            }

            if (value.ValueKind is JsonValueKind.Number && value.TryGetDecimal(out var factor) && factor is > 0 and <= 100)
            {
                multipliers[term] = factor;
            }
            else
            {
                _faults.Add(new(path, FileFaultKind.InvalidValue, "must be a number above 0, at most 100"));
            }
        }

        return multipliers.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static Rates ReadRates(FileFields rates) => new()
    {
        Input = rates.Amount("input", MostUsd, required: true) ?? 0,
        Output = rates.Amount("output", MostUsd, required: true) ?? 0,
        CacheRead = rates.Amount("cache_read", MostUsd),
        CacheWrite5m = rates.Amount("cache_write_5m", MostUsd),
        CacheWrite1h = rates.Amount("cache_write_1h", MostUsd),
        Reasoning = rates.Amount("reasoning", MostUsd),
    };

    private static WorkflowException Refused(string problem, Exception? inner = null) => new(
        new WorkflowError { Type = ErrorTypes.InvalidDefinition, Category = ErrorCategory.Config, Message = $"pricing.json {problem}" },
        inner);

    [GeneratedRegex("^[a-z][a-z0-9_]*:[a-z0-9_.-]+$", RegexOptions.CultureInvariant)]
    private static partial Regex Term();
}
