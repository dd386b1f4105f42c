using System.Text.Json.Serialization;

namespace LlmWorkflow.Simulator.RateLimits;

/// <summary>A limit that a provider sets, for each key and model.</summary>
internal sealed record RateLimit
{
    /// <summary>Calls per minute; null: as many as you like.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Most calls at once after a pause, for a bucket; null: as many as in a minute.</summary>
    public int? Capacity { get; init; }

    /// <summary>Tokens per minute; null: as many as you like. A call takes its input tokens and, with OpenAI, its <c>max_tokens</c>.</summary>
    public int? TokensPerMinute { get; init; }

    /// <summary>How the limit frees up; a bucket unless given.</summary>
    public RateWindowKind? Window { get; init; }

    /// <summary>The headers that tell of it; those of the provider unless given.</summary>
    public RateHeaders? Headers { get; init; }
}

/// <summary>How a limit frees up.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RateWindowKind>))]
internal enum RateWindowKind
{
    /// <summary>Steadily, a minute's share at a time.</summary>
    [JsonStringEnumMemberName("bucket")]
    Bucket,

    /// <summary>All at once, every 60 s from the first call on.</summary>
    [JsonStringEnumMemberName("fixed")]
    Fixed,

    /// <summary>Each call 60 s after it was let through.</summary>
    [JsonStringEnumMemberName("sliding")]
    Sliding,
}

/// <summary>Whose headers tell of a limit.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RateHeaders>))]
internal enum RateHeaders
{
    /// <summary>Nobody's, <c>retry-after</c> included.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    [JsonStringEnumMemberName("openai")]
    OpenAi,

    [JsonStringEnumMemberName("anthropic")]
    Anthropic,

    [JsonStringEnumMemberName("openrouter")]
    OpenRouter,
}

/// <summary>The state of one limit.</summary>
/// <param name="Limit">Most in a minute.</param>
/// <param name="Remaining">What is left.</param>
/// <param name="UntilFull">Until all of it is there again.</param>
internal sealed record RateGauge(long Limit, long Remaining, TimeSpan UntilFull);

/// <summary>What a limit says about one call.</summary>
/// <param name="FreeAfter">Until such a call would be let through; zero: it was.</param>
/// <param name="Requests">State afterwards; null: calls are not limited.</param>
/// <param name="Tokens">State afterwards; null: tokens are not limited.</param>
/// <param name="Headers">Those that were asked for; null: the provider's.</param>
internal sealed record RateDecision(TimeSpan FreeAfter, RateGauge? Requests, RateGauge? Tokens, RateHeaders? Headers)
{
    public bool Limited => FreeAfter > TimeSpan.Zero;

    /// <summary>Which limit it was.</summary>
    public bool LimitedByTokens { get; init; }
}
