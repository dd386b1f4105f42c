using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Transforms;

/// <summary><c>parse_json</c> and <c>pick</c>.</summary>
internal static class JsonTransforms
{
    private const int MostIssues = 5;

    public static JsonElement Parse(TransformCall call)
    {
        string text = call.InputText();
        FoundJson found = JsonInText.Find(text)
            ?? throw call.Fault("there is no JSON in the text, or it is broken in a way that cannot be mended with certainty", call.Input);
        call.CheckSize(found.Value, "the JSON");
        if (call.Object("schema", "a JSON Schema (an object)") is { } schema)
        {
            Check(call, schema, found.Value);
        }

        return found.Value;
    }

    public static JsonElement Pick(TransformCall call)
    {
        IReadOnlyList<string>? fields = call.Names("fields");
        IReadOnlyList<string>? omit = call.Names("omit");
        if (fields is null == omit is null)
        {
            throw call.Fault("either 'fields' or 'omit' must be given", call.Parameters);
        }

        HashSet<string> omitted = new(omit ?? [], StringComparer.Ordinal);
        if (call.Input.ValueKind != JsonValueKind.Array)
        {
            return call.Write(writer => WriteFields(call, call.Input, fields, omitted, writer));
        }

        return call.Write(writer =>
        {
            writer.WriteStartArray();
            foreach (JsonElement item in call.Items())
            {
                WriteFields(call, item, fields, omitted, writer);
            }

            writer.WriteEndArray();
        });
    }

    private static void WriteFields(TransformCall call, JsonElement value, IReadOnlyList<string>? fields, HashSet<string> omitted, Utf8JsonWriter writer)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            throw call.Fault("'pick' needs an object, or an array of objects, as input", value);
        }

        writer.WriteStartObject();
        foreach (string name in fields?.Distinct(StringComparer.Ordinal) ?? value.EnumerateObject().Select(property => property.Name).Distinct(StringComparer.Ordinal))
        {
            if (!omitted.Contains(name) && value.TryGetProperty(name, out JsonElement field))
            {
                writer.WritePropertyName(name);
                field.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
    }

    private static void Check(TransformCall call, JsonElement schema, JsonElement value)
    {
        JsonSchemaCheck check;
        try
        {
            check = JsonSchemaCheck.Compile(schema);
        }
        catch (FormatException exception)
        {
            throw call.Fault($"'schema' cannot be used ({exception.Message.TrimEnd('.')})", schema);
        }

        IReadOnlyList<SchemaIssue> issues = check.Validate(value);
        if (issues.Count > 0)
        {
            string shown = string.Join("; ", issues.Take(MostIssues).Select(issue => $"{(issue.Pointer.Length == 0 ? "the value" : issue.Pointer)} {issue.Message}"));
            throw call.Fault($"the JSON does not fit 'schema': {shown}{(issues.Count > MostIssues ? $"; and {issues.Count - MostIssues} more" : "")}", value);
        }
    }
}
