using System.Text.Json;
using System.Text.Json.Serialization;
using LlmWorkflow.Api.Endpoints;
using LlmWorkflow.Api.OpenApi;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine;
using LlmWorkflow.ServiceDefaults;
using StackExchange.Redis;

namespace LlmWorkflow.Api;

/// <summary>Builds the API process.</summary>
internal static class ApiHost
{
    // Bodies over the limit are read to their end up to here, so that the caller gets to read the answer.
    private const long LargestDrain = 8 * RequestBody.Limit;

    /// <summary>The process, not started. <paramref name="configure"/> runs first: tests set their settings there.</summary>
    /// <exception cref="SettingsException">Settings are wrong; the message lists all of them.</exception>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        configure?.Invoke(builder);
        builder.AddServiceDefaults();
        builder.AddWorkflowStores();
        builder.AddApi();
        builder.Settings().ThrowIfAny();

        var app = builder.Build();
        // Made now and not in the first request: without a server the connection attempt takes seconds.
        app.Services.GetRequiredService<IConnectionMultiplexer>();
        app.UseMiddleware<ProblemDetailsMapping>();
        app.UseRouting();
        app.UseCors();
        app.UseMiddleware<ApiKeyAuthentication>();
        app.MapApi();
        return app;
    }

    private static void AddApi(this WebApplicationBuilder builder)
    {
        var settings = builder.Settings();
        var development = builder.Environment.IsDevelopment();
        builder.Services.AddLlmWorkflowEngine(EngineSettings.Read(settings.Text, development, settings.Reject));
        var options = ApiSettings.Read(settings, builder.Configuration, development);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<AccessTokens>();
        builder.Services.AddSingleton<WaitEstimate>();
        builder.Services.AddSingleton<HealthProbe>();
        builder.Services.AddHostedService<SchemaSetup>();
        builder.Services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .WithOrigins([.. options.CorsOrigins]).AllowAnyHeader().WithMethods("GET", "POST", "DELETE").WithExposedHeaders("Location", "Retry-After")));
        // The contracts' own serializer, and for the OpenAPI document the same names.
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, WorkflowJson.Default);
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        builder.Services.AddApiDocument();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestDrain;
        });
        // The host's own request log shows query strings, and with them access tokens.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);
    }

    private static void MapApi(this WebApplication app)
    {
        app.MapDefaultEndpoints();
        app.MapHealth().Describe(ApiDocument.Health);
        app.MapSubmit().Describe(ApiDocument.Submit);
        app.MapStatus().Describe(ApiDocument.Status);
        app.MapJobEvents().Describe(ApiDocument.Events);
        app.MapCancel().Describe(ApiDocument.Cancel);
        app.MapSignals().Describe(ApiDocument.Signal);
        app.MapBudget().Describe(ApiDocument.Budget);
        app.MapValidate().Describe(WorkflowDocument.Validate);
        app.MapWorkflowList().Describe(WorkflowDocument.List);
        app.MapWorkflow().Describe(WorkflowDocument.Find);
        app.MapDiagram().Describe(WorkflowDocument.Diagram);
        app.MapWorkflowSchema().Describe(WorkflowDocument.Schema);
        app.MapUsage().Describe(UsageDocument.Usage);
        app.MapUsageDrift().Describe(UsageDocument.Drift);
        app.MapCacheStats().Describe(CacheDocument.Stats);
        app.MapCacheClear().Describe(CacheDocument.Clear);
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
        app.MapApiReference().AllowAnonymous();
    }
}
