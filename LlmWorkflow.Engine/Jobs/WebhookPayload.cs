using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Jobs;

/// <summary>Names of the webhook events.</summary>
public static class WebhookEvents
{
    /// <summary>The job has a result.</summary>
    public const string Completed = "workflow.completed";

    /// <summary>The job failed.</summary>
    public const string Failed = "workflow.failed";

    /// <summary>The job was cancelled.</summary>
    public const string Cancelled = "workflow.cancelled";

    /// <summary>What a job tells when its submit named no events.</summary>
    public static IReadOnlyList<string> Final { get; } = [Completed, Failed, Cancelled];
}

/// <summary>A webhook to be recorded in the transaction that ends the job.</summary>
public sealed record PendingDelivery
{
    /// <summary>UUID version 7; the receiver's key against duplicates, the same over all attempts.</summary>
    public required Guid Id { get; init; }

    /// <summary>The job it tells of.</summary>
    public required Guid JobId { get; init; }

    /// <summary>One of <see cref="WebhookEvents"/>.</summary>
    public required string Event { get; init; }

    /// <summary>An absolute http or https URL.</summary>
    public required string Url { get; init; }

    /// <summary>An encrypted secret; null: the job's own as stored, and where it has none the setting's signs.</summary>
    public byte[]? Secret { get; init; }

    /// <summary>The exact body, JSON.</summary>
    public required string Payload { get; init; }

    /// <summary>W3C <c>traceparent</c> of what the delivery belongs to.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>How a job ended, as its webhook tells it.</summary>
public sealed record JobOutcome
{
    /// <summary>A final status.</summary>
    public required JobStatus Status { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The workflow's output; Undefined when there is none.</summary>
    public JsonElement Output { get; init; }

    /// <summary>Tokens and cost by step; Undefined when not known.</summary>
    public JsonElement CostData { get; init; }

    /// <summary>From the first start to the end; null: it never started.</summary>
    public long? DurationMs { get; init; }

    /// <summary>All tokens of the job.</summary>
    public long TotalTokens { get; init; }

    /// <summary>USD of the job.</summary>
    public decimal TotalCostUsd { get; init; }

    /// <summary>Why it failed or was cancelled.</summary>
    public WorkflowError? Error { get; init; }
}

/// <summary>Builds the body of the three final events. Pure: the same job gives the same text.</summary>
public static class WebhookPayload
{
    // Bodies are read by JSON parsers, never put into HTML; the default encoder would triple the size of non-Latin text.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// The delivery that tells of a job's end; null when there is no target or it did not ask for this event.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="target">Where it wants to be told.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="traceParent">W3C <c>traceparent</c> of the run; null: the submit's.</param>
    /// <exception cref="ArgumentOutOfRangeException">The status is not final.</exception>
    public static PendingDelivery? Build(JobIdentity job, WebhookTarget? target, JobOutcome outcome, string? traceParent = null)
    {
        var name = EventOf(outcome.Status);
        var asked = target is { Events.Count: > 0 } ? target.Events : WebhookEvents.Final;
        return target is null || !asked.Contains(name, StringComparer.Ordinal)
            ? null
            : new()
            {
                Id = Guid.CreateVersion7(outcome.At),
                JobId = job.JobId,
                Event = name,
                Url = target.Url,
                Payload = Text(name, job, outcome),
                TraceParent = traceParent ?? job.TraceParent,
            };
    }

    private static string EventOf(JobStatus status) => status switch
    {
        JobStatus.Completed => WebhookEvents.Completed,
        JobStatus.Failed => WebhookEvents.Failed,
        JobStatus.Cancelled => WebhookEvents.Cancelled,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Only a final status is told."),
    };

    private static string Text(string name, JobIdentity job, JobOutcome outcome)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("event", name);
            writer.WriteString("timestamp", outcome.At.UtcDateTime);
            writer.WriteString("job_id", job.JobId);
            writer.WriteString("status", outcome.Status.ToText());
            writer.WriteString("workflow_name", job.WorkflowName);
            WriteUser(writer, job);
            WriteMetadata(writer, outcome);
            WriteValue(writer, "cost_data", outcome.CostData);
            if (outcome.Status is JobStatus.Completed)
            {
                WriteResult(writer, outcome);
            }
            else
            {
                writer.WritePropertyName("error");
                JsonSerializer.Serialize(writer, outcome.Error, EngineJson.Default.WorkflowError);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteUser(Utf8JsonWriter writer, JobIdentity job)
    {
        if (job.UserId is { } user)
        {
            writer.WriteString("user_id", user);
        }
        else
        {
            writer.WriteNull("user_id");
        }

        writer.WriteString("username", job.Username);
        writer.WriteString("action", job.Action);
    }

    // Older callers read `output`, others `result`: both are written.
    private static void WriteResult(Utf8JsonWriter writer, JobOutcome outcome)
    {
        WriteValue(writer, "output", outcome.Output);
        writer.WriteStartObject("result");
        WriteValue(writer, "output", outcome.Output);
        WriteValue(writer, "cost_data", outcome.CostData);
        WriteMetadata(writer, outcome);
        writer.WriteEndObject();
    }

    private static void WriteMetadata(Utf8JsonWriter writer, JobOutcome outcome)
    {
        writer.WriteStartObject("metadata");
        if (outcome.DurationMs is { } duration)
        {
            writer.WriteNumber("duration_ms", duration);
        }
        else
        {
            writer.WriteNull("duration_ms");
        }

        writer.WriteNumber("total_tokens", outcome.TotalTokens);
        writer.WriteNumber("total_cost_usd", outcome.TotalCostUsd);
        writer.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter writer, string name, JsonElement value)
    {
        writer.WritePropertyName(name);
        if (value.ValueKind is JsonValueKind.Undefined)
        {
            writer.WriteNullValue();
        }
        else
        {
            value.WriteTo(writer);
        }
    }
}
