using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.OpenAi;

/// <summary>The objects of OpenAI's chat completions, after its OpenAPI description; OpenRouter adds to them.</summary>
internal static class ChatCompletionJson
{
    /// <summary>A whole reply.</summary>
    public static JsonObject Whole(ChatReply reply, JsonNode? usage) => new()
    {
        ["id"] = reply.Id,
        ["object"] = "chat.completion",
        ["created"] = reply.CreatedAt.ToUnixTimeSeconds(),
        ["model"] = reply.Model,
        ["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = reply.Completion.Text, ["refusal"] = null },
            ["logprobs"] = null,
            ["finish_reason"] = FinishReason(reply),
        }),
        ["usage"] = usage,
    };

    /// <summary>One event of a stream.</summary>
    public static JsonObject Chunk(ChatReply reply, JsonObject delta, string? finishReason) => Chunk(reply, new JsonArray(new JsonObject
    {
        ["index"] = 0,
        ["delta"] = delta,
        ["logprobs"] = null,
        ["finish_reason"] = finishReason,
    }));

    /// <summary>An event with the choices given, which may be none.</summary>
    public static JsonObject Chunk(ChatReply reply, JsonArray choices) => new()
    {
        ["id"] = reply.Id,
        ["object"] = "chat.completion.chunk",
        ["created"] = reply.CreatedAt.ToUnixTimeSeconds(),
        ["model"] = reply.Model,
        ["choices"] = choices,
    };

    /// <summary>The only choice of a reply or event.</summary>
    public static JsonObject Choice(JsonObject body) => body["choices"]![0]!.AsObject();

    public static string FinishReason(ChatReply reply) => reply.Settings.FinishReason ?? (reply.Completion.LimitReached ? "length" : "stop");

    /// <summary>The tokens as OpenAI counts them: cached ones are part of the prompt's, reasoning is part of the completion's.</summary>
    public static JsonObject Usage(TokenUsage tokens) => new()
    {
        ["prompt_tokens"] = tokens.TotalInput,
        ["completion_tokens"] = tokens.Output,
        ["total_tokens"] = tokens.TotalInput + tokens.Output,
        ["prompt_tokens_details"] = new JsonObject
        {
            ["cached_tokens"] = tokens.CacheRead,
            ["cache_write_tokens"] = tokens.CacheWrite5m + tokens.CacheWrite1h,
            ["audio_tokens"] = 0,
        },
        ["completion_tokens_details"] = new JsonObject
        {
            ["reasoning_tokens"] = tokens.Reasoning,
            ["audio_tokens"] = 0,
            ["accepted_prediction_tokens"] = 0,
            ["rejected_prediction_tokens"] = 0,
        },
    };

    /// <summary>The reverse, for a block that a behavior gives.</summary>
    public static TokenUsage ReadUsage(JsonElement usage)
    {
        var (prompt, cached) = (Number(usage, "prompt_tokens"), Number(usage, "prompt_tokens_details", "cached_tokens"));
        var written = Number(usage, "prompt_tokens_details", "cache_write_tokens");
        return new TokenUsage
        {
            Input = Math.Max(0, prompt - cached - written),
            CacheRead = cached,
            CacheWrite5m = written,
            Output = Number(usage, "completion_tokens"),
            Reasoning = Number(usage, "completion_tokens_details", "reasoning_tokens"),
        };
    }

    /// <summary>A whole number below an object; 0 when it is not there.</summary>
    public static int Number(JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (element.ValueKind is not JsonValueKind.Object || !element.TryGetProperty(name, out element))
            {
                return 0;
            }
        }

        return element.ValueKind is JsonValueKind.Number && element.TryGetInt32(out var number) ? number : 0;
    }

    /// <summary>The end mark of a stream.</summary>
    public static ReadOnlySpan<byte> Done => "data: [DONE]\n\n"u8;
}
