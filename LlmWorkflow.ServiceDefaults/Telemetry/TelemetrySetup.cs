using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Logs;
using OpenTelemetry.Resources;

namespace LlmWorkflow.ServiceDefaults.Telemetry;

/// <summary>Traces, metrics and logs by OTLP, if <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names a collector; protocol, headers and intervals are the OTEL_* settings.</summary>
internal static class TelemetrySetup
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static void AddTelemetry(IHostApplicationBuilder builder, SettingsReader settings)
    {
        // Off by default in .NET 10; without it a server span has no method, path or status.
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
        // Query strings carry keys (WeatherAPI). A switch that is set beats DOTNET_SYSTEM_NET_HTTP_DISABLEURIREDACTION.
        AppContext.SetSwitch("System.Net.Http.DisableUriRedaction", false);

        if (settings.Text(Endpoint) is not { } endpoint)
        {
            return;
        }

        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            settings.Reject(Endpoint, "must be an http:// or https:// URL");
            return;
        }

        var resource = new TelemetryResource(
            builder.Environment.ApplicationName,
            typeof(TelemetrySetup).Assembly.GetName().Version?.ToString(3),
            Guid.CreateVersion7().ToString(),
            builder.Environment.EnvironmentName.ToLowerInvariant());
        builder.Services.AddSingleton(resource);
        builder.Services.AddHostedService<TelemetryExport>();
        builder.Services.AddTransient<IStartupFilter, ServerSpans>();
        builder.Logging.AddOpenTelemetry(logs =>
        {
            var description = ResourceBuilder.CreateEmpty();
            resource.Describe(description);
            logs.SetResourceBuilder(description);
            logs.IncludeFormattedMessage = true;
            logs.IncludeScopes = true;
            // Before the exporter, which takes the record as it is then.
            logs.AddProcessor(new LogAttributeNames());
            logs.AddOtlpExporter();
        });
    }
}
