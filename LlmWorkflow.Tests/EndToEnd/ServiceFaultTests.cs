using System.Diagnostics;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace LlmWorkflow.Tests.EndToEnd;

/// <summary>Everything that a service can do wrong, with its key in each kind of place; the service repeats the key wherever it can.</summary>
public sealed class ServiceFaultTests
{
    // Nothing that looks like a key: only who knows it can take it out. Part of it is the same in every way of writing it.
    private const string Key = """open=sesame/of+the&"mountain"s""";
    private const string Trace = "sesame";

    private static readonly string[] s_services = ["by_header", "by_query", "by_bearer"];

    // Asked with a short time limit: with one for all, others would run into it on a slow machine.
    private static readonly string[] s_endless = ["time_out", "slow_drip"];

    // What becomes of each fault: type, category, whether a retry may help, the seconds that the service asked for.
    private static readonly Dictionary<string, (string Type, string Category, bool Retryable, double? RetryAfter)> s_faults = new(StringComparer.Ordinal)
    {
        ["time_out"] = ("UpstreamTimeout", "EXTERNAL_ERROR", true, null),
        ["reset"] = ("NetworkError", "EXTERNAL_ERROR", true, null),
        ["reset_in_body"] = ("NetworkError", "EXTERNAL_ERROR", true, null),
        ["status_500"] = ("UpstreamServerError", "EXTERNAL_ERROR", true, null),
        ["status_503"] = ("UpstreamServerError", "EXTERNAL_ERROR", true, 1),
        ["status_400"] = ("UpstreamBadRequest", "EXTERNAL_ERROR", false, null),
        ["status_401"] = ("AuthenticationFailed", "CONFIG_ERROR", false, null),
        ["malformed"] = ("InvalidResponse", "EXTERNAL_ERROR", true, null),
        ["error_inside"] = ("UpstreamBadRequest", "EXTERNAL_ERROR", false, null),
        ["passing_error_inside"] = ("UpstreamServerError", "EXTERNAL_ERROR", true, null),
        ["endless"] = ("InvalidResponse", "EXTERNAL_ERROR", false, null),
        ["slow_drip"] = ("UpstreamTimeout", "EXTERNAL_ERROR", true, null),
        ["html"] = ("InvalidResponse", "EXTERNAL_ERROR", false, null),
        ["redirect"] = ("UpstreamBadRequest", "CONFIG_ERROR", false, null),
    };

    [Fact]
    public async Task Faults_EachInEachPlaceOfTheKey_RightErrorAndNoSecretAnywhere()
    {
        await using var upstream = await FakeUpstream.StartAsync(AnswerAsync);
        using var tree = new WorkflowTree(("ask_badly", Definition()));
        foreach (var service in s_services)
        {
            tree.Write($"services/{service}.json", Service(service, upstream.Url));
        }

        using var log = new LogCapture();
        using var telemetry = new TelemetryCapture();
        await using var system = await SystemInProcess.StartAsync(
            new Dictionary<string, string?> { ["WORKFLOWS_DIR"] = tree.Root, ["CAVE_API_KEY"] = Key }, log);
        system.Http.DefaultRequestHeaders.Add("traceparent", telemetry.TraceParent);

        var input = JsonSerializer.Serialize(new Dictionary<string, IEnumerable<string>> { ["kinds"] = Ending.Append("success"), ["endless"] = s_endless });
        var end = await ServiceRun.RunAsync(system, "ask_badly", input);

        Assert.True(end.GetProperty("status").GetString() == "completed", end.GetRawText());
        foreach (var service in s_services)
        {
            await AssertErrorsAsync(system, service);
        }

        // The key did arrive, in every place: what follows is no accident.
        Assert.Contains(upstream.Received, request => request.Headers.GetValueOrDefault("X-Cave") == Key);
        Assert.Contains(upstream.Received, request => request.Headers.GetValueOrDefault("Authorization") == $"Bearer {Key}");
        Assert.Contains(upstream.Received, request => request.Query.Contains(Uri.EscapeDataString(Key), StringComparison.Ordinal));
        AssertAbsent("status", [end.GetRawText()]);
        AssertAbsent("rows", await ServiceRun.RowsAsync(system));
        AssertAbsent("Redis", await ServiceRun.RedisAsync(system));
        AssertAbsent("logs", [.. log.Lines]);
        AssertAbsent("spans", [.. telemetry.Spans.Where(span => span.Kind != ActivityKind.Server).SelectMany(Texts)]);
        Assert.Contains(telemetry.Spans, span => span.DisplayName == "by_query.ask");
        Assert.Contains(await ServiceRun.RowsAsync(system), row => row.StartsWith("external_api_cache: ", StringComparison.Ordinal) && row.Contains("[REDACTED]", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Ending => s_faults.Keys.Except(s_endless);

    private static async Task AssertErrorsAsync(SystemInProcess system, string service)
    {
        await using var source = NpgsqlDataSource.Create(system.Database);
        await using var command = source.CreateCommand("select step_path, error::text from llm_step_runs where step_id = any($1) and error is not null");
        command.Parameters.Add(new NpgsqlParameter { Value = new[] { $"ask_{service}", $"wait_{service}" } });
        Dictionary<string, JsonElement> errors = [];
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                var path = reader.GetString(0).Split('/');
                var index = int.Parse(path[1], System.Globalization.CultureInfo.InvariantCulture);
                errors[path[2].StartsWith("wait", StringComparison.Ordinal) ? s_endless[index] : Ending.ElementAt(index)] = JsonElement.Parse(reader.GetString(1));
            }
        }

        Assert.Equal(s_faults.Count, errors.Count);
        foreach (var fault in s_faults.Keys)
        {
            var error = errors[fault];
            var told = (error.GetProperty("type").GetString()!, error.GetProperty("category").GetString()!, error.GetProperty("retryable").GetBoolean(),
                error.TryGetProperty("retry_after", out var after) && after.ValueKind == JsonValueKind.Number ? after.GetDouble() : (double?)null);
            Assert.True(s_faults[fault] == told, $"{service} {fault}: {error.GetRawText()}");
            var details = error.GetProperty("details");
            Assert.Equal((service, s_endless.Contains(fault) ? "wait" : "ask"), (details.GetProperty("service").GetString(), details.GetProperty("operation").GetString()));
            Assert.NotEmpty(details.GetProperty("suggestions")[0].GetString()!);
        }
    }

    private static void AssertAbsent(string where, IReadOnlyList<string> texts)
    {
        Assert.NotEmpty(texts);
        var found = texts.FirstOrDefault(text => text.Contains(Trace, StringComparison.OrdinalIgnoreCase));
        Assert.True(found is null, $"The key is in {where}: {found}");
    }

    private static IEnumerable<string> Texts(Activity span) =>
        span.TagObjects.Select(tag => $"{tag.Key}={tag.Value}")
            .Concat(span.Events.SelectMany(told => told.Tags.Select(tag => $"{told.Name} {tag.Key}={tag.Value}")))
            .Concat(span.Baggage.Select(item => $"{item.Key}={item.Value}"))
            .Append(span.DisplayName).Append(span.StatusDescription ?? "");

    private static string Definition() => $$"""
        { "name": "ask_badly", "version": "1.0.0", "steps": [{{string.Join(", ", s_services.Select(service => $$"""
          { "id": "each_{{service}}", "type": "foreach", "items": "input.kinds", "as": "kind", "max_concurrency": 4, "steps": [
            { "id": "ask_{{service}}", "type": "external_api", "service": "{{service}}", "operation": "ask", "config": { "kind": "${kind}" }, "on_error": "continue" } ] },
          { "id": "endless_{{service}}", "type": "foreach", "items": "input.endless", "as": "kind", "max_concurrency": 2, "steps": [
            { "id": "wait_{{service}}", "type": "external_api", "service": "{{service}}", "operation": "wait", "config": { "kind": "${kind}" }, "on_error": "continue" } ] }
          """))}}] }
        """;

    private static string Service(string name, Uri url) => $$"""
        {
          "name": "{{name}}", "base_url": "{{url}}", "allow_private_addresses": true,
          "auth": {{name switch
          {
              "by_header" => """{ "in": "header", "name": "X-Cave", "variables": ["CAVE_API_KEY"] }""",
              "by_query" => """{ "in": "query", "name": "cave", "variables": ["CAVE_API_KEY"] }""",
              _ => """{ "in": "bearer", "variables": ["CAVE_API_KEY"] }""",
          }}},
          "timeout_seconds": 60, "retry": { "max_attempts": 1 }, "circuit_breaker": { "minimum_calls": 1000 },
          "success": "status == 200 && response.state == 'open'", "error_message": "response.why",
          "errors": [{ "when": "response.state == 'jammed'", "type": "UpstreamServerError", "retryable": true, "suggestion": "Oil it." }],
          "operations": {
            "ask": {
              "method": "GET", "path": "/${params.kind}",
              "parameters": { "type": "object", "properties": { "kind": { "type": "string" } }, "required": ["kind"] }
            },
            "wait": {
              "method": "GET", "path": "/${params.kind}", "timeout_seconds": 1,
              "parameters": { "type": "object", "properties": { "kind": { "type": "string" } }, "required": ["kind"] }
            }
          }
        }
        """;

    private static async Task AnswerAsync(HttpContext context)
    {
        var key = context.Request.Headers["X-Cave"].FirstOrDefault() ?? context.Request.Query["cave"].FirstOrDefault() ?? context.Request.Headers.Authorization.ToString();
        var why = JsonSerializer.Serialize($"no entry with {key}, nor with {Uri.EscapeDataString(key)}");
        Task Json(int status, string body) => FakeUpstream.Json(body, status)(context);
        switch (context.Request.Path.Value)
        {
            case "/time_out":
                await FakeUpstream.HangAsync(context);
                break;
            case "/reset":
                context.Abort();
                break;
            case "/reset_in_body":
                await WriteAsync(context, $$"""{"state":"open","why":{{why}}""");
                context.Abort();
                break;
            case "/status_503":
                context.Response.Headers.RetryAfter = "1";
                await Json(503, $$"""{"why":{{why}}}""");
                break;
            case "/malformed":
                await Json(200, $$"""{"state":"open","why":{{why}}""");
                break;
            case "/error_inside":
                await Json(200, $$"""{"state":"shut","why":{{why}}}""");
                break;
            case "/passing_error_inside":
                await Json(200, $$"""{"state":"jammed","why":{{why}}}""");
                break;
            case "/endless":
                var block = new string('x', 100_000);
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await WriteAsync(context, block);
                }

                break;
            case "/slow_drip":
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await WriteAsync(context, " ");
                    await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
                }

                break;
            case "/html":
                await FakeUpstream.Json($"<html>{why}</html>", 200, "text/html")(context);
                break;
            case "/redirect":
                context.Response.Headers.Location = $"https://elsewhere.example/cave?key={Uri.EscapeDataString(key)}";
                context.Response.StatusCode = 302;
                break;
            case "/success":
                await Json(200, $$"""{"state":"open","why":{{why}},"key":{{JsonSerializer.Serialize(key)}}}""");
                break;
            case { } path:
                await Json(int.Parse(path[^3..], System.Globalization.CultureInfo.InvariantCulture), $$"""{"why":{{why}}}""");
                break;
        }
    }

    private static async Task WriteAsync(HttpContext context, string text)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "application/json";
        }

        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text));
        await context.Response.Body.FlushAsync();
    }
}
