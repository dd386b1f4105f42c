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

    /// <summary>Of one call; default 30.</summary>
    public double TimeoutSeconds { get; set; } = 30;

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
