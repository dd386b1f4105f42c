namespace LlmWorkflow.Engine;

/// <summary>Settings of the engine. The hosts fill it from the environment (docs/settings.md lists the names).</summary>
public sealed class EngineOptions
{
    /// <summary>Folder with <c>definitions/</c>, <c>prompts/</c>, <c>services/</c> and <c>pricing.json</c>. Default <c>workflows</c>.</summary>
    public string WorkflowsDirectory { get; set; } = "workflows";

    /// <summary>Prefix of every Redis key and channel, inside one hash tag. Default <c>llmwf</c>.</summary>
    public string RedisPrefix { get; set; } = "llmwf";

    /// <summary>Provider of <c>llm</c> steps that name none. Default <c>openrouter</c>.</summary>
    public string DefaultProvider { get; set; } = "openrouter";

    /// <summary>Base URL of OpenRouter. Default <c>https://openrouter.ai/api/v1</c>.</summary>
    public Uri OpenRouterBaseUrl { get; set; } = new("https://openrouter.ai/api/v1");

    /// <summary>Key of OpenRouter; null: calls fail with a CONFIG_ERROR that names <c>OPENROUTER_API_KEY</c>.</summary>
    public string? OpenRouterApiKey { get; set; }

    /// <summary>Site that OpenRouter shows for these calls (<c>HTTP-Referer</c>); null: none is sent. Default null.</summary>
    public string? OpenRouterReferer { get; set; }

    /// <summary>Application name that OpenRouter shows for these calls (<c>X-Title</c>). Default <c>LlmWorkflow</c>.</summary>
    public string? OpenRouterTitle { get; set; } = "LlmWorkflow";

    /// <summary>Base URL of OpenAI. Default <c>https://api.openai.com/v1</c>.</summary>
    public Uri OpenAIBaseUrl { get; set; } = new("https://api.openai.com/v1");

    /// <summary>Key of OpenAI; null: calls fail with a CONFIG_ERROR that names <c>OPENAI_API_KEY</c>.</summary>
    public string? OpenAIApiKey { get; set; }

    /// <summary>Base URL of Anthropic, with or without <c>/v1</c>. Default <c>https://api.anthropic.com</c>.</summary>
    public Uri AnthropicBaseUrl { get; set; } = new("https://api.anthropic.com");

    /// <summary>Key of Anthropic; null: calls fail with a CONFIG_ERROR that names <c>ANTHROPIC_API_KEY</c>.</summary>
    public string? AnthropicApiKey { get; set; }

    /// <summary>Further providers: servers of OpenAI's form. Read when the first call is made. Default none.</summary>
    public IReadOnlyList<CompatibleProvider> CompatibleProviders { get; set; } = [];

    /// <summary>
    /// Puts prompts and replies on the spans of model calls; from <c>OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT</c>. Default false.
    /// </summary>
    public bool CaptureMessageContent { get; set; }

    /// <summary>Longest time of one provider call. Default 10 minutes.</summary>
    public TimeSpan ProviderTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Values that service files may name: keys and base URLs, by the name of the environment variable. Filled by the host, so that nothing
    /// else of the environment can be reached from a file.
    /// </summary>
    public Func<string, string?> Variable { get; set; } = static _ => null;

    /// <summary>
    /// How long replies of external services are kept when their file does not say; zero: not at all. Default 1 hour, at most 30 days; from <c>CACHE_DEFAULT_TTL</c>.
    /// </summary>
    public TimeSpan CacheDefaultTtl { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Lets webhooks go to private, loopback and link-local addresses. Default false; true in development.</summary>
    public bool AllowPrivateWebhooks { get; set; }

    /// <summary>Signs webhooks of jobs that bring no secret of their own; null: those are not signed.</summary>
    public string? WebhookSecret { get; set; }

    /// <summary>Time limit of one webhook attempt. Default 30 s.</summary>
    public TimeSpan WebhookTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Delays before the second and later attempts of a webhook. Default 5 s, 15 s, 45 s; then it is dead.</summary>
    public IReadOnlyList<TimeSpan> WebhookRetryDelays { get; set; } = [TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(45)];

    /// <summary>Secret of at least 32 characters, from which the keys that encrypt webhook secrets and sign access tokens are derived.</summary>
    public string EncryptionKey { get; set; } = "";

    /// <summary>Takeovers and whole-job retries before a job fails for good. Default 3.</summary>
    public int MaxRetries { get; set; } = 3;
}
