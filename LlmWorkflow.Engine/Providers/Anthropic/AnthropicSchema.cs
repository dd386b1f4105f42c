using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers.Anthropic;

/// <summary>
/// How a step's <c>response_format</c> is asked for: by <c>output_config.format</c>, in which the model cannot break the schema, where the model has it and the
/// schema can be said in it; else by an instruction at the end of the system prompt. Never by a forced tool, which new models refuse. The engine checks the
/// reply against the step's own schema either way.
/// </summary>
/// <param name="Format">The schema to send; null: none.</param>
/// <param name="Instruction">Null: none.</param>
internal sealed record AnthropicSchema(JsonElement? Format, string? Instruction)
{
    private const string AnyJson = "Answer with one JSON value and nothing else.";

    // Schemas nest to the depth that JSON in definitions may have.
    private const int MostDepth = 64;

    /// <summary>How to ask.</summary>
    public static AnthropicSchema Of(ChatResponseFormat? format, bool takesFormat) => format switch
    {
        ChatResponseFormatJson { Schema: { } schema } => takesFormat && Narrow(schema) is { } narrowed
            ? new(narrowed, null)
            : new(null, $"{AnyJson} It must be valid against this JSON Schema:\n{schema.GetRawText()}"),
        ChatResponseFormatJson => new(null, AnyJson),
        _ => new(null, null),
    };

    /// <summary>
    /// The schema with what the API takes ("JSON Schema limitations" of its structured outputs page): objects are closed, and bounds of numbers, texts and
    /// lists are left out. Null when a part cannot be said, for example an object with any members.
    /// </summary>
    public static JsonElement? Narrow(JsonElement schema)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            if (!Copy(writer, schema, 0))
            {
                return null;
            }
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static bool Copy(Utf8JsonWriter writer, JsonElement schema, int depth)
    {
        if (schema.ValueKind is not JsonValueKind.Object || depth > MostDepth)
        {
            return false;
        }

        var isObject = schema.TryGetProperty("properties", out _);
        if (!isObject && schema.TryGetProperty("type", out var type) && MayBeObject(type))
        {
            // Closed it would allow no members at all, which is not what it says.
            return false;
        }

        writer.WriteStartObject();
        foreach (var keyword in schema.EnumerateObject())
        {
            switch (keyword.Name)
            {
                case "type" or "enum" or "const" or "description" or "title" or "default" or "$ref" or "required":
                    keyword.WriteTo(writer);
                    break;
                case "format" when keyword.Value.ValueKind is JsonValueKind.String && IsFormat(keyword.Value.GetString()!):
                    keyword.WriteTo(writer);
                    break;
                case "minItems" when keyword.Value.ValueKind is JsonValueKind.Number && keyword.Value.TryGetInt32(out var least) && least is 0 or 1:
                    keyword.WriteTo(writer);
                    break;
                case "properties" or "$defs" or "definitions":
                    if (!CopyEach(writer, keyword, depth))
                    {
                        return false;
                    }

                    break;
                case "items":
                    writer.WritePropertyName(keyword.Name);
                    if (!Copy(writer, keyword.Value, depth + 1))
                    {
                        return false;
                    }

                    break;
                case "anyOf":
                    if (!CopyList(writer, keyword, depth))
                    {
                        return false;
                    }

                    break;
                case "allOf" or "oneOf" or "not" or "if" or "then" or "else" or "patternProperties" or "prefixItems" or "$dynamicRef" or "dependentSchemas":
                    return false;
                default:
                    // Bounds and remarks: the engine checks them afterwards.
                    break;
            }
        }

        if (isObject)
        {
            writer.WriteBoolean("additionalProperties", false);
        }

        writer.WriteEndObject();
        return true;
    }

    private static bool CopyEach(Utf8JsonWriter writer, JsonProperty keyword, int depth)
    {
        if (keyword.Value.ValueKind is not JsonValueKind.Object)
        {
            return false;
        }

        writer.WriteStartObject(keyword.Name);
        foreach (var member in keyword.Value.EnumerateObject())
        {
            writer.WritePropertyName(member.Name);
            if (!Copy(writer, member.Value, depth + 1))
            {
                return false;
            }
        }

        writer.WriteEndObject();
        return true;
    }

    private static bool CopyList(Utf8JsonWriter writer, JsonProperty keyword, int depth)
    {
        if (keyword.Value.ValueKind is not JsonValueKind.Array)
        {
            return false;
        }

        writer.WriteStartArray(keyword.Name);
        foreach (var part in keyword.Value.EnumerateArray())
        {
            if (!Copy(writer, part, depth + 1))
            {
                return false;
            }
        }

        writer.WriteEndArray();
        return true;
    }

    private static bool MayBeObject(JsonElement type) => type.ValueKind is JsonValueKind.Array
        ? type.EnumerateArray().Any(MayBeObject)
        : type.ValueKind is JsonValueKind.String && type.ValueEquals("object");

    private static bool IsFormat(string format) =>
        format is "date-time" or "time" or "date" or "duration" or "email" or "hostname" or "uri" or "ipv4" or "ipv6" or "uuid";
}
