using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>A stored job as its status shows it.</summary>
internal static class JobStatusMapping
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JobStatusResponse ToContract(JobView job) => new()
    {
        JobId = job.Identity.JobId,
        CeleryTaskId = job.Identity.JobId,
        Status = job.Status.ToText(),
        WorkflowName = job.Identity.WorkflowName,
        UserId = job.Identity.UserId,
        Username = job.Identity.Username,
        Action = job.Identity.Action,
        Priority = job.Identity.Priority,
        Tags = job.Tags,
        CreatedAt = job.Identity.CreatedAt,
        RunAt = job.RunAt,
        QueuedAt = job.QueuedAt,
        StartedAt = job.StartedAt,
        CompletedAt = job.CompletedAt,
        DurationMs = job.DurationMs,
        CurrentStepId = job.CurrentStepId,
        CurrentStep = job.CurrentStep,
        Progress = job.Progress,
        WaitingFor = job.WaitingFor.ValueKind is JsonValueKind.Array ? job.WaitingFor.Deserialize(WorkflowJson.Default.IReadOnlyListJobWait) : null,
        Output = OrNull(job.Output),
        Result = Result(job.Output, job.CostData),
        CostData = OrNull(job.CostData),
        Metadata = new() { DurationMs = job.DurationMs, TotalTokens = job.TotalTokens, TotalCostUsd = Usd.WithoutTrailingZeros(job.TotalCostUsd) },
        Error = job.Error.ValueKind is JsonValueKind.Object ? job.Error.Deserialize(WorkflowJson.Default.ApiError) : null,
        ErrorMessage = job.ErrorMessage,
        RetryCount = job.RetryCount,
        CancelRequested = job.CancelRequestedAt is not null,
    };

    /// <summary>The output's fields plus <c>cost_data</c>, as callers of the older services read it.</summary>
    internal static JsonElement? Result(JsonElement output, JsonElement costData)
    {
        if (output.ValueKind is JsonValueKind.Undefined)
        {
            return null;
        }

        var hasCosts = costData.ValueKind is not JsonValueKind.Undefined;
        if (output.ValueKind is JsonValueKind.Object && !hasCosts)
        {
            return output;
        }

        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            writer.WriteStartObject();
            if (output.ValueKind is JsonValueKind.Object)
            {
                foreach (var field in output.EnumerateObject().Where(f => !f.NameEquals("cost_data")))
                {
                    field.WriteTo(writer);
                }
            }
            else
            {
                writer.WritePropertyName("output");
                output.WriteTo(writer);
            }

            if (hasCosts)
            {
                writer.WritePropertyName("cost_data");
                costData.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static JsonElement? OrNull(JsonElement value) => value.ValueKind is JsonValueKind.Undefined ? null : value;
}
