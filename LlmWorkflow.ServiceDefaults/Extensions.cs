using LlmWorkflow.ServiceDefaults.Logging;
using LlmWorkflow.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlmWorkflow.ServiceDefaults;

/// <summary>What every process of the system has in common.</summary>
public static class Extensions
{
    /// <summary>
    /// Adds telemetry, JSON logs, orderly shutdown and the check of settings. Honours <c>ENVIRONMENT</c>, <c>PORT</c>, <c>LOG_LEVEL</c>,
    /// <c>DEBUG_MODE</c>, <c>SHUTDOWN_TIMEOUT</c> (seconds, default 25) and the OTEL_* settings.
    /// </summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var settings = builder.Settings();
        ApplyEnvironment(builder, settings);
        ApplyPort(builder, settings);
        LoggingSetup.AddJsonLogs(builder, settings);
        TelemetrySetup.AddTelemetry(builder, settings);
        // Container platforms kill 30 s after SIGTERM; the rest is for the flush of telemetry.
        var shutdown = settings.Seconds("SHUTDOWN_TIMEOUT", TimeSpan.FromSeconds(25));
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = shutdown);
        return builder;
    }

    /// <summary>
    /// The reader of this process's settings, shared by all who add services. Call <see cref="SettingsReader.ThrowIfAny"/> before the host is built; if
    /// nobody does, the host refuses to start.
    /// </summary>
    public static SettingsReader Settings(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (builder.Properties.TryGetValue(typeof(SettingsReader), out var found))
        {
            return (SettingsReader)found;
        }

        var settings = new SettingsReader(builder.Configuration);
        builder.Properties[typeof(SettingsReader)] = settings;
        builder.Services.AddSingleton(settings);
        builder.Services.AddHostedService<SettingsCheck>();
        return settings;
    }

    /// <summary>Maps <c>GET /alive</c>: 200 as long as the process lives, whatever is down around it. Without key, metrics and traces.</summary>
    public static IEndpointConventionBuilder MapDefaultEndpoints(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/alive", static context =>
        {
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync("""{"status":"alive"}""", context.RequestAborted);
        }).DisableHttpMetrics().AllowAnonymous();

    // ENVIRONMENT is the older services' name; .NET's own names win.
    private static void ApplyEnvironment(IHostApplicationBuilder builder, SettingsReader settings)
    {
        if (settings.Text("ENVIRONMENT") is { } name && settings.Text("DOTNET_ENVIRONMENT") is null && settings.Text("ASPNETCORE_ENVIRONMENT") is null)
        {
            builder.Environment.EnvironmentName = name.ToUpperInvariant() switch
            {
                "DEV" or "DEVELOPMENT" => Environments.Development,
                "STAGING" => Environments.Staging,
                "PROD" or "PRODUCTION" => Environments.Production,
                _ => name,
            };
        }
    }

    // PORT is what render.com and its like give; it beats the image's default port, not an explicit list of URLs.
    private static void ApplyPort(IHostApplicationBuilder builder, SettingsReader settings)
    {
        if (settings.Text("PORT") is null)
        {
            return;
        }

        var port = settings.Whole("PORT", 8000, 1, 65_535);
        if (settings.Text("urls") is null)
        {
            builder.Services.Configure<KestrelServerOptions>(options => options.ListenAnyIP(port));
        }
    }
}
