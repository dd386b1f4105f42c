using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmWorkflow.Engine.Providers;

/// <summary>Request bodies are written straight from the call's parts: no copies of long prompts, and exactly the members that are meant.</summary>
internal static class ProviderJson
{
    // No HTML is near: letters outside ASCII stay as they are, which makes bodies of most languages half as long.
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>An object as UTF-8.</summary>
    public static byte[] Object(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, s_options))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>A number, when there is one.</summary>
    public static void WriteOptional(this Utf8JsonWriter writer, string name, float? value)
    {
        if (value is { } number)
        {
            // 0.7, not 0.699999988.
            writer.WritePropertyName(name);
            writer.WriteRawValue(number.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>A number, when there is one.</summary>
    public static void WriteOptional(this Utf8JsonWriter writer, string name, long? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
    }

    /// <summary>A list of texts, when there is one.</summary>
    public static void WriteOptional(this Utf8JsonWriter writer, string name, IList<string>? values)
    {
        if (values is { Count: > 0 })
        {
            writer.WriteStartArray(name);
            foreach (var value in values)
            {
                writer.WriteStringValue(value);
            }

            writer.WriteEndArray();
        }
    }

    /// <summary>Members as they are.</summary>
    public static void WriteMembers(this Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, JsonElement>> members)
    {
        foreach (var (name, value) in members)
        {
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }
    }

    /// <summary>A part of a message's content: text, with a mark for the prompt cache when one is given.</summary>
    public static void WriteTextPart(this Utf8JsonWriter writer, string text, JsonElement cacheControl)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "text");
        writer.WriteString("text", text);
        if (cacheControl.ValueKind is JsonValueKind.Object)
        {
            writer.WritePropertyName("cache_control");
            cacheControl.WriteTo(writer);
        }

        writer.WriteEndObject();
    }
}
