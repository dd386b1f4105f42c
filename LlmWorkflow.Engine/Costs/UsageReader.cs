using System.Buffers;
using System.Text.Json;

namespace LlmWorkflow.Engine.Costs;

/// <summary>
/// Reads the usage block of any provider, as it came: OpenAI's Chat Completions and Responses, OpenRouter's (its <c>/generation</c> too) and
/// Anthropic's. Pure, and never throws: what a provider sends must not lose a paid reply.
/// </summary>
public static class UsageReader
{
    // Anthropic's message_start has {message: {usage}}, the last event of Responses {response: {usage}}, OpenRouter's /generation {data: {…}},
    // and in there 'usage' is an amount.
    private static readonly string[] s_wrappers = ["message", "response", "data"];

    /// <summary>What the block says; null when it has none of the known forms.</summary>
    /// <param name="usage">The block; or what it came in: a whole reply, a chunk, or an event of a stream. OpenAI names the service tier there, not in the block.</param>
    public static UsageReport? Read(JsonElement usage)
    {
        try
        {
            var (block, around) = Unwrap(usage);
            return Tokens(block) is not { } tokens ? null : new UsageReport(tokens)
            {
                ReportedUsd = ReportedUsd(block),
                Terms = PriceTerms.Of(block, around),
            };
        }
        catch (InvalidOperationException)
        {
            // A member name with half a surrogate pair cannot be compared.
            return null;
        }
    }

    /// <summary>
    /// One block out of two of the same stream, member by member: the later wins, unless it is null there. Anthropic's counts are cumulative, and its
    /// last event does not repeat what the first one told.
    /// </summary>
    /// <param name="earlier">A block, or the event that it came in; Undefined: none yet.</param>
    /// <param name="later">A block, or the event that it came in; Undefined: none.</param>
    public static JsonElement Merge(JsonElement earlier, JsonElement later)
    {
        try
        {
            var (first, last) = (Unwrap(earlier).Block, Unwrap(later).Block);
            return last.ValueKind is not JsonValueKind.Object ? first : first.ValueKind is not JsonValueKind.Object ? last : MergeMembers(first, last);
        }
        catch (InvalidOperationException)
        {
            return earlier;
        }
    }

    private static (JsonElement Block, JsonElement Around) Unwrap(JsonElement value)
    {
        for (var depth = 0; depth < 3 && value.ValueKind is JsonValueKind.Object; depth++)
        {
            if (value.Member("usage") is { ValueKind: JsonValueKind.Object } block)
            {
                return (block, value);
            }

            var inner = s_wrappers.Select(name => value.Member(name)).FirstOrDefault(member => member.ValueKind is JsonValueKind.Object);
            if (inner.ValueKind is not JsonValueKind.Object)
            {
                break;
            }

            value = inner;
        }

        return (value, default);
    }

    private static JsonElement MergeMembers(JsonElement first, JsonElement last)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var member in first.EnumerateObject().Where(member => last.Member(member.Name).ValueKind is JsonValueKind.Undefined or JsonValueKind.Null))
            {
                member.WriteTo(writer);
            }

            foreach (var member in last.EnumerateObject().Where(member => member.Value.ValueKind is not JsonValueKind.Null))
            {
                member.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    // Names tell the forms apart. prompt_tokens or completion_tokens: Chat Completions, OpenRouter's too. native_tokens_*: /generation.
    // input_tokens and output_tokens are in both Responses and Anthropic's; only Anthropic's has cache_*, only Responses has input_tokens_details and
    // total_tokens. A block with neither used no cache, and both forms then mean the same.
    private static TokenUsage? Tokens(JsonElement usage) =>
        usage.Has("prompt_tokens", "completion_tokens") ? Chat(usage)
        : usage.Has("native_tokens_prompt", "native_tokens_completion", "tokens_prompt", "tokens_completion") ? Generation(usage)
        : !usage.Has("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens") ? null
        : usage.Has("input_tokens_details", "total_tokens") && !usage.Has("cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation") ? Responses(usage)
        : Anthropic(usage);

    private static TokenUsage Chat(JsonElement usage)
    {
        var (input, output) = (usage.Count("prompt_tokens"), usage.Count("completion_tokens"));
        var (prompt, completion) = (usage.Member("prompt_tokens_details"), usage.Member("completion_tokens_details"));
        var reasoning = completion.Count("reasoning_tokens");
        // Some servers of this form (xAI's) count reasoning beside the completion; their total gives it away. It is billed as output.
        output += reasoning > 0 && usage.Count("total_tokens") == input + output + reasoning ? reasoning : 0;
        // DeepSeek's own name for what it read from its cache.
        var read = prompt.Has("cached_tokens") ? prompt.Count("cached_tokens") : usage.Count("prompt_cache_hit_tokens");
        // Rejected prediction tokens are billed as output and are in completion_tokens already; so is audio, in both counts.
        return Inclusive(input, output, read, prompt.Count("cache_write_tokens"), reasoning) with
        {
            WebSearches = usage.Member("server_tool_use_details").Count("web_search_requests") is > 0 and var searches
                ? searches
                : usage.Member("server_tool_use").Count("web_search_requests"),
        };
    }

    private static TokenUsage Responses(JsonElement usage)
    {
        var (input, output) = (usage.Member("input_tokens_details"), usage.Member("output_tokens_details"));
        return Inclusive(
            usage.Count("input_tokens"), usage.Count("output_tokens"), input.Count("cached_tokens"), input.Count("cache_write_tokens"), output.Count("reasoning_tokens"));
    }

    // The counts of the host's own tokenizer are those that are billed; the others are only there when it told none.
    private static TokenUsage Generation(JsonElement usage) => Inclusive(
        usage.Has("native_tokens_prompt") ? usage.Count("native_tokens_prompt") : usage.Count("tokens_prompt"),
        usage.Has("native_tokens_completion") ? usage.Count("native_tokens_completion") : usage.Count("tokens_completion"),
        usage.Count("native_tokens_cached"),
        0,
        usage.Count("native_tokens_reasoning"));

    // Its input_tokens is what neither came from the cache nor went there.
    private static TokenUsage Anthropic(JsonElement usage)
    {
        var (split, output) = (usage.Member("cache_creation"), usage.Count("output_tokens"));
        var (read, hour) = (usage.Count("cache_read_input_tokens"), split.Count("ephemeral_1h_input_tokens"));
        var write = Math.Max(split.Count("ephemeral_5m_input_tokens"), usage.Count("cache_creation_input_tokens") - hour);
        return new TokenUsage
        {
            InputTokens = usage.Count("input_tokens") + write + hour + read,
            OutputTokens = output,
            CacheReadTokens = read,
            CacheWriteTokens = write,
            CacheWrite1hTokens = hour,
            ReasoningTokens = Math.Min(output, usage.Member("output_tokens_details").Count("thinking_tokens")),
            WebSearches = usage.Member("server_tool_use").Count("web_search_requests"),
        };
    }

    // Parts cannot be more than the whole.
    private static TokenUsage Inclusive(long input, long output, long read, long write, long reasoning)
    {
        read = Math.Min(read, input);
        return new TokenUsage
        {
            InputTokens = input,
            OutputTokens = output,
            CacheReadTokens = read,
            CacheWriteTokens = Math.Min(write, input - read),
            ReasoningTokens = Math.Min(reasoning, output),
        };
    }

    // With a key of one's own at the host (BYOK) the cost is only OpenRouter's fee, and the host charges its own: where that is not told, the fee alone would be too little.
    private static decimal? ReportedUsd(JsonElement usage)
    {
        var upstream = usage.Member("cost_details").Usd("upstream_inference_cost") ?? usage.Usd("upstream_inference_cost");
        return (usage.Usd("cost") ?? usage.Usd("total_cost")) + (usage.Member("is_byok").ValueKind is JsonValueKind.True ? upstream : 0);
    }
}
