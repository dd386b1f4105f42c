namespace LlmWorkflow.Engine.Providers.ChatCompletions;

/// <summary>In what a server of OpenAI's chat-completions form differs from the others.</summary>
internal sealed record ChatCompletionsDialect
{
    /// <summary>The value of <c>provider</c> in a definition.</summary>
    public required string Provider { get; init; }

    /// <summary>The path before <c>/chat/completions</c>.</summary>
    public required Func<Uri> BaseUrl { get; init; }

    /// <summary>Null: there is none.</summary>
    public required Func<string?> Key { get; init; }

    /// <summary>The setting without which nothing is sent; null: the server may do without a key.</summary>
    public string? KeySetting { get; init; }

    /// <summary>Header of the key: <c>Authorization</c> takes it as a bearer token, any other as it is (Azure OpenAI: <c>api-key</c>).</summary>
    public string KeyHeader { get; init; } = CompatibleProvider.DefaultAuthHeader;

    /// <summary>Sent as <c>?api-version=</c> (Azure OpenAI); null: not sent.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Further headers.</summary>
    public Func<IEnumerable<(string Name, string? Value)>> Headers { get; init; } = static () => [];

    /// <summary>How the limit on output tokens is called.</summary>
    public string MaxTokensField { get; init; } = CompatibleProvider.DefaultMaxTokensField;

    /// <summary>Whether <c>stream_options</c> may be sent.</summary>
    public bool AsksForStreamUsage { get; init; } = true;

    /// <summary>Whether <c>response_format</c> may be a schema.</summary>
    public bool TakesJsonSchema { get; init; } = true;

    /// <summary>Whether <c>response_format</c> may be <c>json_object</c>.</summary>
    public bool TakesJsonObject { get; init; } = true;

    /// <summary>Effort is <c>reasoning: {effort}</c>; else <c>reasoning_effort</c>.</summary>
    public bool ReasoningIsObject { get; init; }

    /// <summary>Whether content parts may carry <c>cache_control</c>. OpenAI caches by itself, and refuses it.</summary>
    public bool TakesCacheMarkers { get; init; }

    /// <summary>Whether <c>usage.cost</c> is USD charged.</summary>
    public bool ReportsCost { get; init; }

    /// <summary>OpenRouter.</summary>
    public static ChatCompletionsDialect OpenRouter(EngineOptions options) => new()
    {
        Provider = "openrouter",
        BaseUrl = () => options.OpenRouterBaseUrl,
        Key = () => options.OpenRouterApiKey,
        KeySetting = "OPENROUTER_API_KEY",
        Headers = () => [("HTTP-Referer", options.OpenRouterReferer), ("X-Title", options.OpenRouterTitle)],
        ReasoningIsObject = true,
        TakesCacheMarkers = true,
        ReportsCost = true,
    };

    /// <summary>OpenAI itself. Its newer models refuse <c>max_tokens</c>, all take <c>max_completion_tokens</c>.</summary>
    public static ChatCompletionsDialect OpenAI(EngineOptions options) => new()
    {
        Provider = "openai",
        BaseUrl = () => options.OpenAIBaseUrl,
        Key = () => options.OpenAIApiKey,
        KeySetting = "OPENAI_API_KEY",
        MaxTokensField = "max_completion_tokens",
    };

    /// <summary>A server of this form, as its settings describe it.</summary>
    public static ChatCompletionsDialect Compatible(CompatibleProvider provider) => new()
    {
        Provider = provider.Name,
        BaseUrl = () => provider.BaseUrl,
        Key = () => provider.ApiKey,
        KeyHeader = provider.AuthHeader,
        ApiVersion = provider.ApiVersion,
        MaxTokensField = provider.MaxTokensField,
        AsksForStreamUsage = provider.AsksForStreamUsage,
        TakesJsonSchema = provider.ResponseFormats.Contains("json_schema"),
        TakesJsonObject = provider.ResponseFormats.Contains("json_object"),
    };
}
