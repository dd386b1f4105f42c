using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.ExternalServices;

// Properties with a default have setters: the JSON source generator gives init-only ones the type's default when the file lacks them.

/// <summary>A file under <c>services/</c>: an HTTP API as data.</summary>
internal sealed record ServiceDefinition
{
    /// <summary>Equal to the file's name.</summary>
    public required string Name { get; init; }

    public string? Description { get; init; }

    /// <summary>Absolute; must lead to the public internet.</summary>
    public required string BaseUrl { get; init; }

    /// <summary>Environment variable that replaces the base URL, with any path in front of the operations' own. It may lead anywhere: the operator set it.</summary>
    public string? BaseUrlVariable { get; init; }

    /// <summary>Null: the service takes no key.</summary>
    public ServiceAuth? Auth { get; init; }

    /// <summary>Of one attempt; default 30.</summary>
    public double TimeoutSeconds { get; set; } = 30;

    /// <summary>When a failed call is made again.</summary>
    public ServiceRetry Retry { get; set; } = new();

    /// <summary>When the service is left alone for a while.</summary>
    public ServiceBreaker CircuitBreaker { get; set; } = new();

    /// <summary>How often the fleet may ask, with each key; null: only pauses that the service asks for.</summary>
    public ServiceRateLimit? RateLimit { get; init; }

    /// <summary>Largest reply that is read, in bytes; default 2 MiB.</summary>
    public int MaxResponseBytes { get; set; } = 2 * 1024 * 1024;

    /// <summary>How long replies are kept, for operations that say nothing; null: <see cref="EngineOptions.CacheDefaultTtl"/>.</summary>
    public double? CacheTtlSeconds { get; init; }

    /// <summary>How long after its expiry a kept reply is given when the service fails, for operations that say nothing; default 0: never.</summary>
    public double? StaleIfErrorSeconds { get; init; }

    /// <summary>The base URL of the file may lead to private, loopback and link-local addresses.</summary>
    public bool AllowPrivateAddresses { get; init; }

    /// <summary>Hosts other than the base URL's own that redirects may lead to, without the key; <c>*.example.com</c> stands for all below it.</summary>
    public IReadOnlyList<string> RedirectHosts { get; set; } = [];

    public required IReadOnlyDictionary<string, ServiceOperation> Operations { get; init; }
}

/// <summary>Where the key goes and comes from.</summary>
internal sealed record ServiceAuth
{
    public required AuthPlace In { get; init; }

    /// <summary>Name of the header or query parameter.</summary>
    public required string Name { get; init; }

    /// <summary>Put before the key, for example <c>"Bearer "</c>.</summary>
    public string Prefix { get; set; } = "";

    /// <summary>Environment variables; the first that is set holds the key.</summary>
    public required IReadOnlyList<string> Variables { get; init; }
}

internal enum AuthPlace
{
    [JsonStringEnumMemberName("header")]
    Header,

    [JsonStringEnumMemberName("query")]
    Query,

    /// <summary>The header <c>Authorization: Bearer KEY</c>.</summary>
    [JsonStringEnumMemberName("bearer")]
    Bearer,
}

/// <summary>Retries of one call. Delays are spread over half to all of their length unless <see cref="Jitter"/> is off.</summary>
internal sealed record ServiceRetry
{
    /// <summary>The first included; 1: never again. Default 3.</summary>
    public int MaxAttempts { get; set; } = 3;

    /// <summary>Default 0.5.</summary>
    public double InitialDelaySeconds { get; set; } = 0.5;

    /// <summary>Default 2.</summary>
    public double BackoffMultiplier { get; set; } = 2;

    /// <summary>Default 10. A longer <c>retry-after</c> is honoured.</summary>
    public double MaxDelaySeconds { get; set; } = 10;

    /// <summary>Default true.</summary>
    public bool Jitter { get; set; } = true;
}

/// <summary>Circuit breaker of a service, in each process.</summary>
internal sealed record ServiceBreaker
{
    /// <summary>Share of failed calls that opens it, above 0 to 1. Default 0.5.</summary>
    public double FailureRatio { get; set; } = 0.5;

    /// <summary>Calls that there must be before it opens. Default 10.</summary>
    public int MinimumCalls { get; set; } = 10;

    /// <summary>The time over which they are counted. Default 30.</summary>
    public double WithinSeconds { get; set; } = 30;

    /// <summary>How long it stays open. Default 15.</summary>
    public double OpenSeconds { get; set; } = 15;
}

/// <summary>A token bucket's pace.</summary>
internal sealed record ServiceRateLimit
{
    /// <summary>So many in <see cref="PerSeconds"/>.</summary>
    public required double Requests { get; init; }

    /// <summary>Default 1.</summary>
    public double PerSeconds { get; set; } = 1;

    /// <summary>Most that go out at once after a quiet time; null: what comes in a second, at least 1.</summary>
    public double? Burst { get; init; }
}

/// <summary>One thing that a service does. Texts hold <c>${params.name}</c>; a query parameter, header or field whose parameter is not given is left out.</summary>
internal sealed record ServiceOperation
{
    public string? Description { get; init; }

    public string Method { get; set; } = "GET";

    /// <summary>Appended to the base URL; values in it are escaped.</summary>
    public required string Path { get; init; }

    public IReadOnlyDictionary<string, string> Query { get; set; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Headers { get; set; } = new Dictionary<string, string>();

    /// <summary>Sent as JSON; Undefined: no body.</summary>
    public JsonElement Body { get; init; }

    public IReadOnlyDictionary<string, ServiceParameter> Parameters { get; set; } = new Dictionary<string, ServiceParameter>();

    /// <summary>Other requests for the same operation; the first whose parameter is given is sent.</summary>
    public IReadOnlyList<ServiceVariant> Variants { get; set; } = [];

    /// <summary>Null: the service's.</summary>
    public double? TimeoutSeconds { get; init; }

    /// <summary>Making it twice does no harm: it may be retried after a time-out or a broken connection. Null: by the method, all but POST and PATCH.</summary>
    public bool? Idempotent { get; init; }

    /// <summary>Null: the service's, for GET; else 0, off.</summary>
    public double? CacheTtlSeconds { get; init; }

    /// <summary>Null: the service's.</summary>
    public double? StaleIfErrorSeconds { get; init; }

    /// <summary>Fingerprint of what the file says about the operation: kept replies of an operation that was edited are not used.</summary>
    [JsonIgnore]
    public string Hash { get; init; } = "";

    /// <summary>For services that report errors with a status of success; null: the HTTP status says all.</summary>
    public ServiceSuccess? Success { get; init; }

    /// <summary>Path of the error message in a failed reply, for example <c>error.message</c>.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>What becomes of the reply: any JSON with <c>${response…}</c>; Undefined: the reply as it is.</summary>
    public JsonElement Response { get; init; }

    /// <summary>Fields that the reply gets when it lacks them, because the service leaves out what is empty.</summary>
    public IReadOnlyDictionary<string, JsonElement> ResponseDefaults { get; set; } = new Dictionary<string, JsonElement>();
}

/// <summary>Another request for an operation.</summary>
internal sealed record ServiceVariant
{
    /// <summary>The parameter that chooses it.</summary>
    public required string IfGiven { get; init; }

    public required string Path { get; init; }

    public JsonElement Body { get; init; }
}

/// <summary>Bounds of one parameter.</summary>
internal sealed record ServiceParameter
{
    public required ParameterType Type { get; init; }

    public string? Description { get; init; }

    public bool Required { get; init; }

    /// <summary>Undefined: none.</summary>
    public JsonElement Default { get; init; }

    public double? Minimum { get; init; }

    public double? Maximum { get; init; }

    public int? MaxItems { get; init; }

    /// <summary>Other names for it.</summary>
    public IReadOnlyList<string> Aliases { get; set; } = [];
}

internal enum ParameterType
{
    [JsonStringEnumMemberName("string")]
    String,

    [JsonStringEnumMemberName("number")]
    Number,

    [JsonStringEnumMemberName("integer")]
    Integer,

    [JsonStringEnumMemberName("boolean")]
    Boolean,

    /// <summary>A single value is taken as an array of one.</summary>
    [JsonStringEnumMemberName("array")]
    Array,

    [JsonStringEnumMemberName("object")]
    Object,
}

/// <summary>How a reply tells that it is a success.</summary>
/// <param name="Path">A path in the reply, for example <c>status</c>.</param>
/// <param name="Values">The values there that mean success.</param>
internal sealed record ServiceSuccess(string Path, IReadOnlyList<string> Values);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(ServiceDefinition))]
internal sealed partial class ServiceJson : JsonSerializerContext;
