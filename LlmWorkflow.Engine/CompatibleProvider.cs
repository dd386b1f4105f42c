namespace LlmWorkflow.Engine;

/// <summary>A server of OpenAI's chat-completions form (Azure OpenAI, Ollama, vLLM, LM Studio…), made known as a provider by settings.</summary>
/// <param name="Name">The value of <c>provider</c> in a definition: small letters, digits and <c>_</c>.</param>
/// <param name="BaseUrl">The path before <c>/chat/completions</c>.</param>
public sealed record CompatibleProvider(string Name, Uri BaseUrl)
{
    internal const string DefaultAuthHeader = "Authorization";
    internal const string DefaultMaxTokensField = "max_tokens";

    /// <summary>Null: the server takes none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Header of the key. <c>Authorization</c> (the default) takes it as a bearer token, any other as it is; Azure OpenAI wants <c>api-key</c>.</summary>
    public string AuthHeader { get; init; } = DefaultAuthHeader;

    /// <summary>Sent as <c>?api-version=</c>, which Azure OpenAI wants; null: not sent.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>How the server calls the limit on output tokens: <c>max_tokens</c> (the default) or <c>max_completion_tokens</c>.</summary>
    public string MaxTokensField { get; init; } = DefaultMaxTokensField;

    /// <summary>Whether streams ask for usage by <c>stream_options</c>, which a few servers refuse. Default true.</summary>
    public bool AsksForStreamUsage { get; init; } = true;

    /// <summary>What <c>response_format</c> the server takes, of <c>json_schema</c> and <c>json_object</c>. Default both.</summary>
    public IReadOnlyList<string> ResponseFormats { get; init; } = ["json_schema", "json_object"];
}
