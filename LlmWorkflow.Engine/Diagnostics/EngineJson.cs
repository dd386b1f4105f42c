using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>JSON of the engine's own records: snake_case, nulls left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkflowError))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(bool))]
internal sealed partial class EngineJson : JsonSerializerContext
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>JSON null.</summary>
    public static JsonElement NullValue { get; } = System.Text.Json.JsonElement.Parse("null");

    /// <summary>The error as stored and sent.</summary>
    public static string Text(WorkflowError error) => JsonSerializer.Serialize(error, Default.WorkflowError);

    /// <summary>The error as a value.</summary>
    public static JsonElement Element(WorkflowError error) => JsonSerializer.SerializeToElement(error, Default.WorkflowError);

    /// <summary>Text of a value; null when it is missing.</summary>
    public static string? TextOrNull(JsonElement value) => value.ValueKind is JsonValueKind.Undefined ? null : value.GetRawText();

    /// <summary>Writes one object.</summary>
    public static string Object(Action<Utf8JsonWriter> write)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
