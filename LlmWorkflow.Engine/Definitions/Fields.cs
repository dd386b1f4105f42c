using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Reads an object of a definition. A value of the wrong kind or size reads as absent: <see cref="ShapeCheck"/> has reported it.</summary>
internal readonly struct Fields(JsonElement json)
{
    /// <summary>The property; Undefined when absent.</summary>
    public JsonElement Any(string name) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement value) ? value : default;

    /// <summary>A property of that kind; Undefined when it is something else.</summary>
    public JsonElement Any(string name, JsonValueKind kind) => Any(name) is { } value && value.ValueKind == kind ? value : default;

    public bool Has(string name) => Any(name).ValueKind != JsonValueKind.Undefined;

    public string? Text(string name) => Any(name, JsonValueKind.String) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    public decimal? Number(string name) => Any(name, JsonValueKind.Number) is { ValueKind: JsonValueKind.Number } value && value.TryGetDecimal(out decimal number) ? number : null;

    public double? Seconds(string name) => (double?)Number(name);

    public int? Whole(string name) => Number(name) is { } number && number is >= int.MinValue and <= int.MaxValue ? (int)number : null;

    public long? Long(string name) => Number(name) is { } number && number is >= long.MinValue and <= long.MaxValue ? (long)number : null;

    public bool? Flag(string name) => Any(name).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    public Fields Object(string name) => new(Any(name, JsonValueKind.Object));

    public IReadOnlyList<Fields> Objects(string name) => [.. Items(name).Where(item => item.ValueKind == JsonValueKind.Object).Select(item => new Fields(item))];

    public IReadOnlyList<string> Texts(string name) => [.. Items(name).Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)];

    public IEnumerable<JsonElement> Items(string name) => Any(name, JsonValueKind.Array) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    public IReadOnlyDictionary<string, JsonElement> Members(string name)
    {
        Dictionary<string, JsonElement> members = new(StringComparer.Ordinal);
        if (Any(name, JsonValueKind.Object) is { ValueKind: JsonValueKind.Object } found)
        {
            foreach (JsonProperty property in found.EnumerateObject())
            {
                members[property.Name] = property.Value;
            }
        }

        return members;
    }
}
