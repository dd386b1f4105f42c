using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Tests.Engine.Webhooks;

public sealed class WebhookPayloadTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 4, 5, 6, 7, 89, TimeSpan.Zero);
    private static readonly JobIdentity Job = new()
    {
        JobId = Guid.Parse("0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3"),
        WorkflowName = "emergency_contacts",
        DefinitionHash = "h",
        UserId = Guid.Parse("11111111-2222-3333-4444-555555555555"),
        Username = "Zoë",
        Action = "plan",
        TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };

    private static readonly WebhookTarget Target = new("https://example.com/hook", []);

    [Fact]
    public void Build_Completed_IsTheExactText()
    {
        var delivery = WebhookPayload.Build(Job, Target, new()
        {
            Status = JobStatus.Completed,
            At = At,
            Output = JsonElement.Parse("""{"b":1.50,"a":"é<\u0000"}"""),
            CostData = JsonElement.Parse("""{"steps":[]}"""),
            DurationMs = 1234,
            TotalTokens = 99,
            TotalCostUsd = 0.000125m,
        });

        Assert.NotNull(delivery);
        const string Expected = """
            {"event":"workflow.completed","timestamp":"2026-03-04T05:06:07.089Z","job_id":"0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3",
            "status":"completed","workflow_name":"emergency_contacts","user_id":"11111111-2222-3333-4444-555555555555",
            "username":"Zoë","action":"plan","metadata":{"duration_ms":1234,"total_tokens":99,"total_cost_usd":0.000125},
            "cost_data":{"steps":[]},"output":{"b":1.50,"a":"é<\u0000"},"result":{"output":{"b":1.50,"a":"é<\u0000"},
            "cost_data":{"steps":[]},"metadata":{"duration_ms":1234,"total_tokens":99,"total_cost_usd":0.000125}}}
            """;
        Assert.Equal(
            Expected.ReplaceLineEndings(""),
            delivery.Payload);
        Assert.Equal(("workflow.completed", Target.Url, Job.JobId, Job.TraceParent), (delivery.Event, delivery.Url, delivery.JobId, delivery.TraceParent));
        Assert.Equal(7, delivery.Id.Version);
    }

    [Fact]
    public void Build_Failed_HasTheErrorAndNoResult()
    {
        var delivery = WebhookPayload.Build(Job with { UserId = null, Username = null }, Target, new()
        {
            Status = JobStatus.Failed,
            At = At,
            Error = new() { Type = ErrorTypes.RateLimited, Category = ErrorCategory.External, Message = "Slow down.", Retryable = true, RetryAfter = 3 },
        });

        var body = JsonElement.Parse(delivery!.Payload);
        Assert.Equal("workflow.failed", body.GetProperty("event").GetString());
        Assert.Equal("EXTERNAL_ERROR", body.GetProperty("error").GetProperty("category").GetString());
        Assert.Equal(3, body.GetProperty("error").GetProperty("retry_after").GetDouble());
        Assert.Equal(JsonValueKind.Null, body.GetProperty("user_id").ValueKind);
        Assert.Equal(JsonValueKind.Null, body.GetProperty("cost_data").ValueKind);
        Assert.Equal(JsonValueKind.Null, body.GetProperty("metadata").GetProperty("duration_ms").ValueKind);
        Assert.False(body.TryGetProperty("result", out _));
        Assert.False(body.TryGetProperty("output", out _));
    }

    [Theory]
    [InlineData(JobStatus.Completed, "workflow.completed")]
    [InlineData(JobStatus.Failed, "workflow.failed")]
    [InlineData(JobStatus.Cancelled, "workflow.cancelled")]
    public void Build_EventsNamed_TellsOnlyThese(JobStatus status, string name)
    {
        var outcome = new JobOutcome { Status = status, At = At };

        Assert.Equal(name, WebhookPayload.Build(Job, Target with { Events = [name] }, outcome)?.Event);
        Assert.Equal(name, WebhookPayload.Build(Job, Target, outcome)?.Event);
        Assert.Null(WebhookPayload.Build(Job, Target with { Events = ["step.completed"] }, outcome));
        Assert.Null(WebhookPayload.Build(Job, null, outcome));
    }

    [Fact]
    public void Build_RunningJob_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => WebhookPayload.Build(Job, Target, new() { Status = JobStatus.Processing, At = At }));
}
