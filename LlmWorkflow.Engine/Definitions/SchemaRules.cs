using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Checks an <c>input_schema</c> for what a JSON Schema library takes silently.</summary>
internal static class SchemaRules
{
    private static readonly string[] s_types = ["object", "array", "string", "number", "integer", "boolean", "null"];

    /// <summary>Adds an issue for each fault.</summary>
    public static void Check(JsonElement schema, string pointer, DefinitionIssues issues)
    {
        if (schema.ValueKind is JsonValueKind.Undefined)
        {
            return;
        }

        int before = issues.InFileOrder.Count;
        Walk(schema, pointer, issues);
        if (issues.InFileOrder.Count == before && InputSchema.CompileError(schema) is { } error)
        {
            issues.Error(IssueCodes.InvalidInputSchema, pointer, $"The schema cannot be used: {error}");
        }
    }

    private static void Walk(JsonElement schema, string pointer, DefinitionIssues issues)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return;
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            Fault(pointer, $"A schema must be an object, not {schema.KindName()}.", issues);
            return;
        }

        foreach (JsonProperty property in schema.EnumerateObject())
        {
            string at = $"{pointer}/{JsonPositions.Escape(property.Name)}";
            switch (property.Name)
            {
                case "type":
                    Types(property.Value, at, issues);
                    break;
                case "required":
                    if (property.Value.ValueKind != JsonValueKind.Array || property.Value.EnumerateArray().Any(name => name.ValueKind != JsonValueKind.String))
                    {
                        Fault(at, "'required' must be a list of property names.", issues);
                    }

                    break;
                case "properties" or "definitions" or "$defs" or "patternProperties":
                    Members(property.Value, at, issues);
                    break;
                case "items" when property.Value.ValueKind != JsonValueKind.Array:
                case "additionalProperties" or "not":
                    Walk(property.Value, at, issues);
                    break;
                case "anyOf" or "allOf" or "oneOf" or "items":
                    Alternatives(property.Value, at, issues);
                    break;
                // Anything but the schema itself would be fetched from a disk or the network.
                case "$ref" when property.Value.ValueKind != JsonValueKind.String || !property.Value.GetString()!.StartsWith('#'):
                    Fault(at, "'$ref' may only point into the schema itself (\"#/…\").", issues);
                    break;
                case "pattern" when !IsPattern(property.Value):
                    Fault(at, "'pattern' is no regular expression.", issues);
                    break;
                default:
                    break;
            }
        }
    }

    private static void Types(JsonElement value, string pointer, DefinitionIssues issues)
    {
        IEnumerable<JsonElement> types = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [value];
        if (types.Any(type => type.ValueKind != JsonValueKind.String || !s_types.Contains(type.GetString())))
        {
            Fault(pointer, $"'type' must be one or a list of: {string.Join(", ", s_types)}.", issues);
        }
    }

    private static void Members(JsonElement value, string pointer, DefinitionIssues issues)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            Fault(pointer, $"There must be an object of schemas here, not {value.KindName()}.", issues);
            return;
        }

        foreach (JsonProperty property in value.EnumerateObject())
        {
            Walk(property.Value, $"{pointer}/{JsonPositions.Escape(property.Name)}", issues);
        }
    }

    private static void Alternatives(JsonElement value, string pointer, DefinitionIssues issues)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            Fault(pointer, $"There must be a list of schemas here, not {value.KindName()}.", issues);
            return;
        }

        int index = 0;
        foreach (JsonElement schema in value.EnumerateArray())
        {
            Walk(schema, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{pointer}/{index++}"), issues);
        }
    }

    private static bool IsPattern(JsonElement value)
    {
        try
        {
            _ = new System.Text.RegularExpressions.Regex(value.GetString()!);
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    private static void Fault(string pointer, string message, DefinitionIssues issues) => issues.Error(IssueCodes.InvalidInputSchema, pointer, message);
}
