namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>A file under <c>services/</c>: an HTTP API as data. <see cref="ServiceFileReader"/> reads it; docs/services.md tells the format.</summary>
internal sealed record ServiceDefinition
{
    /// <summary>Equal to the file's name.</summary>
    public required string Name { get; init; }

    public string? Description { get; init; }

    /// <summary>Absolute; must lead to the public internet unless <see cref="AllowPrivateAddresses"/>.</summary>
    public required string BaseUrl { get; init; }

    /// <summary>Environment variable that replaces the base URL, with any path in front of the operations' own. It may lead anywhere: the operator set it.</summary>
    public string? BaseUrlVariable { get; init; }

    /// <summary>Null: the service takes no key.</summary>
    public ServiceAuth? Auth { get; init; }

    /// <summary>Of one attempt; default 30.</summary>
    public double TimeoutSeconds { get; init; } = 30;

    /// <summary>When a failed call is made again.</summary>
    public ServiceRetry Retry { get; init; } = new();

    /// <summary>When the service is left alone for a while.</summary>
    public ServiceBreaker CircuitBreaker { get; init; } = new();

    /// <summary>How often the fleet may ask, with each key; null: only pauses that the service asks for.</summary>
    public ServiceRateLimit? RateLimit { get; init; }

    /// <summary>Largest reply that is read, in bytes; default 2 MiB.</summary>
    public int MaxResponseBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>How long replies are kept, for operations that say nothing; null: <see cref="EngineOptions.CacheDefaultTtl"/>.</summary>
    public double? CacheTtlSeconds { get; init; }

    /// <summary>How long after its expiry a kept reply is given when the service fails, for operations that say nothing; default 0: never.</summary>
    public double? StaleIfErrorSeconds { get; init; }

    /// <summary>The base URL of the file may lead to private, loopback and link-local addresses.</summary>
    public bool AllowPrivateAddresses { get; init; }

    /// <summary>Hosts other than the base URL's own that redirects may lead to, without the key; <c>*.example.com</c> stands for all below it.</summary>
    public IReadOnlyList<string> RedirectHosts { get; init; } = [];

    public required IReadOnlyDictionary<string, ServiceOperation> Operations { get; init; }
}

/// <summary>Where the key goes and comes from.</summary>
internal sealed record ServiceAuth
{
    public required AuthPlace In { get; init; }

    /// <summary>Name of the header or query parameter.</summary>
    public required string Name { get; init; }

    /// <summary>Put before the key, for example <c>"Bearer "</c>.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Environment variables; the first that is set holds the key.</summary>
    public required IReadOnlyList<string> Variables { get; init; }
}

internal enum AuthPlace
{
    Header,

    Query,

    /// <summary>The header <c>Authorization: Bearer KEY</c>.</summary>
    Bearer,
}

/// <summary>Retries of one call. Delays are spread over half to all of their length unless <see cref="Jitter"/> is off.</summary>
internal sealed record ServiceRetry
{
    /// <summary>The first included; 1: never again. Default 3.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>Default 0.5.</summary>
    public double InitialDelaySeconds { get; init; } = 0.5;

    /// <summary>Default 2.</summary>
    public double BackoffMultiplier { get; init; } = 2;

    /// <summary>Default 10. A longer <c>retry-after</c> is honoured.</summary>
    public double MaxDelaySeconds { get; init; } = 10;

    /// <summary>Default true.</summary>
    public bool Jitter { get; init; } = true;
}

/// <summary>Circuit breaker of a service, in each process.</summary>
internal sealed record ServiceBreaker
{
    /// <summary>Share of failed calls that opens it, above 0 to 1. Default 0.5.</summary>
    public double FailureRatio { get; init; } = 0.5;

    /// <summary>Calls that there must be before it opens. Default 10.</summary>
    public int MinimumCalls { get; init; } = 10;

    /// <summary>The time over which they are counted. Default 30.</summary>
    public double WithinSeconds { get; init; } = 30;

    /// <summary>How long it stays open. Default 15.</summary>
    public double OpenSeconds { get; init; } = 15;
}

/// <summary>A token bucket's pace.</summary>
internal sealed record ServiceRateLimit
{
    /// <summary>So many in <see cref="PerSeconds"/>.</summary>
    public required double Requests { get; init; }

    /// <summary>Default 1.</summary>
    public double PerSeconds { get; init; } = 1;

    /// <summary>Most that go out at once after a quiet time; null: what comes in a second, at least 1.</summary>
    public double? Burst { get; init; }
}
