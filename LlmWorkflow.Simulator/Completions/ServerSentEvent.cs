using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmWorkflow.Simulator.Completions;

internal static class ServerSentEvent
{
    /// <summary>One event with JSON as data.</summary>
    /// <param name="output">Gets it.</param>
    /// <param name="data">The data.</param>
    /// <param name="name">The event's name; null: none is sent.</param>
    public static void WriteEvent(this IBufferWriter<byte> output, JsonObject data, string? name = null)
    {
        if (name is not null)
        {
            output.Write("event: "u8);
            output.Write(Encoding.UTF8.GetBytes(name));
            output.Write("\n"u8);
        }

        output.Write("data: "u8);
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = SimulatorJson.Wire.Options.Encoder, SkipValidation = true }))
        {
            data.WriteTo(json);
        }

        output.Write("\n\n"u8);
    }
}
