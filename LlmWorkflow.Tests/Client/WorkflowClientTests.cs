using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using LlmWorkflow.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Tests.Client;

/// <summary>The client against a server that does what the test scripts.</summary>
public sealed class WorkflowClientTests : IAsyncLifetime, IDisposable
{
    private static readonly Guid Job = Guid.Parse("0192f0c1-2b7a-7c3e-9f44-5d2b8a1e6f00");
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _script = new();
    private readonly ConcurrentQueue<string> _seen = new();
    private WebApplication _server = null!;
    private HttpClient _http = null!;
    private WorkflowClient _client = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Run(async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            _seen.Enqueue($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} "
                + $"{context.Request.Headers["X-API-Key"]} {context.Request.Headers["Idempotency-Key"]}{context.Request.Headers["Last-Event-ID"]} {await body.ReadToEndAsync()}".Trim());
            Assert.True(_script.TryDequeue(out var answer));
            await answer(context);
        });
        await _server.StartAsync();
        _http = new(new SocketsHttpHandler(), disposeHandler: true) { BaseAddress = new Uri($"{_server.Urls.First()}/") };
        _client = new(_http, "key");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Submit_Request_IsSentInSnakeCaseWithoutNulls()
    {
        _script.Enqueue(c => c.Response.WriteAsync($$"""
            {"job_id": "{{Job}}", "celery_task_id": "{{Job}}", "status": "queued", "workflow_name": "w", "estimated_wait_seconds": null, "status_url": "/s",
             "events_url": "/e", "access_token": "t", "created_at": "2026-11-21T10:00:00Z", "a_new_field": 1}
            """));

        var submitted = await _client.SubmitAsync(new() { WorkflowName = "w", InputData = JsonElement.Parse("""{"a":1}"""), MaxCostUsd = 0.5m }, "k1");

        Assert.Equal(Job, submitted.JobId);
        Assert.Equal("""POST /api/v1/jobs key k1 {"workflow_name":"w","input_data":{"a":1},"max_cost_usd":0.5}""", Assert.Single(_seen));
    }

    [Fact]
    public async Task Submit_Problem_IsThrownTyped()
    {
        _script.Enqueue(async c =>
        {
            c.Response.StatusCode = 503;
            c.Response.Headers.RetryAfter = "2";
            await c.Response.WriteAsync("""
                {"type": "urn:x", "title": "Service Unavailable", "status": 503, "detail": "The database does not answer.",
                 "error": {"type": "DatabaseUnavailable", "category": "SYSTEM_ERROR", "message": "m", "retryable": true, "retry_after": 2, "step_id": null, "details": null}}
                """);
        });

        var error = await Assert.ThrowsAsync<WorkflowApiException>(() => _client.SubmitAsync(new() { WorkflowName = "w" }));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, error.Status);
        Assert.Equal("DatabaseUnavailable", error.Problem?.Error.Type);
        Assert.Equal("The database does not answer.", error.Message);
        Assert.Equal(TimeSpan.FromSeconds(2), error.RetryAfter);
        Assert.True(error.Retryable);
    }

    [Fact]
    public async Task GetStatus_AnswerOfAProxy_IsThrownWithoutProblem()
    {
        _script.Enqueue(async c =>
        {
            c.Response.StatusCode = 502;
            await c.Response.WriteAsync("<html>Bad Gateway</html>");
        });

        var error = await Assert.ThrowsAsync<WorkflowApiException>(() => _client.GetStatusAsync(Job));

        Assert.Null(error.Problem);
        Assert.True(error.Retryable);
    }

    [Fact]
    public async Task Cache_Calls_SendOnlyWhatIsGiven()
    {
        _script.Enqueue(c => c.Response.WriteAsync("""{"operations": [{"service": "s", "operation": "o", "entries": 2, "hits": 3, "new": 1}], "totals": {"bytes": 7, "oldest_seconds": 1.5}}"""));
        _script.Enqueue(c => c.Response.WriteAsync("""{"deleted": 4}"""));
        _script.Enqueue(c => c.Response.WriteAsync("""{"deleted": 5}"""));

        var stats = await _client.GetCacheStatsAsync("s", "o&o");
        var key = await _client.ClearCacheAsync(key: "s:o:1");
        var all = await _client.ClearCacheAsync();

        Assert.Equal(("s", 2, 3, 7, 1.5), (stats.Operations[0].Service, stats.Operations[0].Entries, stats.Operations[0].Hits, stats.Totals.Bytes, stats.Totals.OldestSeconds));
        Assert.Equal((4, 5), (key.Deleted, all.Deleted));
        Assert.Equal(["GET /api/v1/cache/stats?service=s&operation=o%26o key", "DELETE /api/v1/cache?key=s%3Ao%3A1 key", "DELETE /api/v1/cache key"], _seen);
    }

    [Fact]
    public async Task Stream_ConnectionBreaks_ResumesAfterLastDurableEvent()
    {
        var read = new TaskCompletionSource();
        _script.Enqueue(async c =>
        {
            await EventsAsync(c, Durable(1, "job.queued") + Durable(2, "step.started") + Live("llm.delta", "ab"));
            await read.Task;
            c.Abort();
        });
        _script.Enqueue(c =>
        {
            c.Response.StatusCode = 503;
            return Task.CompletedTask;
        });
        _script.Enqueue(c => EventsAsync(c, ": heartbeat\n\n" + Live("llm.snapshot", "abc") + Durable(3, "step.completed")));
        _script.Enqueue(c => EventsAsync(c, Durable(4, "job.completed")));

        List<string> events = [];
        await foreach (var found in _client.StreamAsync(Job))
        {
            events.Add($"{found.Sequence}{found.Type}{found.Text}");
            if (found.Type == "llm.delta")
            {
                read.SetResult();
            }
        }

        Assert.Equal(["1job.queued", "2step.started", "llm.deltaab", "llm.snapshotabc", "3step.completed", "4job.completed"], events);
        Assert.Equal(
            [$"GET /api/v1/jobs/{Job}/events key", .. new[] { 2, 2, 3 }.Select(n => $"GET /api/v1/jobs/{Job}/events key {n}")],
            _seen);
    }

    [Fact]
    public async Task Stream_NothingLeft_Ends()
    {
        _script.Enqueue(c =>
        {
            c.Response.StatusCode = 204;
            return Task.CompletedTask;
        });

        await foreach (var found in _client.StreamAsync(Job, 9))
        {
            Assert.Fail(found.Type);
        }

        Assert.EndsWith(" 9", Assert.Single(_seen), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_UnknownJob_Throws()
    {
        _script.Enqueue(c =>
        {
            c.Response.StatusCode = 404;
            return Task.CompletedTask;
        });

        await Assert.ThrowsAsync<WorkflowApiException>(async () => await _client.StreamAsync(Job).GetAsyncEnumerator().MoveNextAsync());
    }

    [Fact]
    public async Task Stream_Cancelled_Stops()
    {
        using var stop = new CancellationTokenSource();
        _script.Enqueue(async c =>
        {
            await EventsAsync(c, Durable(1, "job.queued"));
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, c.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        await using var events = _client.StreamAsync(Job, cancellationToken: stop.Token).GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync());

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await events.MoveNextAsync());
    }

    private static async Task EventsAsync(HttpContext context, string text)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync(text);
        await context.Response.Body.FlushAsync();
    }

    private static string Durable(long sequence, string type) =>
        $$"""
        id: {{sequence}}
        event: {{type}}
        data: {"job_id":"{{Job}}","sequence":{{sequence}},"type":"{{type}}","timestamp":"2026-11-21T10:00:00Z"}


        """;

    private static string Live(string type, string text) =>
        $$"""
        event: {{type}}
        data: {"job_id":"{{Job}}","type":"{{type}}","step_id":"s","call":0,"text":"{{text}}"}


        """;
}
