using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Providers;

// Wire format of POST {base}/chat/completions as OpenRouter documents it (src/models/chat*.ts of its SDK).

internal sealed record OpenRouterRequest(
    string Model,
    IReadOnlyList<OpenRouterMessage> Messages,
    bool Stream,
    int? MaxTokens,
    float? Temperature,
    float? TopP,
    IList<string>? Stop,
    long? Seed,
    OpenRouterResponseFormat? ResponseFormat,
    OpenRouterStreamOptions? StreamOptions)
{
    /// <summary>The step's <c>provider_options</c>: further members of the body. Not init-only: the serializer would take it for a constructor parameter.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Further { get; set; }
}

internal sealed record OpenRouterMessage(string Role, string? Content);

/// <summary><c>{"type": "json_object"}</c> or <c>{"type": "json_schema", "json_schema": {…}}</c>.</summary>
internal sealed record OpenRouterResponseFormat(string Type, OpenRouterJsonSchema? JsonSchema);

internal sealed record OpenRouterJsonSchema(string Name, bool? Strict, JsonElement Schema);

internal sealed record OpenRouterStreamOptions(bool IncludeUsage);

/// <summary>A whole reply, or one chunk of a stream.</summary>
internal sealed record OpenRouterReply
{
    public string? Id { get; init; }

    public string? Model { get; init; }

    public string? Provider { get; init; }

    public IReadOnlyList<OpenRouterChoice>? Choices { get; init; }

    public JsonElement Usage { get; init; }

    public OpenRouterError? Error { get; init; }
}

internal sealed record OpenRouterChoice
{
    public OpenRouterContent? Delta { get; init; }

    public OpenRouterContent? Message { get; init; }

    public string? FinishReason { get; init; }

    public OpenRouterError? Error { get; init; }
}

internal sealed record OpenRouterContent
{
    public string? Content { get; init; }

    public string? Reasoning { get; init; }
}

internal sealed record OpenRouterError
{
    /// <summary>A number at OpenRouter, a text at servers of OpenAI's form.</summary>
    public JsonElement Code { get; init; }

    public string? Type { get; init; }

    public string? Message { get; init; }

    public JsonElement Metadata { get; init; }
}

internal sealed record OpenRouterUsage
{
    public long PromptTokens { get; init; }

    public long CompletionTokens { get; init; }

    public long TotalTokens { get; init; }

    public decimal? Cost { get; init; }

    public bool IsByok { get; init; }

    public OpenRouterCostDetails? CostDetails { get; init; }

    public OpenRouterPromptDetails? PromptTokensDetails { get; init; }

    public OpenRouterCompletionDetails? CompletionTokensDetails { get; init; }

    /// <summary>What is charged: <c>cost</c>; with a key of one's own at the host also what the host charges (<c>cost</c> is then only the fee).</summary>
    [JsonIgnore]
    public decimal? ReportedUsd => IsByok && Cost is { } fee ? fee + (CostDetails?.UpstreamInferenceCost ?? 0) : Cost;
}

internal sealed record OpenRouterCostDetails(decimal? UpstreamInferenceCost);

internal sealed record OpenRouterPromptDetails(long? CachedTokens, long? CacheWriteTokens);

internal sealed record OpenRouterCompletionDetails(long? ReasoningTokens);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OpenRouterRequest))]
[JsonSerializable(typeof(OpenRouterReply))]
[JsonSerializable(typeof(OpenRouterUsage))]
internal sealed partial class OpenRouterJson : JsonSerializerContext;
