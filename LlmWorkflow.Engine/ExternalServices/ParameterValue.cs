using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>A parameter's value and the schema that it must fit. Forms and models send numbers as texts and single values for lists: what is meant is taken. Pure.</summary>
internal static class ParameterValue
{
    /// <summary>The value in a type that its schema names; as it is when it fits none.</summary>
    public static JsonElement Convert(JsonElement schema, JsonElement value)
    {
        var types = Types(schema);
        if (types.Count == 0 || types.Contains(Type(value)))
        {
            return value.ValueKind == JsonValueKind.Array ? Items(schema, value) : value;
        }

        foreach (var type in types)
        {
            if (As(type, schema, value) is { ValueKind: not JsonValueKind.Undefined } converted)
            {
                return converted;
            }
        }

        return value;
    }

    /// <summary>What the schema takes, in words: <c>a number from 1 to 20</c>.</summary>
    public static string Describe(JsonElement schema)
    {
        if (Member(schema, "enum") is { ValueKind: JsonValueKind.Array } values)
        {
            return $"one of: {string.Join(", ", values.EnumerateArray().Select(JsonValues.ToText))}";
        }

        var types = string.Join(" or ", Types(schema).Select(Name));
        var type = types.Length == 0 ? "another value" : types;
        return type
            + (type == "an array" && Member(schema, "items") is { ValueKind: JsonValueKind.Object } items && Types(items) is [var item] ? $" of {item}s" : "")
            + Bounds(schema, "minimum", "maximum", "")
            + Bounds(schema, "exclusiveMinimum", "exclusiveMaximum", " (exclusive)")
            + Sizes(schema, "minItems", "maxItems", "items")
            + Sizes(schema, "minLength", "maxLength", "characters")
            + (Member(schema, "pattern") is { ValueKind: JsonValueKind.String } pattern ? $" that matches {pattern.GetString()}" : "");
    }

    private static JsonElement As(string type, JsonElement schema, JsonElement value) => (type, value.ValueKind) switch
    {
        ("string", JsonValueKind.Number) => JsonValues.String(value.GetRawText()),
        ("number", JsonValueKind.String) => Number(value.GetString()!),
        ("integer", JsonValueKind.String) => Number(value.GetString()!) is { ValueKind: JsonValueKind.Number } number ? Whole(number) : default,
        ("integer", JsonValueKind.Number) => Whole(value),
        ("boolean", JsonValueKind.String) when value.GetString() is "true" or "false" => value.GetString() == "true" ? JsonValues.True : JsonValues.False,
        ("array", not (JsonValueKind.Array or JsonValueKind.Null)) when value.ValueKind != JsonValueKind.Object || ItemTypes(schema).Contains("object") =>
            Items(schema, JsonElement.Parse($"[{value.GetRawText()}]")),
        _ => default,
    };

    private static JsonElement Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? JsonValues.Write(writer => writer.WriteNumberValue(number))
            : default;

    private static JsonElement Whole(JsonElement number) =>
        number.TryGetDouble(out var value) && value == Math.Floor(value) && Math.Abs(value) < 1L << 53 ? JsonValues.Number((long)value) : default;

    private static JsonElement Items(JsonElement schema, JsonElement array)
    {
        if (Member(schema, "items") is not { ValueKind: JsonValueKind.Object } items)
        {
            return array;
        }

        return JsonValues.Write(writer =>
        {
            writer.WriteStartArray();
            foreach (var item in array.EnumerateArray())
            {
                Convert(items, item).WriteTo(writer);
            }

            writer.WriteEndArray();
        });
    }

    private static string Type(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => "number",
        JsonValueKind.Null => "null",
        _ => "boolean",
    };

    private static IReadOnlyList<string> Types(JsonElement schema) => Member(schema, "type") switch
    {
        { ValueKind: JsonValueKind.String } one => [one.GetString()!],
        { ValueKind: JsonValueKind.Array } several => [.. several.EnumerateArray().Select(type => type.GetString()!)],
        _ => [],
    };

    private static IReadOnlyList<string> ItemTypes(JsonElement schema) => Member(schema, "items") is { ValueKind: JsonValueKind.Object } items ? Types(items) : [];

    private static JsonElement Member(JsonElement schema, string name) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out var member) ? member : default;

    private static string Name(string type) => type switch
    {
        "integer" => "an integer",
        "array" => "an array",
        "object" => "an object",
        "null" => "null",
        _ => $"a {type}",
    };

    private static string Bounds(JsonElement schema, string low, string high, string remark) => (Member(schema, low), Member(schema, high)) switch
    {
        ({ ValueKind: JsonValueKind.Number } least, { ValueKind: JsonValueKind.Number } most) => $" from {least.GetRawText()} to {most.GetRawText()}{remark}",
        ({ ValueKind: JsonValueKind.Number } least, _) => $" from {least.GetRawText()}{remark}",
        (_, { ValueKind: JsonValueKind.Number } most) => $" up to {most.GetRawText()}{remark}",
        _ => "",
    };

    private static string Sizes(JsonElement schema, string low, string high, string what) => (Member(schema, low), Member(schema, high)) switch
    {
        ({ ValueKind: JsonValueKind.Number } least, { ValueKind: JsonValueKind.Number } most) => $" of {least.GetRawText()} to {most.GetRawText()} {what}",
        ({ ValueKind: JsonValueKind.Number } least, _) => $" of at least {least.GetRawText()} {what}",
        (_, { ValueKind: JsonValueKind.Number } most) => $" of at most {most.GetRawText()} {what}",
        _ => "",
    };
}
