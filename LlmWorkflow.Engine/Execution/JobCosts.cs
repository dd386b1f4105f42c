using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Steps;

namespace LlmWorkflow.Engine.Execution;

/// <summary>What a job cost, in the form that results, status and webhooks carry.</summary>
public sealed record JobCosts
{
    /// <summary>No call was made.</summary>
    public static JobCosts None { get; } = new();

    /// <summary>Input plus output tokens of all calls.</summary>
    public long TotalTokens { get; private init; }

    /// <summary>USD of all priced calls; null when calls were made and none has a price.</summary>
    public decimal? CostUsd { get; private init; } = 0;

    /// <summary><c>cost_data</c>: provider and model of the last call that answered, totals, and a breakdown per call; Undefined without calls.</summary>
    public JsonElement Data { get; private init; }

    /// <summary>Adds up a job's calls.</summary>
    public static JobCosts Of(IReadOnlyList<LedgerCall> calls)
    {
        if (calls.Count == 0)
        {
            return None;
        }

        var main = calls.LastOrDefault(c => c.State is CallState.Settled) ?? calls[^1];
        var priced = calls.Where(c => c.CostUsd is not null).ToList();
        decimal? cost = priced.Count > 0 ? priced.Sum(c => c.CostUsd!.Value) : null;
        var text = EngineJson.Object(writer =>
        {
            writer.WriteString("provider", main.Provider);
            writer.WriteString("model", main.Model);
            writer.WriteNumber("input_tokens", calls.Sum(c => c.Usage.InputTokens));
            writer.WriteNumber("output_tokens", calls.Sum(c => c.Usage.OutputTokens));
            writer.WriteNumber("total_tokens", calls.Sum(c => c.Usage.TotalTokens));
            WriteUsd(writer, "cost_usd", cost);
            writer.WriteNumber("unpriced_calls", calls.Count - priced.Count);
            writer.WriteStartArray("calls");
            foreach (var call in calls)
            {
                WriteCall(writer, call);
            }

            writer.WriteEndArray();
        });
        return new() { TotalTokens = calls.Sum(c => c.Usage.TotalTokens), CostUsd = cost, Data = JsonElement.Parse(text) };
    }

    /// <summary>A step's usage as checkpointed and as <c>steps.id.usage</c>.</summary>
    public static JsonElement Usage(StepUsage usage) => JsonElement.Parse(EngineJson.Object(writer =>
    {
        writer.WriteNumber("input_tokens", usage.InputTokens);
        writer.WriteNumber("output_tokens", usage.OutputTokens);
        writer.WriteNumber("total_tokens", usage.TotalTokens);
        WriteUsd(writer, "cost_usd", usage.CostUsd);
        writer.WriteNumber("calls", usage.Calls);
    }));

    private static void WriteCall(Utf8JsonWriter writer, LedgerCall call)
    {
        writer.WriteStartObject();
        writer.WriteString("call_id", call.CallId);
        writer.WriteString("step_path", call.Key.StepPath);
        writer.WriteString("provider", call.Provider);
        writer.WriteString("model", call.Model);
        writer.WriteString("state", call.State is CallState.PossiblyBilled ? "possibly_billed" : call.State.ToString().ToLowerInvariant());
        writer.WriteString("purpose", call.Purpose.ToString().ToLowerInvariant());
        writer.WriteNumber("input_tokens", call.Usage.InputTokens);
        writer.WriteNumber("output_tokens", call.Usage.OutputTokens);
        WriteUsd(writer, "cost_usd", call.CostUsd);
        writer.WriteString("cost_source", call.CostSource);
        writer.WriteEndObject();
    }

    private static void WriteUsd(Utf8JsonWriter writer, string name, decimal? usd)
    {
        if (usd is { } value)
        {
            writer.WriteNumber(name, Usd.WithoutTrailingZeros(value));
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
