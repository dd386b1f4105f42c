using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Execution;

/// <summary>The durable events of a run.</summary>
internal static class RunEvents
{
    public static JobEvent StepStarted(StepDefinition step, string path, short progress) => new("step.started", EngineJson.Object(writer =>
    {
        WriteStep(writer, step.Id, path, step.Label, step.Type);
        writer.WriteNumber("progress", progress);
    }));

    public static JobEvent StepRetrying(StepDefinition step, string path, int attempt, WorkflowError error, TimeSpan delay) =>
        new("step.retrying", EngineJson.Object(writer =>
        {
            WriteStep(writer, step.Id, path, step.Label, step.Type);
            writer.WriteNumber("attempt", attempt);
            writer.WriteNumber("delay_seconds", Math.Round(delay.TotalSeconds, 3));
            WriteError(writer, error);
        }));

    public static JobEvent StepEnded(StepRun run, short progress)
    {
        var type = run.Status switch
        {
            StepStatus.Completed => "step.completed",
            StepStatus.Failed => "step.failed",
            _ => "step.skipped",
        };
        return new(type, EngineJson.Object(writer =>
        {
            WriteStep(writer, run.StepId, run.StepPath, run.DisplayName, run.StepType);
            writer.WriteNumber("attempts", run.Attempts);
            writer.WriteNumber("duration_ms", run.DurationMs);
            writer.WriteNumber("progress", progress);
            if (run.Usage.ValueKind is JsonValueKind.Object)
            {
                writer.WritePropertyName("usage");
                run.Usage.WriteTo(writer);
            }

            if (run.Error is { } error)
            {
                WriteError(writer, error);
            }
        }));
    }

    public static JobEvent JobCompleted(long durationMs, JobCosts costs) => new("job.completed", EngineJson.Object(writer => WriteEnd(writer, durationMs, costs)));

    public static JobEvent JobFailed(WorkflowError error, long durationMs, JobCosts costs) => new("job.failed", EngineJson.Object(writer =>
    {
        WriteEnd(writer, durationMs, costs);
        WriteError(writer, error);
    }));

    public static JobEvent JobCancelled(long durationMs, JobCosts costs) => new("job.cancelled", EngineJson.Object(writer => WriteEnd(writer, durationMs, costs)));

    public static JobEvent JobWaiting(IReadOnlyList<StepWait> waits) => new("job.waiting", EngineJson.Object(writer =>
    {
        writer.WritePropertyName("waiting_for");
        JsonSerializer.Serialize(writer, waits, StepWaitJson.Default.IReadOnlyListStepWait);
    }));

    public static JobEvent BudgetWarning(BudgetState budget) => new("job.budget_warning", EngineJson.Object(writer =>
    {
        writer.WriteString("scope", budget.Scope);
        writer.WriteNumber("cap_usd", Usd.WithoutTrailingZeros(budget.CapUsd));
        writer.WriteNumber("spent_usd", Usd.WithoutTrailingZeros(budget.SpentUsd));
    }));

    public static JobEvent JobHandedBack { get; } = new("job.requeued", """{"reason":"worker_shutdown"}""");

    private static void WriteStep(Utf8JsonWriter writer, string id, string path, string label, string type)
    {
        writer.WriteString("step_id", id);
        writer.WriteString("step_path", path);
        writer.WriteString("display_name", label);
        writer.WriteString("step_type", type);
    }

    private static void WriteEnd(Utf8JsonWriter writer, long durationMs, JobCosts costs)
    {
        writer.WriteNumber("duration_ms", durationMs);
        writer.WriteNumber("total_tokens", costs.TotalTokens);
        writer.WritePropertyName("total_cost_usd");
        if (costs.CostUsd is { } usd)
        {
            writer.WriteNumberValue(usd);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static void WriteError(Utf8JsonWriter writer, WorkflowError error)
    {
        writer.WritePropertyName("error");
        JsonSerializer.Serialize(writer, error, EngineJson.Default.WorkflowError);
    }
}
