using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.AspNetCore.Authorization;

namespace LlmWorkflow.Api;

/// <summary>What a key may do.</summary>
internal enum ApiScope
{
    /// <summary>Jobs.</summary>
    App,

    /// <summary>All that the main app may, and operation.</summary>
    Admin,
}

/// <summary>Endpoint metadata: the scope that is needed. Without it, app.</summary>
internal sealed record RequiredScope(ApiScope Scope);

/// <summary>Endpoint metadata: an access token of the job in the route is as good as a key.</summary>
internal sealed record AcceptsAccessToken;

/// <summary>Who calls.</summary>
/// <param name="Scope">What the key may do.</param>
/// <param name="KeyHash">Lower-case hex SHA-256 of the key: tells callers apart without holding their keys.</param>
internal sealed record ApiCaller(ApiScope Scope, string KeyHash);

/// <summary>
/// Lets a request through with a key in <c>X-API-Key</c>, <c>X-API-Secret</c> or <c>Authorization: Bearer</c>. Every mapped endpoint needs one
/// unless it says otherwise.
/// </summary>
internal sealed class ApiKeyAuthentication(RequestDelegate next, ApiOptions options, AccessTokens tokens)
{
    private const string Bearer = "Bearer ";

    private readonly Known[] _known =
    [
        .. options.AdminKeys.Select(k => new Known(ApiScope.Admin, Hash(k))),
        .. options.AppKeys.Select(k => new Known(ApiScope.App, Hash(k))),
    ];

    public Task InvokeAsync(HttpContext context)
    {
        // No endpoint, or one that routing made up (405): nothing to protect.
        if (context.GetEndpoint() is not RouteEndpoint endpoint || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return next(context);
        }

        return Check(context, endpoint) is { } refusal ? ProblemDetailsMapping.WriteAsync(context, refusal) : next(context);
    }

    private WorkflowError? Check(HttpContext context, RouteEndpoint endpoint)
    {
        var required = endpoint.Metadata.GetMetadata<RequiredScope>()?.Scope ?? ApiScope.App;
        var headers = context.Request.Headers;
        var given = false;
        foreach (var key in new[] { headers["X-API-Key"].ToString(), headers["X-API-Secret"].ToString(), BearerOf(headers.Authorization.ToString()) })
        {
            if (key.Length == 0)
            {
                continue;
            }

            given = true;
            if (Find(key) is { } caller)
            {
                context.Features.Set(caller);
                return required is ApiScope.Admin && caller.Scope is not ApiScope.Admin ? ApiErrors.AdminOnly : null;
            }
        }

        if (given)
        {
            return ApiErrors.WrongKey;
        }

        if (endpoint.Metadata.GetMetadata<AcceptsAccessToken>() is null || context.Request.Query["access_token"].ToString() is not { Length: > 0 } token)
        {
            return ApiErrors.MissingKey;
        }

        return Guid.TryParse(context.Request.RouteValues["id"] as string, out var jobId) && tokens.IsValid(token, jobId) ? null : ApiErrors.WrongToken;
    }

    private static string BearerOf(string authorization) =>
        authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..].Trim() : "";

    // Hashes are compared, all of them, each in constant time: neither length nor content of a key shows in the time that it takes.
    private ApiCaller? Find(string key)
    {
        var hash = Hash(key);
        Known? found = null;
        foreach (var known in _known)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, known.Hash))
            {
                found ??= known;
            }
        }

        return found?.Caller;
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private sealed record Known(ApiScope Scope, byte[] Hash)
    {
        public ApiCaller Caller { get; } = new(Scope, Convert.ToHexStringLower(Hash));
    }
}
