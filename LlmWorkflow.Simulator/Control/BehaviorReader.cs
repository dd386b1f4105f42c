using System.Globalization;
using System.Text.Json;

namespace LlmWorkflow.Simulator.Control;

/// <summary>Reads the body of <c>PUT /_control/behavior</c> and collects everything that is wrong with it.</summary>
internal sealed class BehaviorReader
{
    private static readonly string[] Fields =
    [
        "latency_ms", "tokens_per_second", "output_tokens", "error_status", "error_rate", "retry_after",
        "requests_per_minute", "cut_after_tokens", "reply", "match",
    ];

    private static readonly string[] MatchFields = ["path", "model", "text"];

    private readonly List<string> errors = [];

    public static (IReadOnlyList<Behavior> Behaviors, IReadOnlyList<string> Errors) Read(string body)
    {
        var reader = new BehaviorReader();
        try
        {
            using var document = JsonDocument.Parse(body);
            return (reader.ReadAll(document.RootElement), reader.errors);
        }
        catch (JsonException malformed)
        {
            return ([], [$"The body is not JSON: {malformed.Message}"]);
        }
    }

    private List<Behavior> ReadAll(JsonElement root)
    {
        switch (root.ValueKind)
        {
            case JsonValueKind.Array:
                return [.. root.EnumerateArray().Select((entry, index) => ReadOne(entry, $"[{index}]"))];
            case JsonValueKind.Object:
                return [ReadOne(root, "")];
            default:
                errors.Add($"The body must be a behavior object or an array of them, not {Name(root)}.");
                return [];
        }
    }

    private Behavior ReadOne(JsonElement entry, string at)
    {
        if (!IsObject(entry, at, Fields))
        {
            return new Behavior();
        }

        return new Behavior
        {
            LatencyMs = Number(entry, at, "latency_ms", 0, 3_600_000),
            TokensPerSecond = Number(entry, at, "tokens_per_second", 0.01, 1_000_000),
            OutputTokens = Integer(entry, at, "output_tokens", 0, 1_000_000),
            ErrorStatus = Status(entry, at),
            ErrorRate = Number(entry, at, "error_rate", 0, 1),
            RetryAfter = Number(entry, at, "retry_after", 0, 86_400),
            RequestsPerMinute = Integer(entry, at, "requests_per_minute", 0, 1_000_000),
            CutAfterTokens = Integer(entry, at, "cut_after_tokens", 0, 1_000_000),
            Reply = Text(entry, at, "reply"),
            Match = Match(entry, at),
        };
    }

    private BehaviorMatch? Match(JsonElement entry, string at)
    {
        at = Join(at, "match");
        if (!TryGet(entry, "match", out var match) || !IsObject(match, at, MatchFields))
        {
            return null;
        }

        return new BehaviorMatch { Path = Text(match, at, "path"), Model = Text(match, at, "model"), Text = Text(match, at, "text") };
    }

    private bool IsObject(JsonElement element, string at, string[] fields)
    {
        if (element.ValueKind is not JsonValueKind.Object)
        {
            errors.Add($"'{at}' must be an object with {Allowed(fields)}, not {Name(element)}.");
            return false;
        }

        foreach (var property in element.EnumerateObject().Where(property => !fields.Contains(property.Name, StringComparer.Ordinal)))
        {
            errors.Add($"'{Join(at, property.Name)}' is not a field of it; allowed are {Allowed(fields)}.");
        }

        return true;
    }

    private int? Status(JsonElement entry, string at)
    {
        var status = Integer(entry, at, "error_status", 200, 599);
        if (status is > 200 and < 400)
        {
            errors.Add($"'{Join(at, "error_status")}' must be 400 to 599, or 200 for an error that arrives under HTTP 200, not {status}.");
        }

        return status;
    }

    private int? Integer(JsonElement entry, string at, string field, int least, int most)
    {
        var number = Number(entry, at, field, least, most);
        if (number is { } value && !double.IsInteger(value))
        {
            errors.Add(string.Create(CultureInfo.InvariantCulture, $"'{Join(at, field)}' must be a whole number, not {value}."));
            return null;
        }

        return (int?)number;
    }

    private double? Number(JsonElement entry, string at, string field, double least, double most)
    {
        if (!TryGet(entry, field, out var element))
        {
            return null;
        }

        if (element.ValueKind is JsonValueKind.Number && element.TryGetDouble(out var value) && value >= least && value <= most)
        {
            return value;
        }

        errors.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"'{Join(at, field)}' must be a number from {least} to {most}, not {element.GetRawText()}."));
        return null;
    }

    private string? Text(JsonElement entry, string at, string field)
    {
        if (!TryGet(entry, field, out var element))
        {
            return null;
        }

        if (element.ValueKind is JsonValueKind.String)
        {
            return element.GetString();
        }

        errors.Add($"'{Join(at, field)}' must be a string, not {Name(element)}.");
        return null;
    }

    private static bool TryGet(JsonElement entry, string field, out JsonElement element) =>
        entry.TryGetProperty(field, out element) && element.ValueKind is not JsonValueKind.Null;

    private static string Join(string at, string field) => at.Length == 0 ? field : $"{at}.{field}";

    private static string Allowed(string[] fields) => string.Join(", ", fields);

    private static string Name(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Array => "an array",
        JsonValueKind.Object => "an object",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a boolean",
    };
}
