using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.OpenAi;

namespace LlmWorkflow.Simulator.Anthropic;

/// <summary>The objects of Anthropic's Messages API, after its client libraries.</summary>
internal static class MessageJson
{
    private const string Thinking = "Looking at what is asked before answering.";

    /// <summary>A message; a stream begins with one that has no content yet.</summary>
    public static JsonObject Message(ChatReply reply, JsonArray content, string? stopReason, JsonNode? usage) => new()
    {
        ["id"] = reply.Id,
        ["type"] = "message",
        ["role"] = "assistant",
        ["model"] = reply.Model,
        ["content"] = content,
        ["stop_reason"] = stopReason,
        ["stop_sequence"] = null,
        ["usage"] = usage,
    };

    public static JsonObject TextBlock(string text) => new() { ["type"] = "text", ["text"] = text };

    /// <summary>Thoughts are told in short, whatever their tokens.</summary>
    public static JsonObject ThinkingBlock(bool whole) => new()
    {
        ["type"] = "thinking", ["thinking"] = whole ? Thinking : "", ["signature"] = whole ? Signature : "",
    };

    public static JsonObject ThinkingDelta() => new() { ["type"] = "thinking_delta", ["thinking"] = Thinking };

    public static JsonObject SignatureDelta() => new() { ["type"] = "signature_delta", ["signature"] = Signature };

    public static string StopReason(ChatReply reply) => reply.Settings.FinishReason ?? (reply.Completion.LimitReached ? "max_tokens" : "end_turn");

    /// <summary>Input without what was read from the cache and written to it, as Anthropic counts.</summary>
    public static JsonObject Usage(TokenUsage tokens)
    {
        var usage = new JsonObject
        {
            ["input_tokens"] = tokens.Input,
            ["cache_creation_input_tokens"] = tokens.CacheWrite5m + tokens.CacheWrite1h,
            ["cache_read_input_tokens"] = tokens.CacheRead,
            ["cache_creation"] = new JsonObject
            {
                ["ephemeral_5m_input_tokens"] = tokens.CacheWrite5m, ["ephemeral_1h_input_tokens"] = tokens.CacheWrite1h,
            },
            ["output_tokens"] = tokens.Output,
            ["service_tier"] = "standard",
        };
        if (tokens.Reasoning > 0)
        {
            usage["output_tokens_details"] = new JsonObject { ["thinking_tokens"] = tokens.Reasoning };
        }

        return usage;
    }

    /// <summary>The counts at the end of a stream: the whole call's, not what came since the last.</summary>
    public static JsonObject CumulativeUsage(TokenUsage tokens)
    {
        var usage = Usage(tokens);
        usage.Remove("cache_creation");
        usage.Remove("service_tier");
        return usage;
    }

    /// <summary>The reverse, for a block that a behavior gives.</summary>
    public static TokenUsage ReadUsage(JsonElement usage)
    {
        var written1h = ChatCompletionJson.Number(usage, "cache_creation", "ephemeral_1h_input_tokens");
        var written = Math.Max(
            ChatCompletionJson.Number(usage, "cache_creation_input_tokens"),
            ChatCompletionJson.Number(usage, "cache_creation", "ephemeral_5m_input_tokens") + written1h);
        return new TokenUsage
        {
            Input = ChatCompletionJson.Number(usage, "input_tokens"),
            CacheRead = ChatCompletionJson.Number(usage, "cache_read_input_tokens"),
            CacheWrite5m = written - written1h,
            CacheWrite1h = written1h,
            Output = ChatCompletionJson.Number(usage, "output_tokens"),
            Reasoning = ChatCompletionJson.Number(usage, "output_tokens_details", "thinking_tokens"),
        };
    }

    private static string Signature => Convert.ToBase64String("simulated signature"u8);
}
