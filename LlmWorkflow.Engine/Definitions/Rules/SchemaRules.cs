using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>Checks a JSON Schema in a definition for what a JSON Schema library takes silently.</summary>
internal sealed class SchemaRules(string code, DefinitionIssues issues)
{
    private static readonly string[] s_types = ["object", "array", "string", "number", "integer", "boolean", "null"];

    /// <summary>Adds an issue for each fault.</summary>
    public static void Check(UsedSchema schema, DefinitionIssues issues)
    {
        int before = issues.Count;
        new SchemaRules(schema.Code, issues).Walk(schema.Schema, schema.Place);
        if (issues.Count == before && InputSchema.CompileError(schema.Schema) is { } error)
        {
            issues.Error(schema.Code, schema.Place, $"The schema cannot be used: {error}");
        }
    }

    private void Walk(JsonElement schema, JsonPlace place)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return;
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            Fault(place, $"A schema must be an object, not {schema.KindName()}.");
            return;
        }

        foreach (JsonProperty property in schema.EnumerateObject())
        {
            JsonPlace at = place.Member(property.Name);
            switch (property.Name)
            {
                case "type":
                    Types(property.Value, at);
                    break;
                case "required":
                    if (property.Value.ValueKind != JsonValueKind.Array || property.Value.EnumerateArray().Any(name => name.ValueKind != JsonValueKind.String))
                    {
                        Fault(at, "'required' must be a list of property names.");
                    }

                    break;
                case "properties" or "definitions" or "$defs" or "patternProperties":
                    Members(property.Value, at);
                    break;
                case "items" when property.Value.ValueKind != JsonValueKind.Array:
                case "additionalProperties" or "not":
                    Walk(property.Value, at);
                    break;
                case "anyOf" or "allOf" or "oneOf" or "items":
                    Alternatives(property.Value, at);
                    break;
                // Anything but the schema itself would be fetched from a disk or the network.
                case "$ref" when property.Value.ValueKind != JsonValueKind.String || !property.Value.GetString()!.StartsWith('#'):
                    Fault(at, "'$ref' may only point into the schema itself (\"#/…\").");
                    break;
                case "pattern" when !IsPattern(property.Value):
                    Fault(at, "'pattern' is no regular expression.");
                    break;
                default:
                    break;
            }
        }
    }

    private void Types(JsonElement value, JsonPlace place)
    {
        IEnumerable<JsonElement> types = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [value];
        if (types.Any(type => type.ValueKind != JsonValueKind.String || !s_types.Contains(type.GetString())))
        {
            Fault(place, $"'type' must be one or a list of: {string.Join(", ", s_types)}.");
        }
    }

    private void Members(JsonElement value, JsonPlace place)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            Fault(place, $"There must be an object of schemas here, not {value.KindName()}.");
            return;
        }

        foreach (JsonProperty property in value.EnumerateObject())
        {
            Walk(property.Value, place.Member(property.Name));
        }
    }

    private void Alternatives(JsonElement value, JsonPlace place)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            Fault(place, $"There must be a list of schemas here, not {value.KindName()}.");
            return;
        }

        int index = 0;
        foreach (JsonElement schema in value.EnumerateArray())
        {
            Walk(schema, place.Item(index++));
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

    private void Fault(JsonPlace place, string message) => issues.Error(code, place, message);
}
