using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers.ChatCompletions;

/// <summary>A call as the body of <c>POST /chat/completions</c>. Pure.</summary>
internal static class ChatCompletionsRequests
{
    /// <summary>The body.</summary>
    /// <exception cref="Diagnostics.WorkflowException">An option is refused or wrong.</exception>
    public static byte[] ToJson(ChatCompletionsDialect dialect, IReadOnlyList<ChatMessage> messages, ChatOptions? options, bool stream)
    {
        var (common, further) = ProviderOptions.Of(options, dialect.Provider);
        return ProviderJson.Object(writer =>
        {
            writer.WriteString("model", options?.ModelId ?? "");
            WriteMessages(writer, messages, dialect.TakesCacheMarkers ? common : new CommonOptions());
            writer.WriteBoolean("stream", stream);
            writer.WriteOptional(dialect.MaxTokensField, options?.MaxOutputTokens);
            writer.WriteOptional("temperature", options?.Temperature);
            writer.WriteOptional("top_p", options?.TopP);
            writer.WriteOptional("stop", options?.StopSequences);
            writer.WriteOptional("seed", options?.Seed);
            WriteFormat(writer, dialect, options?.ResponseFormat);
            if (stream && dialect.AsksForStreamUsage)
            {
                writer.WriteStartObject("stream_options");
                writer.WriteBoolean("include_usage", true);
                writer.WriteEndObject();
            }

            WriteEffort(writer, dialect, common, further);
            writer.WriteMembers(further);
        });
    }

    // Marks as CommonOptions describes them: at the end of the system prompt, and of what comes before the last message.
    private static void WriteMessages(Utf8JsonWriter writer, IReadOnlyList<ChatMessage> messages, CommonOptions common)
    {
        var lastSystem = common.Marks ? messages.ToList().FindLastIndex(message => message.Role == ChatRole.System) : -1;
        var lastButOne = common is { Marks: true, CacheMessages: true }
            ? messages.Take(messages.Count - 1).ToList().FindLastIndex(message => message.Role != ChatRole.System)
            : -1;
        writer.WriteStartArray("messages");
        for (var i = 0; i < messages.Count; i++)
        {
            writer.WriteStartObject();
            writer.WriteString("role", messages[i].Role.Value);
            if (i == lastSystem || i == lastButOne)
            {
                writer.WriteStartArray("content");
                writer.WriteTextPart(messages[i].Text, common.CacheControl);
                writer.WriteEndArray();
            }
            else
            {
                writer.WriteString("content", messages[i].Text);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteFormat(Utf8JsonWriter writer, ChatCompletionsDialect dialect, ChatResponseFormat? format)
    {
        var schema = (format as ChatResponseFormatJson)?.Schema;
        if (schema is not null && dialect.TakesJsonSchema)
        {
            writer.WriteStartObject("response_format");
            writer.WriteString("type", "json_schema");
            writer.WriteStartObject("json_schema");
            writer.WriteString("name", ((ChatResponseFormatJson)format!).SchemaName ?? "reply");
            if (StrictSchema.Fits(schema.Value))
            {
                writer.WriteBoolean("strict", true);
            }

            writer.WritePropertyName("schema");
            schema.Value.WriteTo(writer);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        else if (format is ChatResponseFormatJson && dialect.TakesJsonObject)
        {
            writer.WriteStartObject("response_format");
            writer.WriteString("type", "json_object");
            writer.WriteEndObject();
        }
    }

    // A provider's own 'reasoning' wins: it can say more.
    private static void WriteEffort(
        Utf8JsonWriter writer, ChatCompletionsDialect dialect, CommonOptions common, IReadOnlyDictionary<string, JsonElement> further)
    {
        if (common.ReasoningEffort is not { } effort)
        {
            return;
        }

        if (!dialect.ReasoningIsObject)
        {
            writer.WriteString("reasoning_effort", effort);
        }
        else if (!further.ContainsKey("reasoning"))
        {
            writer.WriteStartObject("reasoning");
            writer.WriteString("effort", effort);
            writer.WriteEndObject();
        }
    }
}
