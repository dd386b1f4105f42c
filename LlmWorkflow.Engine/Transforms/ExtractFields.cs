using System.Text.Json;
using LlmWorkflow.Engine.Expressions;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>
/// <c>extract_fields</c>: picks fields out of an object, or out of each item of an array, by JSONPath. The first match counts; null when there is none.
/// </summary>
internal static class ExtractFields
{
    private static readonly JsonSelectSettings s_select = new() { RegexMatchTimeout = TimeSpan.FromSeconds(1) };

    private static readonly JsonLoadSettings s_load = new() { DuplicatePropertyNameHandling = DuplicatePropertyNameHandling.Replace };

    public static JsonElement Apply(TransformCall call)
    {
        List<(string Name, string Path)> fields = Fields(call);
        HashSet<string> required = Required(call, fields);
        if (call.Input.IsMissingOrNull())
        {
            throw call.Fault("there is no input to extract from", call.Input);
        }

        bool isArray = call.Input.ValueKind == JsonValueKind.Array;
        if (!(call.Flag("each") ?? isArray))
        {
            return call.Write(writer => WriteFields(call, call.Input, fields, required, writer));
        }

        if (!isArray)
        {
            throw call.Fault("'each' needs an array as input", call.Input);
        }

        return call.Write(writer =>
        {
            writer.WriteStartArray();
            foreach (JsonElement item in call.Items())
            {
                WriteFields(call, item, fields, required, writer);
            }

            writer.WriteEndArray();
        });
    }

    private static List<(string Name, string Path)> Fields(TransformCall call)
    {
        const string What = "an object of names and JSONPaths";
        JsonElement fields = call.Object("fields", What) ?? throw call.Fault($"'fields' must be {What}", default);
        return [.. fields.EnumerateObject().Select(field => field.Value.ValueKind == JsonValueKind.String
            ? (field.Name, field.Value.GetString()!)
            : throw call.Fault($"field '{field.Name}' must be a JSONPath in a string", field.Value))];
    }

    private static HashSet<string> Required(TransformCall call, List<(string Name, string Path)> fields)
    {
        IReadOnlyList<string> names = call.Names("required")!;
        return names.FirstOrDefault(name => !fields.Exists(field => field.Name == name)) is { } unknown
            ? throw call.Fault($"'required' names '{unknown}', which is not among the fields", call.Parameter("required"))
            : new HashSet<string>(names, StringComparer.Ordinal);
    }

    private static void WriteFields(
        TransformCall call, JsonElement item, List<(string Name, string Path)> fields, HashSet<string> required, Utf8JsonWriter writer)
    {
        JToken token = Read(call, item);
        writer.WriteStartObject();
        foreach ((string name, string path) in fields)
        {
            JToken? match = Select(call, token, name, path);
            bool isNull = match is null or { Type: JTokenType.Null };
            if (isNull && required.Contains(name))
            {
                throw call.Fault($"the required field '{name}' is not there at '{path}'", item);
            }

            writer.WritePropertyName(name);
            if (isNull)
            {
                writer.WriteNullValue();
            }
            else
            {
                writer.WriteRawValue(match!.ToString(Formatting.None));
            }
        }

        writer.WriteEndObject();
    }

    private static JToken? Select(TransformCall call, JToken token, string name, string path)
    {
        try
        {
            return token.SelectTokens(path, s_select).FirstOrDefault();
        }
        // Newtonsoft.Json reports a malformed path as JsonException, and some as ArgumentException or overflow of an index.
        catch (Exception exception) when (exception is Newtonsoft.Json.JsonException or ArgumentException or OverflowException or FormatException
            or System.Text.RegularExpressions.RegexMatchTimeoutException)
        {
            throw call.Fault($"field '{name}' has a path that does not work ({exception.Message})", JsonValues.String(path));
        }
    }

    private static JToken Read(TransformCall call, JsonElement item)
    {
        using JsonTextReader reader = new(new StringReader(item.GetRawText()))
        {
            DateParseHandling = DateParseHandling.None,
            FloatParseHandling = FloatParseHandling.Decimal,
            MaxDepth = 512,
        };
        try
        {
            return JToken.Load(reader, s_load);
        }
        catch (JsonReaderException exception)
        {
            // A number beyond decimal's range.
            throw call.Fault($"the input cannot be read ({exception.Message})", item);
        }
    }
}
