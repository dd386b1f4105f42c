using System.Buffers;
using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Simulator.Composition;

/// <summary>
/// The smallest JSON document that satisfies a JSON Schema, filled with the prompt's names where a property's name asks for them.
/// Understands type, properties, required, items, minItems, enum, const, default, anyOf, oneOf, allOf, $ref, minimum, minLength and common formats.
/// </summary>
internal sealed class SchemaReply(JsonElement root, PromptFacts facts, Utf8JsonWriter writer)
{
    // A schema may refer to itself; deeper than this only required members are followed, and then not at all.
    private const int MostDepth = 12;
    private const int MostItems = 5;

    public static string Write(JsonElement? schema, PromptFacts facts, string prompt)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            if (schema is { ValueKind: JsonValueKind.Object } given)
            {
                new SchemaReply(given, facts, writer).WriteValue(given, "value", item: null, index: 0, depth: 0);
            }
            else
            {
                WriteFree(writer, facts, prompt);
            }
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteFree(Utf8JsonWriter writer, PromptFacts facts, string prompt)
    {
        writer.WriteStartObject();
        writer.WriteString("summary", Prose.Write(prompt, prompt.Length, tokens: 20));
        writer.WriteStartArray("items");
        foreach (var item in facts.Items.Take(MostItems))
        {
            writer.WriteStringValue(item.Name);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private void WriteValue(JsonElement schema, string name, NamedItem? item, int index, int depth)
    {
        schema = Resolve(schema);
        if (schema.ValueKind is not JsonValueKind.Object || depth > MostDepth)
        {
            writer.WriteNullValue();
        }
        else if (schema.TryGetProperty("const", out var constant) || schema.TryGetProperty("default", out constant))
        {
            constant.WriteTo(writer);
        }
        else if (schema.TryGetProperty("enum", out var values) && values.GetArrayLength() > 0)
        {
            values[Math.Min(index, values.GetArrayLength() - 1)].WriteTo(writer);
        }
        else
        {
            WriteTyped(schema, name, item, index, depth);
        }
    }

    private void WriteTyped(JsonElement schema, string name, NamedItem? item, int index, int depth)
    {
        switch (Type(schema))
        {
            case "object":
                WriteObject(schema, item, index, depth);
                break;
            case "array":
                WriteArray(schema, name, depth);
                break;
            case "integer":
                writer.WriteNumberValue((long)Math.Ceiling(Number(schema, "minimum", index + 1)));
                break;
            case "number":
                writer.WriteNumberValue(Number(schema, "minimum", index + 1));
                break;
            case "boolean":
                writer.WriteBooleanValue(true);
                break;
            case "null":
                writer.WriteNullValue();
                break;
            default:
                writer.WriteStringValue(Text(schema, name, item, index));
                break;
        }
    }

    private void WriteObject(JsonElement schema, NamedItem? item, int index, int depth)
    {
        writer.WriteStartObject();
        foreach (var property in Properties(schema, required: depth > 4))
        {
            writer.WritePropertyName(property.Name);
            WriteValue(property.Value, property.Name, item, index, depth + 1);
        }

        writer.WriteEndObject();
    }

    private void WriteArray(JsonElement schema, string name, int depth)
    {
        var least = (int)Number(schema, "minItems", 0);
        var most = (int)Number(schema, "maxItems", MostItems);
        var count = Math.Min(most, Math.Max(least, Math.Min(MostItems, Math.Max(1, facts.Items.Count))));
        writer.WriteStartArray();
        for (var i = 0; i < count && schema.TryGetProperty("items", out var items); i++)
        {
            WriteValue(items, name, facts.Items.ElementAtOrDefault(i), i, depth + 1);
        }

        writer.WriteEndArray();
    }

    private string Text(JsonElement schema, string name, NamedItem? item, int index)
    {
        var format = schema.TryGetProperty("format", out var given) ? given.GetString() : null;
        var text = format switch
        {
            "date" => "2026-01-15",
            "date-time" => "2026-01-15T09:00:00Z",
            "email" => "someone@example.com",
            "uri" or "url" => "https://example.com/",
            "uuid" => "00000000-0000-4000-8000-000000000000",
            _ => FieldValue.Of(name, [], item ?? (facts.Items.Count > 0 ? facts.Items[0] : new NamedItem(name)), index, facts),
        };
        var padded = text.PadRight((int)Number(schema, "minLength", 0), '.');
        return padded[..Math.Min(padded.Length, (int)Number(schema, "maxLength", int.MaxValue))];
    }

    private JsonElement Resolve(JsonElement schema)
    {
        for (var hops = 0; hops < MostDepth && schema.ValueKind is JsonValueKind.Object; hops++)
        {
            if (schema.TryGetProperty("$ref", out var reference))
            {
                schema = Follow(reference.GetString() ?? "#");
            }
            else if (FirstOf(schema, "anyOf") is { } any)
            {
                schema = any;
            }
            else if (FirstOf(schema, "oneOf") is { } one)
            {
                schema = one;
            }
            else
            {
                break;
            }
        }

        return schema;
    }

    private JsonElement Follow(string reference)
    {
        var found = root;
        foreach (var part in reference.TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (found.ValueKind is not JsonValueKind.Object || !found.TryGetProperty(part.Replace("~1", "/", StringComparison.Ordinal), out found))
            {
                return default;
            }
        }

        return found;
    }

    private static JsonElement? FirstOf(JsonElement schema, string keyword) =>
        schema.TryGetProperty(keyword, out var options) && options.GetArrayLength() > 0 ? options[0] : null;

    private IEnumerable<JsonProperty> Properties(JsonElement schema, bool required)
    {
        var parts = schema.TryGetProperty("allOf", out var all) ? all.EnumerateArray().Select(Resolve).Prepend(schema) : [schema];
        return parts
            .Where(part => part.ValueKind is JsonValueKind.Object && part.TryGetProperty("properties", out _))
            .SelectMany(part => part.GetProperty("properties").EnumerateObject().Where(property => !required || IsRequired(part, property.Name)))
            .DistinctBy(property => property.Name);
    }

    private static bool IsRequired(JsonElement schema, string name) =>
        schema.TryGetProperty("required", out var required) && required.EnumerateArray().Any(entry => entry.ValueEquals(name));

    private static string Type(JsonElement schema)
    {
        if (schema.TryGetProperty("type", out var type))
        {
            return (type.ValueKind is JsonValueKind.Array ? type[0] : type).GetString() ?? "string";
        }

        return schema.TryGetProperty("properties", out _) || schema.TryGetProperty("allOf", out _) ? "object"
            : schema.TryGetProperty("items", out _) ? "array" : "string";
    }

    private static double Number(JsonElement schema, string keyword, double otherwise) =>
        schema.TryGetProperty(keyword, out var value) && value.ValueKind is JsonValueKind.Number ? value.GetDouble() : otherwise;
}
