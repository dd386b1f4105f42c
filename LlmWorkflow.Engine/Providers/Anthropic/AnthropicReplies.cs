using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers.Anthropic;

/// <summary>Anthropic's answers in Microsoft.Extensions.AI's types. Pure.</summary>
internal static class AnthropicReplies
{
    public static ChatResponse ToResponse(AnthropicMessage message, string model)
    {
        if (message.Content is not { } blocks)
        {
            throw new JsonException("no content");
        }

        var usage = ReplyUsage.Read(message.Usage, default, reportsCost: false, upstreamProvider: null);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, [.. blocks.SelectMany(block => Contents(block.Text, block.Thinking))]))
        {
            ResponseId = message.Id,
            ModelId = message.Model ?? model,
            FinishReason = FinishReason(message.StopReason),
            Usage = usage?.Details,
            AdditionalProperties = usage?.Properties,
        };
    }

    /// <summary>Text and thinking as contents; those that are empty are left out.</summary>
    public static IEnumerable<AIContent> Contents(string? text, string? thinking)
    {
        if (thinking is { Length: > 0 })
        {
            yield return new TextReasoningContent(thinking);
        }

        if (text is { Length: > 0 })
        {
            yield return new TextContent(text);
        }
    }

    /// <summary>Why it ended, in the names that all providers share; <c>tool_use</c>, <c>pause_turn</c> and new ones stay as they are.</summary>
    public static ChatFinishReason? FinishReason(string? reason) => reason switch
    {
        null or "" => null,
        "end_turn" or "stop_sequence" => ChatFinishReason.Stop,
        "max_tokens" or "model_context_window_exceeded" => ChatFinishReason.Length,
        "refusal" => ChatFinishReason.ContentFilter,
        _ => new ChatFinishReason(reason),
    };
}

/// <summary>The events of one stream, in order, as pieces of a reply.</summary>
internal sealed class AnthropicStream
{
    private string? _id;
    private string? _model;
    private JsonElement _usage;

    /// <summary>The reply has its stop reason, so all of it is there.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>The piece that an event brings; null when it brings none (<c>ping</c>, the ends of blocks, events that are not known yet).</summary>
    public ChatResponseUpdate? Take(AnthropicEvent piece)
    {
        switch (piece.Type)
        {
            case "message_start" when piece.Message is { } message:
                (_id, _model) = (message.Id, message.Model);
                return Usage(Update(null, null), message.Usage);
            case "content_block_start" when piece.ContentBlock is { } block:
                return Update(block.Text, block.Thinking);
            case "content_block_delta" when piece.Delta is { } delta:
                return Update(delta.Text, delta.Thinking);
            case "message_delta":
                var update = Update(null, null);
                update.FinishReason = AnthropicReplies.FinishReason(piece.Delta?.StopReason);
                IsWhole |= update.FinishReason is not null;
                return Usage(update, piece.Usage);
            case "message_stop":
                IsWhole = true;
                return null;
            default:
                return null;
        }
    }

    /// <summary>A whole reply, from a server that does not stream.</summary>
    public ChatResponseUpdate Take(AnthropicMessage message)
    {
        (_id, _model, IsWhole) = (message.Id, message.Model, true);
        var update = Update(null, null);
        update.Contents = [.. (message.Content ?? throw new JsonException("no content")).SelectMany(block => AnthropicReplies.Contents(block.Text, block.Thinking))];
        update.FinishReason = AnthropicReplies.FinishReason(message.StopReason);
        return Usage(update, message.Usage);
    }

    private ChatResponseUpdate Update(string? text, string? thinking) => new()
    {
        Role = ChatRole.Assistant,
        ResponseId = _id,
        ModelId = _model,
        Contents = [.. AnthropicReplies.Contents(text, thinking)],
    };

    // The counts of message_delta are those of the whole reply so far: they replace earlier ones, and what it does not repeat stays.
    private ChatResponseUpdate Usage(ChatResponseUpdate update, JsonElement later)
    {
        if (later.ValueKind is not JsonValueKind.Object)
        {
            return update;
        }

        _usage = UsageReader.Merge(_usage, later);
        ReplyUsage.Read(_usage, default, reportsCost: false, upstreamProvider: null)?.AttachTo(update, isPartial: !IsWhole);
        return update;
    }
}
