using System.Text.Json;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.OpenAi;

namespace LlmWorkflow.Simulator.Anthropic;

/// <summary>What the simulator reads from the body of <c>POST /v1/messages</c>; fields it does not know are ignored.</summary>
internal static class MessagesBody
{
    private const int MostMarks = 4;

    // What a model thinks when it may; a behavior says otherwise.
    private const int Thought = 64;

    /// <summary>The request, or what is wrong with it.</summary>
    /// <param name="root">The body.</param>
    /// <param name="takesSampling">The version of the API has temperature, top_p and top_k.</param>
    public static (ChatRequest? Request, UpstreamFault? Fault) Read(JsonElement root, bool takesSampling)
    {
        if (root.ValueKind is not JsonValueKind.Object)
        {
            return Bad("The request body is not valid JSON.");
        }

        if (ChatCompletionBody.Word(root, "model") is not { Length: > 0 } name)
        {
            return Bad("model: Field required");
        }

        if (ChatCompletionJson.Number(root, "max_tokens") is not > 0 and var most)
        {
            return Bad(root.TryGetProperty("max_tokens", out _) ? $"max_tokens: Input should be greater than or equal to 1, not {most}" : "max_tokens: Field required");
        }

        if (!root.TryGetProperty("messages", out var messages) || messages.ValueKind is not JsonValueKind.Array)
        {
            return Bad("messages: Field required");
        }

        if (ClaudeModel.Find(name) is not { } model)
        {
            return (null, AnthropicErrors.UnknownModel(name));
        }

        var invalidMark = false;
        var blocks = Blocks(root, messages, ref invalidMark);
        if (!takesSampling && ModelRules.SamplingParameter(root) is { } sampling)
        {
            return Bad($"{sampling}: Extra inputs are not permitted");
        }

        if ((MessagesFault(messages) ?? MarksFault(blocks, invalidMark) ?? ModelRules.Fault(model, root, messages) ?? FormatFault(root)) is { } fault)
        {
            return Bad(fault);
        }

        var texts = blocks.GroupBy(block => block.Message).Select(message => string.Concat(message.Select(block => block.Text))).ToList();
        var format = Format(root) is { } given ? new ReplyFormat(Json: true, given.GetProperty("schema").Clone()) : ReplyFormat.Text;
        var thinks = root.TryGetProperty("thinking", out var thinking) && ChatCompletionBody.Word(thinking, "type") is "enabled" or "adaptive";
        var prompt = new ChatPrompt(texts, ChatCompletionJson.Number(root, "max_tokens"), format) { Blocks = blocks, ReasoningTokens = thinks ? Thought : 0 };
        return (new ChatRequest(name, root.TryGetProperty("stream", out var stream) && stream.ValueKind is JsonValueKind.True, prompt)
        {
            ServiceTier = "standard",
        }, null);

        static (ChatRequest?, UpstreamFault?) Bad(string message) => (null, AnthropicErrors.BadRequest(message));
    }

    // In the order in which a prefix is cached: tools, system, messages.
    private static List<PromptBlock> Blocks(JsonElement root, JsonElement messages, ref bool invalidMark)
    {
        List<PromptBlock> blocks = [];
        var message = 0;
        foreach (var name in (ReadOnlySpan<string>)["tools", "system"])
        {
            if (root.TryGetProperty(name, out var part) && part.ValueKind is JsonValueKind.String or JsonValueKind.Array)
            {
                Add(blocks, part, message++, ref invalidMark);
            }
        }

        foreach (var element in messages.EnumerateArray())
        {
            if (element.ValueKind is JsonValueKind.Object && element.TryGetProperty("content", out var content))
            {
                Add(blocks, content, message++, ref invalidMark);
            }
        }

        // One mark for the whole request stands after its last part.
        var (lifetime, invalid) = CacheMark.Read(root);
        invalidMark |= invalid;
        if (lifetime is not null && blocks.Count > 0)
        {
            blocks[^1] = blocks[^1] with { Cache = blocks[^1].Cache ?? lifetime };
        }

        return blocks;
    }

    private static void Add(List<PromptBlock> blocks, JsonElement content, int message, ref bool invalidMark)
    {
        if (content.ValueKind is not JsonValueKind.Array)
        {
            blocks.Add(new PromptBlock(message, content.ValueKind is JsonValueKind.String ? content.GetString()! : "", null));
            return;
        }

        foreach (var part in content.EnumerateArray().Where(part => part.ValueKind is JsonValueKind.Object))
        {
            var (lifetime, invalid) = CacheMark.Read(part);
            invalidMark |= invalid;
            // A tool or an image is as long as its JSON.
            blocks.Add(new PromptBlock(message, ChatCompletionBody.Word(part, "text") ?? part.GetRawText(), lifetime));
        }
    }

    private static string? MessagesFault(JsonElement messages)
    {
        if (messages.GetArrayLength() == 0)
        {
            return "messages: at least one message is required";
        }

        foreach (var (index, message) in messages.EnumerateArray().Index())
        {
            if (message.ValueKind is not JsonValueKind.Object || ChatCompletionBody.Word(message, "role") is not ("user" or "assistant"))
            {
                return $"messages.{index}.role: Input should be 'user' or 'assistant'";
            }

            if (!message.TryGetProperty("content", out var content) || content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
            {
                return $"messages.{index}.content: Field required";
            }

            if (content.ValueKind is JsonValueKind.String ? content.GetString()!.Length == 0 : content.GetArrayLength() == 0)
            {
                return $"messages.{index}: all messages must have non-empty content except for the optional final assistant message";
            }
        }

        return null;
    }

    private static string? MarksFault(List<PromptBlock> blocks, bool invalid)
    {
        List<CacheLifetime> marks = [.. blocks.Where(block => block.Cache is not null).Select(block => block.Cache!.Value)];
        if (invalid)
        {
            return "cache_control: type must be 'ephemeral', ttl '5m' or '1h'";
        }

        if (marks.Count > MostMarks)
        {
            return $"A maximum of {MostMarks} blocks with cache_control may be provided. Found {marks.Count}.";
        }

        var first5m = marks.IndexOf(CacheLifetime.FiveMinutes);
        return first5m >= 0 && marks.LastIndexOf(CacheLifetime.OneHour) > first5m
            ? "cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block" : null;
    }

    private static JsonElement? Format(JsonElement root) =>
        root.TryGetProperty("output_config", out var config) && config.ValueKind is JsonValueKind.Object
        && config.TryGetProperty("format", out var format) && format.ValueKind is not JsonValueKind.Null ? format : null;

    private static string? FormatFault(JsonElement root)
    {
        if (Format(root) is not { } format)
        {
            return null;
        }

        if (format.ValueKind is not JsonValueKind.Object || ChatCompletionBody.Word(format, "type") is not "json_schema")
        {
            return "output_config.format.type: Input should be 'json_schema'";
        }

        if (!format.TryGetProperty("schema", out var schema) || schema.ValueKind is not JsonValueKind.Object)
        {
            return "output_config.format.schema: Field required";
        }

        return StrictSchemaFault.Find(schema, "()", allRequired: false, depth: 0) is { } fault ? $"output_config.format.schema: {fault}" : null;
    }
}
