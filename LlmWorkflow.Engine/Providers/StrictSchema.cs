using System.Text.Json;

namespace LlmWorkflow.Engine.Providers;

/// <summary>
/// Whether providers take a schema in strict mode, in which the model cannot break it. They refuse the whole request if the schema holds anything that
/// mode lacks (OpenAI's "Structured Outputs: supported schemas"; Anthropic's is narrower), so it is asked for only where it is sure to work; elsewhere the
/// schema guides the model, and the engine checks.
/// </summary>
internal static class StrictSchema
{
    /// <summary>Whether every object lists all of its properties as required and allows no others, and nothing else is used but what all providers take.</summary>
    public static bool Fits(JsonElement schema) =>
        schema.ValueKind is JsonValueKind.Object && schema.TryGetProperty("type", out var type) && type.ValueKind is JsonValueKind.String && type.ValueEquals("object") && FitsPart(schema);

    private static bool FitsPart(JsonElement schema)
    {
        if (schema.ValueKind is not JsonValueKind.Object || (IsObject(schema) && !IsClosed(schema)))
        {
            return false;
        }

        foreach (var keyword in schema.EnumerateObject())
        {
            var fits = keyword.Name switch
            {
                "type" or "enum" or "const" or "description" or "title" or "$ref" or "$schema" or "required" or "additionalProperties" => true,
                "properties" or "$defs" or "definitions" => keyword.Value.ValueKind is JsonValueKind.Object && keyword.Value.EnumerateObject().All(member => FitsPart(member.Value)),
                "items" => FitsPart(keyword.Value),
                "anyOf" => keyword.Value.ValueKind is JsonValueKind.Array && keyword.Value.EnumerateArray().All(FitsPart),
                _ => false,
            };
            if (!fits)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsObject(JsonElement schema) => schema.TryGetProperty("properties", out _)
        || (schema.TryGetProperty("type", out var type) && (type.ValueKind is JsonValueKind.Array
            ? type.EnumerateArray().Any(one => one.ValueKind is JsonValueKind.String && one.ValueEquals("object"))
            : type.ValueKind is JsonValueKind.String && type.ValueEquals("object")));

    private static bool IsClosed(JsonElement schema)
    {
        if (!schema.TryGetProperty("additionalProperties", out var further) || further.ValueKind is not JsonValueKind.False
            || !schema.TryGetProperty("properties", out var properties) || properties.ValueKind is not JsonValueKind.Object)
        {
            return false;
        }

        var required = schema.TryGetProperty("required", out var names) && names.ValueKind is JsonValueKind.Array
            ? names.EnumerateArray().Where(name => name.ValueKind is JsonValueKind.String).Select(name => name.GetString()).ToHashSet(StringComparer.Ordinal)
            : [];
        return properties.EnumerateObject().All(property => required.Contains(property.Name));
    }
}
