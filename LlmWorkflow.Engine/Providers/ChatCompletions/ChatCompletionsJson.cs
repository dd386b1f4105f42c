using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Providers.ChatCompletions;

// Answers of POST {base}/chat/completions: OpenAI's openapi.yaml, OpenRouter's src/models/chat*.ts, and what servers after their form send. Members that
// differ between servers are elements, so that an odd one does not lose a paid reply.

/// <summary>A whole reply, or one chunk of a stream.</summary>
internal sealed record ChatCompletionsReply
{
    public string? Id { get; init; }

    public string? Model { get; init; }

    /// <summary>The host behind OpenRouter.</summary>
    public JsonElement Provider { get; init; }

    public IReadOnlyList<ChatCompletionsChoice>? Choices { get; init; }

    public JsonElement Usage { get; init; }

    public JsonElement Error { get; init; }

    /// <summary>The whole of it where it has usage: the service tier stands beside the block.</summary>
    [JsonIgnore]
    public JsonElement Whole { get; init; }
}

internal sealed record ChatCompletionsChoice
{
    public ChatCompletionsContent? Delta { get; init; }

    public ChatCompletionsContent? Message { get; init; }

    public string? FinishReason { get; init; }

    public JsonElement Error { get; init; }
}

internal sealed record ChatCompletionsContent
{
    /// <summary>A text, null, or a list of parts.</summary>
    public JsonElement Content { get; init; }

    /// <summary>OpenRouter's name.</summary>
    public JsonElement Reasoning { get; init; }

    /// <summary>The same at DeepSeek and vLLM.</summary>
    public JsonElement ReasoningContent { get; init; }

    /// <summary>OpenAI: the model declined, in place of the JSON asked for.</summary>
    public JsonElement Refusal { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ChatCompletionsReply))]
internal sealed partial class ChatCompletionsJson : JsonSerializerContext;
