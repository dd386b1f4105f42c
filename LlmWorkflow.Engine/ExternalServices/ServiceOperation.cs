using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>
/// A request as text with <c>${expression}</c> over <c>params</c> and <c>page</c>. A query parameter, header, field or item whose value is missing is left out.
/// </summary>
internal abstract record RequestTemplate
{
    /// <summary>GET, POST, PUT, PATCH or DELETE; default GET.</summary>
    public string Method { get; init; } = "GET";

    /// <summary>Appended to the base URL; values in it are escaped.</summary>
    public required string Path { get; init; }

    public IReadOnlyDictionary<string, string> Query { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Undefined: no body.</summary>
    public JsonElement Body { get; init; }

    /// <summary>How the body is sent; default JSON.</summary>
    public BodyType BodyType { get; init; }
}

internal enum BodyType
{
    Json,

    /// <summary><c>application/x-www-form-urlencoded</c>: the members of the body.</summary>
    Form,
}

/// <summary>One thing that a service does. What the file leaves to the service's defaults is filled in.</summary>
internal sealed record ServiceOperation : RequestTemplate
{
    public string? Description { get; init; }

    public ParameterSchema Parameters { get; init; } = ParameterSchema.None;

    /// <summary>Other requests for the same operation; the first whose condition holds is sent.</summary>
    public IReadOnlyList<ServiceVariant> Variants { get; init; } = [];

    /// <summary>Null: the service's.</summary>
    public double? TimeoutSeconds { get; init; }

    /// <summary>Making it twice does no harm: it may be retried after a time-out or a broken connection. Null: by the method, all but POST and PATCH.</summary>
    public bool? Idempotent { get; init; }

    /// <summary>It only reads, by its method.</summary>
    public bool IsRead => Method == "GET";

    /// <summary>A kept reply may stand in for a request: it only reads, or says that it may be repeated.</summary>
    public bool CanBeKept => IsRead || Idempotent == true;

    /// <summary>Null: the service's, for GET; else 0, off.</summary>
    public double? CacheTtlSeconds { get; init; }

    /// <summary>Null: the service's.</summary>
    public double? StaleIfErrorSeconds { get; init; }

    /// <summary>Fingerprint of what the file says about the operation: kept replies of an operation that was edited are not used.</summary>
    public string Hash { get; init; } = "";

    /// <summary>Over <c>status</c> and <c>response</c>: whether the reply is a success; null: the HTTP status says all.</summary>
    public Expression? Success { get; init; }

    /// <summary>The service's own words in a failed reply; null: they are not told.</summary>
    public Expression? ErrorMessage { get; init; }

    /// <summary>What certain replies mean, whatever their status; the first that matches counts.</summary>
    public IReadOnlyList<ErrorRule> Errors { get; init; } = [];

    /// <summary>Null: one request is all.</summary>
    public ServicePaging? Pagination { get; init; }

    /// <summary>What becomes of the reply: any JSON with <c>${expression}</c>; Undefined: the reply as it is, or of several pages their items.</summary>
    public JsonElement Response { get; init; }
}

/// <summary>Another request for an operation.</summary>
internal sealed record ServiceVariant : RequestTemplate
{
    /// <summary>Over <c>params</c>: whether it is the one.</summary>
    public required Expression When { get; init; }
}

/// <summary>What a reply means.</summary>
internal sealed record ErrorRule
{
    /// <summary>Over <c>status</c> and <c>response</c>.</summary>
    public required Expression When { get; init; }

    /// <summary>One of <see cref="ServiceErrors.RuleTypes"/>.</summary>
    public required string Type { get; init; }

    /// <summary>Null: as the type is.</summary>
    public bool? Retryable { get; init; }

    /// <summary>The words of the service; null: the operation's.</summary>
    public Expression? Message { get; init; }

    /// <summary>What to do; null: the type's.</summary>
    public string? Suggestion { get; init; }
}

/// <summary>How a list that comes in pages is read.</summary>
internal sealed record ServicePaging
{
    /// <summary>The list in a reply.</summary>
    public required Expression Items { get; init; }

    /// <summary>What the next request reads as <c>page.next</c>; missing, null, false or empty: there is no more. Null: pages are counted.</summary>
    public Expression? Next { get; init; }

    /// <summary>The next page's URL, at the same host.</summary>
    public Expression? NextUrl { get; init; }

    /// <summary>A page with fewer items is the last; null: an empty one is.</summary>
    public int? PageSize { get; init; }

    /// <summary>1 to 100; default 10.</summary>
    public int MaxPages { get; init; } = 10;

    /// <summary>Over <c>params</c>: most items that are given; null: all of the pages.</summary>
    public Expression? MaxItems { get; init; }
}
