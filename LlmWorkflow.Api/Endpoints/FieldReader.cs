using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Reads the fields of an object, collecting everything that is wrong. A field that is null counts as left out.</summary>
internal sealed class FieldReader(JsonElement body)
{
    public List<ProblemIssue> Issues { get; } = [];

    /// <summary>A value in words, for "must be …, not …".</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };

    public void Reject(string field, string message) => Issues.Add(new() { Pointer = field.Length == 0 ? "" : $"/{TextFaults.Escape(field)}", Message = message });

    public void RejectUnknown(IReadOnlyList<string> known)
    {
        foreach (var property in body.EnumerateObject().Where(p => !known.Contains(p.Name)))
        {
            var nearest = NearestNames.Find(property.Name, known, 1);
            Reject(property.Name, nearest is [var name] ? $"is not a field; did you mean '{name}'?" : $"is not a field; the fields are {string.Join(", ", known)}");
        }
    }

    public string? Text(string field, int least, int most, bool required = false)
    {
        if (Value(field, JsonValueKind.String, "a string", required) is not { } value)
        {
            return null;
        }

        var text = value.GetString()!;
        // Postgres counts code points, a string UTF-16 units.
        var length = text.Length <= most ? text.Length : text.EnumerateRunes().Count();
        if (length < least || length > most)
        {
            Reject(field, least == 0 ? $"must have at most {most} characters, not {length}" : $"must have {least} to {most} characters, not {length}");
        }

        return text;
    }

    public JsonElement? Object(string field) => Value(field, JsonValueKind.Object, "an object");

    public Guid? Id(string field)
    {
        if (Value(field, JsonValueKind.String, "a string with a UUID") is not { } value)
        {
            return null;
        }

        if (value.TryGetGuid(out var id))
        {
            return id;
        }

        Reject(field, "must be a UUID such as 0192f0c1-2b7a-7c3e-9f44-5d2b8a1e6f00");
        return null;
    }

    public int? Whole(string field, int least, int most)
    {
        if (Value(field, JsonValueKind.Number, $"a whole number from {least} to {most}") is not { } value)
        {
            return null;
        }

        if (value.TryGetInt32(out var number) && number >= least && number <= most)
        {
            return number;
        }

        Reject(field, $"must be a whole number from {least} to {most}");
        return null;
    }

    public decimal? Amount(string field, decimal most)
    {
        if (Value(field, JsonValueKind.Number, "a number above 0") is not { } value)
        {
            return null;
        }

        if (value.TryGetDecimal(out var amount) && amount > 0 && amount <= most)
        {
            return amount;
        }

        Reject(field, string.Create(CultureInfo.InvariantCulture, $"must be a number above 0 and at most {most}"));
        return null;
    }

    public bool? Flag(string field)
    {
        if (!TryGet(field, out var value))
        {
            return null;
        }

        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return value.GetBoolean();
        }

        Reject(field, $"must be true or false, not {Describe(value)}");
        return null;
    }

    public DateTimeOffset? Time(string field)
    {
        if (Value(field, JsonValueKind.String, "a string with an ISO 8601 time") is not { } value)
        {
            return null;
        }

        // ISO 8601 only; without an offset it is UTC, whatever zone the server is in.
        if (value.TryGetDateTime(out var time) && (time.Kind is not DateTimeKind.Unspecified || time.Year is > 1 and < 9999))
        {
            return time.Kind is DateTimeKind.Unspecified
                ? new DateTimeOffset(time, TimeSpan.Zero)
                : value.TryGetDateTimeOffset(out var exact) ? exact.ToUniversalTime() : new DateTimeOffset(time.ToUniversalTime());
        }

        Reject(field, "must be an ISO 8601 time such as 2026-11-21T18:00:00Z");
        return null;
    }

    public IReadOnlyList<string> Texts(string field, int most, int longest)
    {
        var texts = Strings(field);
        if (texts.Count > most)
        {
            Reject(field, $"must have at most {most} entries, not {texts.Count}");
        }

        for (var i = 0; i < texts.Count; i++)
        {
            if (texts[i] is { } text && text.EnumerateRunes().Count() is var length && (length == 0 || length > longest))
            {
                Reject(field, i, $"must have 1 to {longest} characters, not {length}");
            }
        }

        return [.. texts.OfType<string>()];
    }

    public IReadOnlyList<string> Names(string field, IReadOnlyList<string> allowed)
    {
        var names = Strings(field);
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i] is { } name && !allowed.Contains(name, StringComparer.Ordinal))
            {
                Reject(field, i, $"must be one of {string.Join(", ", allowed)}");
            }
        }

        return [.. names.OfType<string>().Distinct(StringComparer.Ordinal)];
    }

    private List<string?> Strings(string field)
    {
        List<string?> texts = [];
        if (Value(field, JsonValueKind.Array, "an array of strings") is { } array)
        {
            foreach (var item in array.EnumerateArray())
            {
                if (item.ValueKind is not JsonValueKind.String)
                {
                    Reject(field, texts.Count, $"must be a string, not {Describe(item)}");
                }

                texts.Add(item.ValueKind is JsonValueKind.String ? item.GetString() : null);
            }
        }

        return texts;
    }

    private JsonElement? Value(string field, JsonValueKind kind, string expected, bool required = false)
    {
        if (!TryGet(field, out var value))
        {
            if (required)
            {
                Reject(field, $"is missing; it must be {expected}");
            }

            return null;
        }

        if (value.ValueKind == kind)
        {
            return value;
        }

        Reject(field, $"must be {expected}, not {Describe(value)}");
        return null;
    }

    private bool TryGet(string field, out JsonElement value) => body.TryGetProperty(field, out value) && value.ValueKind is not JsonValueKind.Null;

    private void Reject(string field, int index, string message) => Issues.Add(new() { Pointer = $"/{field}/{index}", Message = message });
}
