using Microsoft.OpenApi;

namespace LlmWorkflow.Api.OpenApi;

/// <summary>The ways to send a key.</summary>
internal static class SecuritySchemes
{
    private const string Token = "access_token";

    private static readonly string[] Keys = ["api_key", "api_secret", "bearer"];

    /// <summary>Adds them to the document.</summary>
    public static void AddTo(OpenApiDocument document)
    {
        document.Components ??= new();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
        document.Components.SecuritySchemes["api_key"] = Parameter("X-API-Key", ParameterLocation.Header, "In development: `dev-key`, for administration `dev-admin-key`.");
        document.Components.SecuritySchemes["api_secret"] = Parameter("X-API-Secret", ParameterLocation.Header, "The same key under another name.");
        document.Components.SecuritySchemes["bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "The same key as a bearer token." };
        document.Components.SecuritySchemes[Token] = Parameter(Token, ParameterLocation.Query, "For browsers: from the submit's answer; this job only, read only, for 24 hours.");
    }

    /// <summary>Any one of them is enough.</summary>
    public static List<OpenApiSecurityRequirement> For(OpenApiDocument document, bool acceptsToken) =>
        [.. (acceptsToken ? Keys.Append(Token) : Keys).Select(name => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(name, document)] = [] })];

    private static OpenApiSecurityScheme Parameter(string name, ParameterLocation location, string description) =>
        new() { Type = SecuritySchemeType.ApiKey, Name = name, In = location, Description = description };
}
