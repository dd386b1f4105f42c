using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>What a JSON text tells about names, where it is certain.</summary>
internal static class SchemaMembers
{
    /// <summary>All members that an object may have; null when the schema does not tell.</summary>
    public static IReadOnlyList<string>? Closed(JsonElement schema)
    {
        Fields fields = new(schema);
        return fields.Flag("additionalProperties") == false && !fields.Has("patternProperties") && !fields.Has("$ref") ? [.. fields.Members("properties").Keys] : null;
    }

    /// <summary>The members that an object must have.</summary>
    public static IReadOnlyList<string> Required(JsonElement schema) => new Fields(schema).Texts("required");

    /// <summary>Every <c>id</c> in a value: those of the steps inside a step that cannot be read.</summary>
    public static IEnumerable<string> Ids(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().SelectMany(property =>
            property is { Name: "id", Value.ValueKind: JsonValueKind.String } ? [property.Value.GetString()!] : Ids(property.Value)),
        JsonValueKind.Array => value.EnumerateArray().SelectMany(Ids),
        _ => [],
    };
}
