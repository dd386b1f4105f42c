using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>OpenRouter's wire format from and to Microsoft.Extensions.AI's types. Pure.</summary>
internal static class OpenRouterReplies
{
    public static OpenRouterRequest ToRequest(IEnumerable<ChatMessage> messages, ChatOptions? options, string model, bool stream) => new(
        model,
        [.. messages.Select(message => new OpenRouterMessage(message.Role.Value, message.Text))],
        stream,
        options?.MaxOutputTokens,
        options?.Temperature,
        options?.TopP,
        options?.StopSequences is { Count: > 0 } stop ? stop : null,
        options?.Seed,
        ToFormat(options?.ResponseFormat),
        stream ? new OpenRouterStreamOptions(IncludeUsage: true) : null)
    {
        Further = ProviderOptions.Of(options) is { Count: > 0 } further ? further : null,
    };

    public static ChatResponse ToResponse(OpenRouterReply reply, string model)
    {
        if (reply.Choices is not [{ Message: { } message } choice, ..])
        {
            throw new JsonException("no choices");
        }

        var usage = ReadUsage(reply);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, Contents(message)))
        {
            ResponseId = reply.Id,
            ModelId = reply.Model ?? model,
            FinishReason = FinishReason(choice),
            Usage = usage is null ? null : Details(usage),
            AdditionalProperties = Properties(reply, usage),
        };
    }

    public static ChatResponseUpdate ToUpdate(OpenRouterReply chunk)
    {
        var choice = chunk.Choices is { Count: > 0 } choices ? choices[0] : null;
        var update = new ChatResponseUpdate
        {
            Role = ChatRole.Assistant,
            ResponseId = chunk.Id,
            ModelId = chunk.Model,
            FinishReason = choice is null ? null : FinishReason(choice),
            Contents = Contents(choice?.Delta ?? choice?.Message),
        };
        var usage = ReadUsage(chunk);
        update.AdditionalProperties = Properties(chunk, usage);
        if (usage is not null)
        {
            update.Contents.Add(new UsageContent(Details(usage)));
        }

        return update;
    }

    public static ProviderFault ToFault(OpenRouterError error, int? status)
    {
        var code = error.Code.ValueKind switch
        {
            JsonValueKind.Number when error.Code.TryGetInt32(out var number) => number,
            JsonValueKind.String when int.TryParse(error.Code.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
            _ => (int?)null,
        };
        var named = error.Code.ValueKind == JsonValueKind.String && code is null ? error.Code.GetString() : error.Type;
        var moderated = false;
        if (error.Metadata.ValueKind == JsonValueKind.Object)
        {
            named = error.Metadata.TryGetProperty("error_type", out var type) && type.ValueKind == JsonValueKind.String ? type.GetString() : named;
            moderated = error.Metadata.TryGetProperty("flagged_input", out _) || error.Metadata.TryGetProperty("reasons", out _);
        }

        return new ProviderFault(code ?? status, named, error.Message, moderated);
    }

    /// <summary>Seconds to wait, when an error that came with HTTP 200 carries the upstream's headers.</summary>
    public static double? RetryAfter(OpenRouterError error) =>
        error.Metadata.ValueKind == JsonValueKind.Object
        && error.Metadata.TryGetProperty("headers", out var headers) && headers.ValueKind == JsonValueKind.Object
        && headers.TryGetProperty("Retry-After", out var value)
        && double.TryParse(value.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && double.IsFinite(seconds)
            ? Math.Max(0, seconds)
            : null;

    private static OpenRouterResponseFormat? ToFormat(ChatResponseFormat? format) => format switch
    {
        ChatResponseFormatJson { Schema: { } schema } json => new OpenRouterResponseFormat(
            "json_schema", new OpenRouterJsonSchema(json.SchemaName ?? "reply", StrictSchema.Fits(schema) ? true : null, schema)),
        ChatResponseFormatJson => new OpenRouterResponseFormat("json_object", null),
        _ => null,
    };

    private static List<AIContent> Contents(OpenRouterContent? content)
    {
        var contents = new List<AIContent>(1);
        if (content?.Reasoning is { Length: > 0 } reasoning)
        {
            contents.Add(new TextReasoningContent(reasoning));
        }

        if (content?.Content is { Length: > 0 } text)
        {
            contents.Add(new TextContent(text));
        }

        return contents;
    }

    private static ChatFinishReason? FinishReason(OpenRouterChoice choice) =>
        choice.FinishReason is { Length: > 0 } reason ? new ChatFinishReason(reason) : null;

    // A usage block of an unknown form is not worth losing a paid reply: the usage is then estimated.
    private static OpenRouterUsage? ReadUsage(OpenRouterReply reply)
    {
        if (reply.Usage.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        try
        {
            return reply.Usage.Deserialize(OpenRouterJson.Default.OpenRouterUsage);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static UsageDetails Details(OpenRouterUsage usage) => new()
    {
        InputTokenCount = usage.PromptTokens,
        OutputTokenCount = usage.CompletionTokens,
        TotalTokenCount = usage.TotalTokens,
        CachedInputTokenCount = usage.PromptTokensDetails?.CachedTokens,
        ReasoningTokenCount = usage.CompletionTokensDetails?.ReasoningTokens,
        AdditionalCounts = usage.PromptTokensDetails?.CacheWriteTokens is { } written
            ? new AdditionalPropertiesDictionary<long> { [ChatCallProgress.CacheWriteTokens] = written }
            : null,
    };

    private static AdditionalPropertiesDictionary? Properties(OpenRouterReply reply, OpenRouterUsage? usage)
    {
        // Every chunk names the host; only the one with the usage is worth a dictionary.
        if (usage is null)
        {
            return null;
        }

        var properties = new AdditionalPropertiesDictionary { [ChatCallProgress.RawUsage] = reply.Usage };
        if (usage.ReportedUsd is { } cost)
        {
            properties[ChatCallProgress.CostUsd] = cost;
        }

        if (reply.Provider is { } host)
        {
            properties[ChatCallProgress.UpstreamProvider] = host;
        }

        return properties;
    }
}
