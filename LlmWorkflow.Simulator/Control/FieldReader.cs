using System.Globalization;
using System.Text.Json;

namespace LlmWorkflow.Simulator.Control;

/// <summary>Reads the fields of JSON objects that a caller of the control API sent, and collects everything that is wrong with them.</summary>
internal sealed class FieldReader
{
    private readonly List<string> errors = [];

    public IReadOnlyList<string> Errors => errors;

    public void Add(string error) => errors.Add(error);

    public bool IsObject(JsonElement element, string at, string[] fields)
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

    public int? Integer(JsonElement entry, string at, string field, int least, int most)
    {
        var number = Number(entry, at, field, least, most);
        if (number is { } value && !double.IsInteger(value))
        {
            errors.Add(string.Create(CultureInfo.InvariantCulture, $"'{Join(at, field)}' must be a whole number, not {value}."));
            return null;
        }

        return (int?)number;
    }

    public double? Number(JsonElement entry, string at, string field, double least, double most)
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

    public string? Text(JsonElement entry, string at, string field)
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

    public IReadOnlyList<string>? Texts(JsonElement entry, string at, string field)
    {
        if (!TryGet(entry, field, out var element))
        {
            return null;
        }

        if (element.ValueKind is JsonValueKind.Array && element.EnumerateArray().All(text => text.ValueKind is JsonValueKind.String))
        {
            return [.. element.EnumerateArray().Select(text => text.GetString()!)];
        }

        errors.Add($"'{Join(at, field)}' must be an array of strings.");
        return null;
    }

    public bool? Flag(JsonElement entry, string at, string field)
    {
        if (!TryGet(entry, field, out var element))
        {
            return null;
        }

        if (element.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return element.GetBoolean();
        }

        errors.Add($"'{Join(at, field)}' must be true or false, not {Name(element)}.");
        return null;
    }

    /// <summary>One of the words that have a meaning.</summary>
    public T? Choice<T>(JsonElement entry, string at, string field, IReadOnlyDictionary<string, T> words)
        where T : struct
    {
        if (Text(entry, at, field) is not { } word)
        {
            return null;
        }

        if (words.TryGetValue(word, out var meaning))
        {
            return meaning;
        }

        errors.Add($"'{Join(at, field)}' must be one of {string.Join(", ", words.Keys)}, not '{word}'.");
        return null;
    }

    /// <summary>An object as it is.</summary>
    public JsonElement? Raw(JsonElement entry, string at, string field)
    {
        if (!TryGet(entry, field, out var element))
        {
            return null;
        }

        if (element.ValueKind is JsonValueKind.Object)
        {
            return element.Clone();
        }

        errors.Add($"'{Join(at, field)}' must be an object, not {Name(element)}.");
        return null;
    }

    public static bool TryGet(JsonElement entry, string field, out JsonElement element) =>
        entry.TryGetProperty(field, out element) && element.ValueKind is not JsonValueKind.Null;

    public static string Join(string at, string field) => at.Length == 0 ? field : $"{at}.{field}";

    public static string Name(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Array => "an array",
        JsonValueKind.Object => "an object",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a boolean",
    };

    private static string Allowed(string[] fields) => string.Join(", ", fields);
}
