using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Engine.Definitions;

namespace LlmWorkflow.Tests.EndToEnd;

/// <summary>One job from HTTP submit to webhook: its trace over process borders, and what it leaves in the metrics.</summary>
public sealed class JobTraceTests
{
    private const string Inbox = "/_control/webhooks/secret-path-of-the-receiver";
    private const string Server = "Microsoft.AspNetCore.Hosting.HttpRequestIn";
    private const string Client = "System.Net.Http.HttpRequestOut";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Submit_Traced_OneTraceToTheWebhookAndAllMetrics()
    {
        using var telemetry = new TelemetryCapture();
        await using var system = await SystemInProcess.StartAsync();

        var jobId = await SubmitAsync(system, telemetry.TraceParent);

        await Eventually.TrueAsync(() => Task.FromResult(IsWhole(telemetry)), Patience, "the receiver's and the sender's span of the webhook");
        var submit = Child(telemetry, telemetry.Caller, Server);
        Assert.Contains(telemetry.Spans, span => span.ParentSpanId == submit.SpanId && span.Source.Name == "Npgsql");
        var job = Child(telemetry, submit.SpanId, "job emergency_contacts");
        Assert.Equal((jobId, "completed", ActivityKind.Consumer), (job.GetTagItem("llmworkflow.job.id"), job.GetTagItem("llmworkflow.job.status"), job.Kind));
        Assert.Equal(
            ["search_nearby", "extract_places", "analyze_contacts", "parse_contacts"],
            telemetry.Spans.Where(span => span.ParentSpanId == job.SpanId && span.DisplayName.StartsWith("step ", StringComparison.Ordinal))
                .OrderBy(span => span.StartTimeUtc).Select(span => span.GetTagItem("llmworkflow.step.id")));
        AssertCall(telemetry, Child(telemetry, Child(telemetry, job.SpanId, "step search_nearby").SpanId, "google_places.nearby_search"), "attempt");
        AssertCall(telemetry, Child(telemetry, job.SpanId, "step analyze_contacts"), "chat anthropic/claude-3.5-sonnet");
        var webhook = Child(telemetry, job.SpanId, "webhook deliver");
        Assert.Equal("delivered", webhook.GetTagItem("llmworkflow.webhook.outcome"));
        Child(telemetry, webhook.SpanId, Server);
        Assert.All(telemetry.Spans, span => Assert.NotEqual(ActivityStatusCode.Error, span.Status));
        AssertNoSecrets(telemetry);
        AssertBatchesStandAlone(telemetry);
        AssertMetrics(telemetry);
    }

    private static bool IsWhole(TelemetryCapture telemetry) =>
        telemetry.Spans.FirstOrDefault(span => span.DisplayName == "webhook deliver") is { } webhook
        && telemetry.Child(webhook.SpanId, Server) is not null
        && telemetry.Spans.Any(span => span.DisplayName == "job emergency_contacts");

    // The span of the call, under it that of the HTTP request, under it that of the server at the other end.
    private static void AssertCall(TelemetryCapture telemetry, Activity parent, string name) =>
        Child(telemetry, Child(telemetry, Child(telemetry, parent.SpanId, name).SpanId, Client).SpanId, Server);

    private static void AssertNoSecrets(TelemetryCapture telemetry)
    {
        var values = telemetry.Spans
            .SelectMany(span => span.TagObjects.Where(tag => span.Kind != ActivityKind.Server).Select(tag => $"{tag.Key}={tag.Value}").Append(span.StatusDescription))
            .ToList();
        Assert.DoesNotContain(values, value => value is not null && value.Contains(SystemInProcess.UpstreamKey, StringComparison.Ordinal));
        Assert.DoesNotContain(values, value => value is not null && value.Contains("secret-path", StringComparison.Ordinal));
        Assert.DoesNotContain(values, value => value is not null && value.Contains("hook-secret", StringComparison.Ordinal));
    }

    // A statement that carries many jobs' rows belongs to none of their traces.
    private static void AssertBatchesStandAlone(TelemetryCapture telemetry) =>
        Assert.DoesNotContain(telemetry.Spans, span => span.GetTagItem("db.query.text") is string sql
            && (sql.Contains("insert into llm_workflow_jobs", StringComparison.Ordinal) || sql.Contains("insert into llm_step_runs", StringComparison.Ordinal)));

    private static void AssertMetrics(TelemetryCapture telemetry)
    {
        telemetry.Observe();
        string[] series =
        [
            "llmworkflow.jobs llmworkflow.job.status=completed llmworkflow.workflow.name=emergency_contacts",
            "llmworkflow.job.duration llmworkflow.job.status=completed llmworkflow.workflow.name=emergency_contacts",
            "llmworkflow.jobs.running",
            "llmworkflow.queue.time llmworkflow.job.priority=",
            "llmworkflow.queue.depth llmworkflow.job.priority=10",
            "llmworkflow.queue.age llmworkflow.job.priority=0",
            "llmworkflow.step.duration llmworkflow.step.status=completed llmworkflow.step.type=llm",
            "llmworkflow.service.duration llmworkflow.service.cached=False llmworkflow.service.name=google_places",
            "llmworkflow.webhook.deliveries llmworkflow.webhook.event=workflow.completed llmworkflow.webhook.outcome=delivered",
            "llmworkflow.cost.usd gen_ai.operation.name=chat",
            "gen_ai.client.operation.duration gen_ai.operation.name=chat",
            "gen_ai.client.token.usage gen_ai.operation.name=chat",
        ];
        Assert.All(series, wanted => Assert.Contains(telemetry.Measured.Keys, name => name.StartsWith(wanted, StringComparison.Ordinal)));
        // Nothing was lost here, so it is not in use, but it must be there to be charted.
        Assert.Contains("llmworkflow.leases.lost", telemetry.Instruments.Keys);
    }

    private static Activity Child(TelemetryCapture telemetry, ActivitySpanId parent, string name) =>
        telemetry.Child(parent, name) ?? throw new Xunit.Sdk.XunitException(
            $"No span '{name}' under {parent}. There are: {string.Join("; ", telemetry.Spans.Select(span => $"{span.ParentSpanId} > {span.SpanId} {span.DisplayName}"))}");

    private static async Task<string> SubmitAsync(SystemInProcess system, string traceParent)
    {
        var input = await File.ReadAllTextAsync(Path.Combine(ShippedWorkflows.Directory, "samples", "emergency_contacts.json"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/workflow");
        request.Headers.Add("traceparent", traceParent);
        request.Content = new StringContent(
            $$"""{"workflow_name":"emergency_contacts","input_data":{{input}},"webhook_url":"{{new Uri(system.Simulator, Inbox)}}","webhook_secret":"hook-secret"}""",
            Encoding.UTF8, "application/json");
        using var response = await system.Http.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, body);
        return JsonElement.Parse(body).GetProperty("job_id").GetString()!;
    }
}
