using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>Reads a call's input and writes its result, within <see cref="TransformLimits"/>.</summary>
internal static class TransformCallValues
{
    // Results hold inputs, so they may be nested more deeply than any input.
    private static readonly JsonWriterOptions s_writer = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1024 };

    private static readonly JsonDocumentOptions s_reader = new() { MaxDepth = 1024 };

    /// <summary>The items of the input, which must be an array; cancellation is looked at before each.</summary>
    /// <exception cref="WorkflowException">It is no array, or has too many items.</exception>
    public static IEnumerable<JsonElement> Items(this TransformCall call)
    {
        if (call.Input.ValueKind != JsonValueKind.Array)
        {
            throw call.Fault($"'{call.Operation}' needs an array as input", call.Input);
        }

        call.CheckCount(call.Input.GetArrayLength());
        return Enumerate(call);
    }

    /// <summary>The input's text: the input itself, or <c>content</c> of the output of an llm step.</summary>
    /// <exception cref="WorkflowException">It has none.</exception>
    public static string InputText(this TransformCall call)
    {
        JsonElement input = call.Input;
        if (input.ValueKind == JsonValueKind.Object && input.TryGetProperty("content", out JsonElement content))
        {
            input = content;
        }

        return input.ValueKind == JsonValueKind.String
            ? input.GetString()!
            : throw call.Fault($"'{call.Operation}' needs text as input, or an object with text in 'content'", call.Input);
    }

    /// <summary>Refuses values that are too large to work on.</summary>
    /// <exception cref="WorkflowException">It is too large.</exception>
    public static void CheckSize(this TransformCall call, JsonElement value, string what)
    {
        if (value.ValueKind != JsonValueKind.Undefined && JsonMarshal.GetRawUtf8Value(value).Length is var bytes && bytes > TransformLimits.MaxBytes)
        {
            throw call.Fault($"{what} has {bytes / (1024 * 1024)} MiB, more than the {TransformLimits.MaxBytes / (1024 * 1024)} MiB that a transform takes", value);
        }
    }

    /// <summary>Refuses arrays that are too long to work on.</summary>
    /// <exception cref="WorkflowException">There are too many items.</exception>
    public static void CheckCount(this TransformCall call, int count)
    {
        if (count > TransformLimits.MaxItems)
        {
            throw call.Fault($"an array has {count} items or more; {TransformLimits.MaxItems} are allowed", call.Input);
        }
    }

    /// <summary>The value that <paramref name="write"/> writes.</summary>
    /// <exception cref="WorkflowException">It grows too large.</exception>
    public static JsonElement Write(this TransformCall call, Action<Utf8JsonWriter> write)
    {
        BoundedBuffer buffer = new(call);
        using (Utf8JsonWriter writer = new(buffer, s_writer))
        {
            write(writer);
        }

        return JsonElement.Parse(buffer.Written, s_reader);
    }

    /// <summary>An array of these values.</summary>
    /// <exception cref="WorkflowException">It grows too large.</exception>
    public static JsonElement WriteArray(this TransformCall call, IEnumerable<JsonElement> values) => call.Write(writer =>
    {
        writer.WriteStartArray();
        int count = 0;
        foreach (JsonElement value in values)
        {
            call.CheckCount(++count);
            value.WriteTo(writer);
        }

        writer.WriteEndArray();
    });

    /// <summary>Adds to a text that is being made.</summary>
    /// <exception cref="WorkflowException">It grows too large.</exception>
    public static void Append(this TransformCall call, StringBuilder text, string more)
    {
        if (text.Length + more.Length > TransformLimits.MaxBytes)
        {
            throw call.TooLarge();
        }

        text.Append(more);
    }

    private static IEnumerable<JsonElement> Enumerate(TransformCall call)
    {
        foreach (JsonElement item in call.Input.EnumerateArray())
        {
            call.CancellationToken.ThrowIfCancellationRequested();
            yield return item;
        }
    }

    private static WorkflowException TooLarge(this TransformCall call) =>
        call.Fault($"the result grows beyond {TransformLimits.MaxBytes / (1024 * 1024)} MiB", call.Input);

    /// <summary>Throws when the writer has written more than allowed.</summary>
    private sealed class BoundedBuffer(TransformCall call) : IBufferWriter<byte>
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

        public void Advance(int count)
        {
            // Before the bytes count: the writer, when it is disposed of, tries once more.
            if (_bytes.WrittenCount + count > TransformLimits.MaxBytes)
            {
                throw call.TooLarge();
            }

            _bytes.Advance(count);
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => _bytes.GetMemory(sizeHint);

        public Span<byte> GetSpan(int sizeHint = 0) => _bytes.GetSpan(sizeHint);
    }
}
