using System.Text.Json;

namespace LlmWorkflow.Simulator.OpenAi;

/// <summary>What OpenAI refuses of a schema with <c>strict: true</c>: objects must name all their properties as required and allow no others.</summary>
internal static class StrictSchemaFault
{
    private const int MostDepth = 32;

    /// <param name="root">The request's body.</param>
    /// <param name="schema">Its schema; null: it has none.</param>
    public static string? Of(JsonElement root, JsonElement? schema) =>
        schema is { } given && root.GetProperty("response_format").GetProperty("json_schema") is var named
        && named.TryGetProperty("strict", out var strict) && strict.ValueKind is JsonValueKind.True && Find(given, "()", allRequired: true, 0) is { } fault
            ? $"Invalid schema for response_format '{named.GetProperty("name").GetString()}': {fault}"
            : null;

    /// <summary>The first fault of a schema and what is below it.</summary>
    /// <param name="schema">A schema.</param>
    /// <param name="at">Where it is.</param>
    /// <param name="allRequired">Every property must be required.</param>
    /// <param name="depth">0 at the top.</param>
    public static string? Find(JsonElement schema, string at, bool allRequired, int depth)
    {
        if (schema.ValueKind is not JsonValueKind.Object || depth > MostDepth)
        {
            return null;
        }

        if (schema.TryGetProperty("type", out var type) && type.ValueKind is JsonValueKind.String && type.ValueEquals("object"))
        {
            if (!schema.TryGetProperty("additionalProperties", out var others) || others.ValueKind is not JsonValueKind.False)
            {
                return $"In context={at}, 'additionalProperties' is required to be supplied and to be false.";
            }

            if (allRequired && Optional(schema) is { } name)
            {
                return $"In context={at}, 'required' is required to be supplied and to be an array including every key in properties. Missing '{name}'.";
            }
        }

        foreach (var member in schema.EnumerateObject())
        {
            var fault = member switch
            {
                { Name: "properties" or "$defs" or "definitions", Value.ValueKind: JsonValueKind.Object } =>
                    member.Value.EnumerateObject().Select(below => Find(below.Value, $"{at}.{below.Name}", allRequired, depth + 1)).FirstOrDefault(found => found is not null),
                { Name: "anyOf" or "oneOf" or "allOf", Value.ValueKind: JsonValueKind.Array } =>
                    member.Value.EnumerateArray().Select(below => Find(below, at, allRequired, depth + 1)).FirstOrDefault(found => found is not null),
                { Name: "items" } => Find(member.Value, $"{at}.items", allRequired, depth + 1),
                _ => null,
            };
            if (fault is not null)
            {
                return fault;
            }
        }

        return null;
    }

    private static string? Optional(JsonElement schema)
    {
        string?[] required = schema.TryGetProperty("required", out var names) && names.ValueKind is JsonValueKind.Array
            ? [.. names.EnumerateArray().Where(name => name.ValueKind is JsonValueKind.String).Select(name => name.GetString())] : [];
        return schema.TryGetProperty("properties", out var properties) && properties.ValueKind is JsonValueKind.Object
            ? properties.EnumerateObject().Select(property => property.Name).FirstOrDefault(name => !required.Contains(name)) : null;
    }
}
