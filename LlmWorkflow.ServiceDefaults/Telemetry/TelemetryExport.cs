using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace LlmWorkflow.ServiceDefaults.Telemetry;

/// <summary>
/// Owns the trace and metric providers: starts them before any other hosted service and flushes them, and the logs, after the last has stopped. This is
/// what OpenTelemetry.Extensions.Hosting would do, plus the flush.
/// </summary>
internal sealed class TelemetryExport(IConfiguration configuration, TelemetryResource resource, IServiceProvider services)
    : IHostedLifecycleService, IDisposable
{
    // A collector that is gone must not hold up the end of a process.
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(3);

    private TracerProvider? tracing;
    private MeterProvider? metrics;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        tracing = OpenTelemetry.Sdk.CreateTracerProviderBuilder()
            .ConfigureServices(inner => inner.AddSingleton(configuration))
            .ConfigureResource(resource.Describe)
            .AddSource(TelemetryNames.Sources)
            .AddProcessor(new ProbeFilter())
            .AddOtlpExporter()
            .Build();
        metrics = OpenTelemetry.Sdk.CreateMeterProviderBuilder()
            .ConfigureServices(inner => inner.AddSingleton(configuration))
            .ConfigureResource(resource.Describe)
            .AddMeter(TelemetryNames.Meters)
            .AddOtlpExporter()
            .Build();
        return Task.CompletedTask;
    }

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        var limit = (int)FlushTimeout.TotalMilliseconds;
        return Task.WhenAll(
            Task.Run(() => tracing?.Shutdown(limit), CancellationToken.None),
            Task.Run(() => metrics?.Shutdown(limit), CancellationToken.None),
            Task.Run(() => services.GetService<LoggerProvider>()?.ForceFlush(limit), CancellationToken.None));
    }

    public void Dispose()
    {
        tracing?.Dispose();
        metrics?.Dispose();
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Who sends: one instance id for traces, metrics and logs; <c>OTEL_SERVICE_NAME</c> and <c>OTEL_RESOURCE_ATTRIBUTES</c> override each part.</summary>
internal sealed record TelemetryResource(string ServiceName, string? Version, string InstanceId, string Environment)
{
    public void Describe(ResourceBuilder builder) => builder
        .Clear()
        .AddTelemetrySdk()
        .AddService(ServiceName, serviceNamespace: null, Version, autoGenerateServiceInstanceId: false, InstanceId)
        .AddAttributes([new("deployment.environment.name", Environment)])
        // Last, so that it wins.
        .AddEnvironmentVariableDetector();
}
