using LlmWorkflow.ServiceDefaults.Resilience;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlmWorkflow.ServiceDefaults;

/// <summary>Hosting=Local: the client integrations on the packages underneath. <c>Integrations.Aspire.cs</c> has the same methods.</summary>
public static partial class Integrations
{
    internal static bool SupportsRedisUser => false;
    internal const string NoRedisUser =
        "has a user name, which StackExchange.Redis 1.2.6 (Hosting=Local) cannot send; use the default user's password, or build with Hosting=Aspire";

    internal static void AddRedis(IHostApplicationBuilder builder, RedisSettings settings) =>
        builder.Services.AddSingleton<IConnectionMultiplexer>(services =>
        {
            var options = ConfigurationOptions.Parse(settings.Text);
            settings.Apply(options);
            // Returns with or without a server, after ConnectTimeout at the latest, and goes on trying in the background. 1.2.6 has no limit for
            // asynchronous calls: on a server that hangs with its connection open they wait for ever (measured: minutes), so callers set one.
            var connection = ConnectionMultiplexer.Connect(options);
            RedisLog.Attach(connection, services.GetRequiredService<ILoggerFactory>().CreateLogger("LlmWorkflow.Redis"));
            return connection;
        });

    /// <summary>
    /// Timeouts, retries of idempotent requests and a circuit breaker for calls between the product's own services. Not for providers and webhooks: the
    /// engine retries those itself.
    /// </summary>
    public static IHttpClientBuilder AddInternalResilience(this IHttpClientBuilder builder) =>
        builder.AddHttpMessageHandler(services =>
        {
            var pipeline = new Polly.ResiliencePipelineBuilder<HttpResponseMessage>
            {
                TimeProvider = services.GetService<TimeProvider>(),
            };
            InternalHttpPolicy.Configure(pipeline);
            return new ResilientTransport(pipeline.Build());
        });

    /// <summary>
    /// The interactive API reference (Swagger UI) at <paramref name="path"/>, reading the document at <paramref name="openApiUrl"/>. All assets are served by this process.
    /// </summary>
    public static IEndpointConventionBuilder MapApiReference(
        this IEndpointRouteBuilder endpoints, string path = "/docs", string openApiUrl = "/openapi/v1.json", string title = "LlmWorkflow API") =>
        endpoints.MapSwaggerUI(path.Trim('/'), options =>
        {
            options.DocumentTitle = title;
            options.SwaggerEndpoint(openApiUrl, title);
            options.EnableDeepLinking();
            options.DisplayRequestDuration();
            // The validator badge would call a public service.
            options.ConfigObject.ValidatorUrl = null;
        });
}
