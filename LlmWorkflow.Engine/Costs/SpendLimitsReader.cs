using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Costs;

/// <summary>
/// Reads <c>workflows/limits.json</c>. Nothing in it is guessed: an unknown property, a negative amount or a wrong type refuses the file. For editors the same is said
/// in <c>workflows/limits.schema.json</c>.
/// </summary>
internal sealed class SpendLimitsReader
{
    private const string Everyone = "*";

    // More than anybody spends in a day by intention.
    private const decimal MostUsd = 1_000_000;

    private const string WrongAmount = "must be a number from 0 to 1,000,000";

    private readonly List<FileFault> _faults = [];

    private SpendLimitsReader()
    {
    }

    /// <summary>Parses the file's text.</summary>
    /// <exception cref="WorkflowException">It is wrong; the message says where.</exception>
    public static SpendLimits Parse(string json)
    {
        try
        {
            var (limits, faults) = Read(json);
            return faults is [var fault, ..] ? throw Refused(fault.ToString()) : limits;
        }
        catch (JsonException exception)
        {
            throw Refused($"malformed JSON: {exception.Message}", exception);
        }
    }

    /// <summary>Parses the file's text, and notes everything that is wrong with it. With faults the limits are not to be used.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static (SpendLimits Limits, IReadOnlyList<FileFault> Faults) Read(string json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        var reader = new SpendLimitsReader();
        return (reader.Limits(document.RootElement), reader._faults);
    }

    private SpendLimits Limits(JsonElement value)
    {
        var root = new FileFields(value, [], _faults);
        if (!root.Allow("$schema", "description", "daily_usd", "providers"))
        {
            return SpendLimits.None;
        }

        root.Text("$schema");
        root.Text("description");
        var daily = value.TryGetProperty("daily_usd", out var caps) ? new FileFields(caps, ["daily_usd"], _faults) : null;
        var isDaily = daily?.Allow("workflows", "users") ?? false;
        return new SpendLimits
        {
            DailyByWorkflow = isDaily ? Caps(daily!, "workflows") : new Dictionary<string, decimal>(),
            DailyByUser = isDaily ? Users(Caps(daily!, "users")) : new Dictionary<string, decimal>(),
            Providers = Providers(root),
        };
    }

    private Dictionary<string, decimal> Caps(FileFields daily, string name)
    {
        Dictionary<string, decimal> caps = new(StringComparer.Ordinal);
        foreach (var (who, value, path) in daily.Members(name))
        {
            if (value.ValueKind is JsonValueKind.Number && value.TryGetDecimal(out var usd) && usd is >= 0 and <= MostUsd)
            {
                caps[who] = usd;
            }
            else
            {
                _faults.Add(new(path, FileFaultKind.InvalidValue, WrongAmount));
            }
        }

        return caps;
    }

    // However the file writes an id, it is looked up in lower case with hyphens.
    private Dictionary<string, decimal> Users(Dictionary<string, decimal> caps)
    {
        Dictionary<string, decimal> users = new(StringComparer.Ordinal);
        foreach (var (who, usd) in caps)
        {
            var name = who == Everyone ? who : Guid.TryParse(who, out var id) ? id.ToString("D") : null;
            if (name is null || !users.TryAdd(name, usd))
            {
                _faults.Add(new(["daily_usd", "users", who], FileFaultKind.InvalidValue, name is null ? "must be a user's id (a UUID), or \"*\" for all others" : "stands here twice"));
            }
        }

        return users;
    }

    private Dictionary<string, IReadOnlyDictionary<string, ModelLimits>> Providers(FileFields root)
    {
        Dictionary<string, IReadOnlyDictionary<string, ModelLimits>> providers = new(StringComparer.Ordinal);
        foreach (var (provider, value, path) in root.Members("providers"))
        {
            if (value.ValueKind is not JsonValueKind.Object)
            {
                _faults.Add(new(path, FileFaultKind.InvalidValue, "must be an object of models"));
                continue;
            }

            Dictionary<string, ModelLimits> models = new(StringComparer.Ordinal);
            foreach (var model in value.EnumerateObject())
            {
                var fields = new FileFields(model.Value, [.. path, model.Name], _faults);
                if (fields.Allow("concurrency", "requests_per_minute", "tokens_per_minute"))
                {
                    models[model.Name] = new(fields.Count("concurrency"), fields.Count("requests_per_minute"), fields.Count("tokens_per_minute"));
                }
            }

            providers[provider] = models;
        }

        return providers;
    }

    private static WorkflowException Refused(string problem, Exception? inner = null) => new(
        new WorkflowError { Type = ErrorTypes.InvalidDefinition, Category = ErrorCategory.Config, Message = $"limits.json {problem}" },
        inner);
}
