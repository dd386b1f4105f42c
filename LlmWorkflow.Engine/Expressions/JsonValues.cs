using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Makes and reads free-standing <see cref="JsonElement"/>s.</summary>
internal static class JsonValues
{
    /// <summary>Deeper than any accepted document, so that values can be put into each other.</summary>
    public const int MaxDepth = 512;

    private static readonly JsonWriterOptions s_writerOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth };

    public static JsonElement Null { get; } = JsonElement.Parse("null");

    public static JsonElement True { get; } = JsonElement.Parse("true");

    public static JsonElement False { get; } = JsonElement.Parse("false");

    public static JsonElement EmptyArray { get; } = JsonElement.Parse("[]");

    public static JsonElement EmptyObject { get; } = JsonElement.Parse("{}");

    /// <summary>Whether there is no value: missing or null.</summary>
    public static bool IsMissingOrNull(this JsonElement value) => value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;

    public static JsonElement String(string value) => Write(writer => writer.WriteStringValue(value));

    public static JsonElement Number(long value) => Write(writer => writer.WriteNumberValue(value));

    /// <summary>The value that <paramref name="write"/> writes.</summary>
    public static JsonElement Write(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer, s_writerOptions))
        {
            write(writer);
        }

        return JsonElement.Parse(buffer.WrittenSpan, new JsonDocumentOptions { MaxDepth = MaxDepth });
    }

    /// <summary>Text of a value inside other text: strings raw, null empty, numbers as written, objects and arrays as compact JSON.</summary>
    public static string ToText(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => "",
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Object or JsonValueKind.Array => ToJson(value),
        _ => value.GetRawText(),
    };

    /// <summary>Compact JSON, letters beyond ASCII as they are.</summary>
    public static string ToJson(JsonElement value)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer, s_writerOptions))
        {
            value.WriteTo(writer);
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>A word for the kind of a value, for messages.</summary>
    public static string KindName(this JsonElement value) => value.ValueKind.Name();

    /// <summary>A word for a kind of value, for messages.</summary>
    public static string Name(this JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        JsonValueKind.Null => "null",
        _ => "missing",
    };
}
