using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Providers.Anthropic;

// Answers of POST {base}/v1/messages, as Anthropic's SDK documents them (resources/messages).

/// <summary>A whole reply; in a stream the one of <c>message_start</c>, still without content.</summary>
internal sealed record AnthropicMessage
{
    public string? Id { get; init; }

    public string? Model { get; init; }

    public IReadOnlyList<AnthropicBlock>? Content { get; init; }

    public string? StopReason { get; init; }

    public JsonElement Usage { get; init; }

    /// <summary>In place of all the others, with HTTP 200.</summary>
    public JsonElement Error { get; init; }

    public string? RequestId { get; init; }
}

/// <summary>A part of the content. Text, thinking, and others that hold neither.</summary>
internal sealed record AnthropicBlock
{
    public string? Type { get; init; }

    public string? Text { get; init; }

    public string? Thinking { get; init; }
}

/// <summary>An event of a stream.</summary>
internal sealed record AnthropicEvent
{
    public string? Type { get; init; }

    public AnthropicMessage? Message { get; init; }

    public AnthropicBlock? ContentBlock { get; init; }

    public AnthropicDelta? Delta { get; init; }

    /// <summary>Of <c>message_delta</c>: cumulative.</summary>
    public JsonElement Usage { get; init; }

    public JsonElement Error { get; init; }

    public string? RequestId { get; init; }
}

/// <summary>Of <c>content_block_delta</c> (text or thinking) or of <c>message_delta</c> (the stop reason).</summary>
internal sealed record AnthropicDelta
{
    public string? Text { get; init; }

    public string? Thinking { get; init; }

    public string? StopReason { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AnthropicMessage))]
[JsonSerializable(typeof(AnthropicEvent))]
internal sealed partial class AnthropicJson : JsonSerializerContext;
