using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using LlmWorkflow.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Tests.ServiceDefaults;

/// <summary>A real collector's door (OTLP over HTTP) in this process; its protobuf is searched for the strings that must and must not be in it.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public async Task Stop_AfterWork_FlushesTracesMetricsAndLogs()
    {
        await using var collector = await Collector.StartAsync();
        using var source = new ActivitySource("LlmWorkflow");
        using var meter = new Meter("LlmWorkflow");
        var app = await WebTests.StartAsync(
            builder =>
            {
                builder.Configuration.AddInMemoryCollection(collector.Settings);
                builder.Configuration["OTEL_SERVICE_NAME"] = "the-service";
                builder.Configuration["OTEL_RESOURCE_ATTRIBUTES"] = "service.instance.id=the-instance,team=blue";
            },
            app => app.MapGet("/outer", () => "ok"));

        using (var client = WebTests.Client(app))
        using (source.StartActivity("product-span"))
        using (app.Logger.BeginScope(new Dictionary<string, object?> { ["job_id"] = "the-job" }))
        {
            meter.CreateCounter<int>("product.counter").Add(1);
            app.Logger.LogWarning("the-log-line took {DurationMs} ms", 5);
            await client.GetStringAsync("outer?access_token=secret-of-server&key=secret-of-client");
        }

        await app.StopAsync();
        await app.DisposeAsync();

        var traces = collector.Text("/v1/traces");
        Assert.Contains("product-span", traces);
        Assert.Contains("/outer", traces);
        Assert.Contains("GET /outer", traces);
        Assert.Contains("http.request.method", traces);
        Assert.Contains("http.response.status_code", traces);
        Assert.Contains("the-service", traces);
        Assert.Contains("the-instance", traces);
        Assert.Contains("blue", traces);
        Assert.DoesNotContain("secret-of", traces);
        var metrics = collector.Text("/v1/metrics");
        Assert.Contains("product.counter", metrics);
        Assert.Contains("http.server.request.duration", metrics);
        Assert.Contains("dotnet.gc.", metrics);
        Assert.Contains("the-instance", metrics);
        var logs = collector.Text("/v1/logs");
        Assert.Contains("the-log-line", logs);
        Assert.Contains("job_id", logs);
        Assert.Contains("the-job", logs);
        Assert.Contains("duration_ms", logs);
        Assert.Contains("the-instance", logs);
    }

    [Fact]
    public async Task Alive_WithTraceParent_IsNotTraced()
    {
        await using var collector = await Collector.StartAsync();
        var app = await WebTests.StartAsync(
            builder => builder.Configuration.AddInMemoryCollection(collector.Settings), app => app.MapGet("/traced", () => "ok"));
        // Another test's listener must not give this client spans of its own: the header is set by hand and propagation is off.
        using (var client = new HttpClient(
            new SocketsHttpHandler { ActivityHeadersPropagator = null }, disposeHandler: true) { BaseAddress = new Uri($"{app.Urls.First()}/") })
        {
            foreach (var (path, trace) in new[] { ("alive", "a11ce0000000000000000000000000a1"), ("traced", "7eace00000000000000000000000007e") })
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, path);
                request.Headers.Add("traceparent", $"00-{trace}-00000000000000a1-01");
                using var response = await client.SendAsync(request);
            }
        }

        await app.StopAsync();
        await app.DisposeAsync();

        Assert.True(collector.HasBytes("/v1/traces", Convert.FromHexString("7eace00000000000000000000000007e")));
        Assert.False(collector.HasBytes("/v1/traces", Convert.FromHexString("a11ce0000000000000000000000000a1")));
    }

    [Fact]
    public async Task Stop_CollectorGone_EndsSoon()
    {
        var app = await WebTests.StartAsync(builder => builder.Configuration.AddInMemoryCollection(
        [
            new("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
            new("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ]));
        app.Logger.LogWarning("nobody listens");
        var clock = Stopwatch.StartNew();

        await app.StopAsync();
        await app.DisposeAsync();

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(45), $"took {clock.Elapsed}");
    }

    [Fact]
    public void AddServiceDefaults_EndpointIsNoUrl_IsRejected()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection([new("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317")]);

        builder.AddServiceDefaults();

        Assert.StartsWith("OTEL_EXPORTER_OTLP_ENDPOINT:", Assert.Single(builder.Settings().Errors));
    }

    private sealed class Collector(WebApplication app, ConcurrentQueue<(string Path, byte[] Body)> bodies) : IAsyncDisposable
    {
        public IEnumerable<KeyValuePair<string, string?>> Settings =>
        [
            new("OTEL_EXPORTER_OTLP_ENDPOINT", app.Urls.First()),
            new("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ];

        public static async Task<Collector> StartAsync()
        {
            var bodies = new ConcurrentQueue<(string, byte[])>();
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
            var app = builder.Build();
            app.Run(async context =>
            {
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body, context.RequestAborted);
                bodies.Enqueue((context.Request.Path.Value ?? string.Empty, body.ToArray()));
            });
            await app.StartAsync();
            return new Collector(app, bodies);
        }

        public string Text(string path) => string.Concat(bodies.Where(body => body.Path == path).Select(body => Encoding.UTF8.GetString(body.Body)));

        public bool HasBytes(string path, byte[] wanted) => bodies.Any(body => body.Path == path && body.Body.AsSpan().IndexOf(wanted) >= 0);

        public async ValueTask DisposeAsync()
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }
}
