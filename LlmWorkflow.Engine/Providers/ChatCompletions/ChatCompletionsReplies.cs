using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers.ChatCompletions;

/// <summary>Answers of the chat-completions form in Microsoft.Extensions.AI's types. Pure.</summary>
internal static class ChatCompletionsReplies
{
    /// <summary>A reply or chunk out of its bytes.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static ChatCompletionsReply Parse(ReadOnlySpan<byte> json)
    {
        var reply = JsonSerializer.Deserialize(json, ChatCompletionsJson.Default.ChatCompletionsReply) ?? throw new JsonException("null");
        return reply.Usage.ValueKind is JsonValueKind.Object ? reply with { Whole = JsonElement.Parse(json) } : reply;
    }

    /// <summary>The error that came in place of a reply, or in mid-stream; null when there is none.</summary>
    public static ProviderFault? Fault(ChatCompletionsReply reply)
    {
        var error = IsError(reply.Error) ? reply.Error : reply.Choices is [{ Error: var inner }, ..] && IsError(inner) ? inner : default;
        return error.ValueKind is not JsonValueKind.Undefined ? ProviderFault.OfError(error, status: null)
            : reply.Choices is [{ FinishReason: "error" }, ..] ? new ProviderFault(null, [], null)
            : null;
    }

    public static ChatResponse ToResponse(ChatCompletionsReply reply, ChatCompletionsDialect dialect, string model)
    {
        if (reply.Choices is not [{ Message: { } message } choice, ..])
        {
            throw new JsonException("no choices");
        }

        var usage = Usage(reply, dialect);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, Contents(message)))
        {
            ResponseId = reply.Id,
            ModelId = reply.Model ?? model,
            FinishReason = FinishReason(choice, Refused(message)),
            Usage = usage?.Details,
            AdditionalProperties = usage?.Properties,
        };
    }

    /// <summary>One chunk.</summary>
    /// <param name="chunk">As it came.</param>
    /// <param name="dialect">Whose.</param>
    /// <param name="refused">An earlier chunk said that the model declines.</param>
    /// <param name="finished">An earlier chunk had the finish reason.</param>
    public static ChatResponseUpdate ToUpdate(ChatCompletionsReply chunk, ChatCompletionsDialect dialect, bool refused, bool finished)
    {
        var choice = chunk.Choices is { Count: > 0 } choices ? choices[0] : null;
        var content = choice?.Delta ?? choice?.Message;
        var update = new ChatResponseUpdate
        {
            Role = ChatRole.Assistant,
            ResponseId = chunk.Id,
            ModelId = chunk.Model,
            FinishReason = choice is null ? null : FinishReason(choice, refused || Refused(content)),
            Contents = Contents(content),
        };
        // Some servers count in every chunk. A chunk without a choice is the one of the usage, whatever came before it.
        Usage(chunk, dialect)?.AttachTo(update, isPartial: choice is not null && !finished && update.FinishReason is null);
        return update;
    }

    /// <summary>Whether the model declines in this chunk.</summary>
    public static bool Refused(ChatCompletionsReply chunk) => chunk.Choices is [var choice, ..] && Refused(choice.Delta ?? choice.Message);

    private static bool Refused(ChatCompletionsContent? content) => content is not null && Text(content.Refusal).Length > 0;

    private static bool IsError(JsonElement error) =>
        error.ValueKind is JsonValueKind.Object || (error.ValueKind is JsonValueKind.String && error.GetString()!.Length > 0);

    private static ReplyUsage? Usage(ChatCompletionsReply reply, ChatCompletionsDialect dialect) => ReplyUsage.Read(
        reply.Usage, reply.Whole, dialect.ReportsCost, reply.Provider.ValueKind is JsonValueKind.String ? reply.Provider.GetString() : null);

    private static List<AIContent> Contents(ChatCompletionsContent? content)
    {
        var contents = new List<AIContent>(1);
        if (content is null)
        {
            return contents;
        }

        if ((Text(content.Reasoning) is { Length: > 0 } own ? own : Text(content.ReasoningContent)) is { Length: > 0 } reasoning)
        {
            contents.Add(new TextReasoningContent(reasoning));
        }

        if (Text(content.Content) is { Length: > 0 } text)
        {
            contents.Add(new TextContent(text));
        }

        return contents;
    }

    // A text, or the texts of a list of parts; everything else has none.
    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Array => string.Concat(value.EnumerateArray().Select(part =>
            part.ValueKind is JsonValueKind.Object && part.TryGetProperty("text", out var text) && text.ValueKind is JsonValueKind.String ? text.GetString() : "")),
        _ => "",
    };

    private static ChatFinishReason? FinishReason(ChatCompletionsChoice choice, bool refused) =>
        choice.FinishReason is not { Length: > 0 } reason ? null : refused ? ChatFinishReason.ContentFilter : new ChatFinishReason(reason);
}
