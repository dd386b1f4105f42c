using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Tests.Support;

/// <summary>An HTTP server on a free port that does what the test scripts: one script per request, the last one for all that follow.</summary>
public sealed class FakeUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _scripts = new();
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<HttpContext, Task>? _last;

    private FakeUpstream(WebApplication app) => _app = app;

    public ConcurrentQueue<ReceivedRequest> Received { get; } = new();

    public Uri Url { get; private set; } = null!;

    /// <summary>The first request has come.</summary>
    public Task Asked => _asked.Task.WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>Completes when a client has closed its connection in mid-reply.</summary>
    public Task Aborted => _aborted.Task;

    public static async Task<FakeUpstream> StartAsync(params Func<HttpContext, Task>[] scripts)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var upstream = new FakeUpstream(app);
        foreach (var script in scripts)
        {
            upstream._scripts.Enqueue(script);
        }

        app.Run(upstream.HandleAsync);
        await app.StartAsync();
        upstream.Url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return upstream;
    }

    public static Func<HttpContext, Task> Json(string json, int status = 200, string contentType = "application/json", params (string Name, string Value)[] headers) =>
        context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = contentType;
            foreach (var (name, value) in headers)
            {
                context.Response.Headers[name] = value;
            }

            return context.Response.WriteAsync(json);
        };

    /// <summary>Server-sent events, each flushed; lines that start with a colon are sent as comments.</summary>
    public static Func<HttpContext, Task> Sse(params string[] events) => context => WriteEventsAsync(context, events);

    /// <summary>Events, then the connection ends although more was promised. No reset: that could overtake the events.</summary>
    public static Func<HttpContext, Task> CutSse(params string[] events) => context =>
    {
        context.Response.ContentLength = 1_000_000;
        return WriteEventsAsync(context, events);
    };

    /// <summary>Events, then nothing until the client goes away.</summary>
    public static Func<HttpContext, Task> HangingSse(params string[] events) => async context =>
    {
        await WriteEventsAsync(context, events);
        await HangAsync(context);
    };

    public static async Task HangAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
        await gone.Task;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static async Task WriteEventsAsync(HttpContext context, string[] events)
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var line in events)
        {
            await context.Response.WriteAsync(line.StartsWith(':') ? line + "\n\n" : $"data: {line}\n\n");
            await context.Response.Body.FlushAsync();
        }
    }

    private async Task HandleAsync(HttpContext context)
    {
        context.RequestAborted.Register(() => _aborted.TrySetResult());
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        Received.Enqueue(new ReceivedRequest(
            context.Request.Method,
            context.Request.Path.Value!,
            context.Request.QueryString.Value!,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            await reader.ReadToEndAsync()));
        _asked.TrySetResult();
        if (_scripts.TryDequeue(out var script))
        {
            _last = script;
        }

        await (_last ?? throw new InvalidOperationException("The test has no script for this request."))(context);
    }
}

public sealed record ReceivedRequest(string Method, string Path, string Query, IReadOnlyDictionary<string, string> Headers, string Body);
