using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Cli.Running;

/// <summary>How a run ended.</summary>
/// <param name="Status">A final one.</param>
/// <param name="Output">Undefined unless it completed.</param>
/// <param name="Error">Null when it completed.</param>
/// <param name="Steps">Those that ended, in the order of their starts.</param>
/// <param name="Calls">All calls of models.</param>
internal sealed record RunReport(JobStatus Status, JsonElement Output, WorkflowError? Error, IReadOnlyList<StepRun> Steps, IReadOnlyList<LedgerCall> Calls)
{
    // Null: calls were made, and none has a price.
    private decimal? CostUsd => Calls.Count == 0 ? 0
        : Calls.All(call => call.CostUsd is null) ? null
        : Usd.WithoutTrailingZeros(Calls.Sum(call => call.CostUsd ?? 0));

    private long InputTokens => Calls.Sum(call => call.Usage.InputTokens);

    private long OutputTokens => Calls.Sum(call => call.Usage.OutputTokens);

    /// <summary>One line for people.</summary>
    public string Summary(TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Status.ToText()} in {elapsed.TotalSeconds:0.00} s, {Calls.Count} model {(Calls.Count == 1 ? "call" : "calls")}, {InputTokens + OutputTokens:N0} tokens, {Money.Text(CostUsd)}");

    /// <summary>One object for scripts.</summary>
    public string ToJson(bool withDebug) => CliJson.Text(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("status", Status.ToText());
        CliJson.Write(writer, "output", Output);
        CliJson.Write(writer, "error", Error is { } error ? EngineJson.Element(error) : default);
        writer.WriteStartArray("steps");
        foreach (var step in Steps)
        {
            Write(writer, step, withDebug);
        }

        writer.WriteEndArray();
        writer.WriteStartObject("usage");
        writer.WriteNumber("input_tokens", InputTokens);
        writer.WriteNumber("output_tokens", OutputTokens);
        writer.WriteNumber("total_tokens", InputTokens + OutputTokens);
        writer.WriteNumber("calls", Calls.Count);
        writer.WriteEndObject();
        if (CostUsd is { } usd)
        {
            writer.WriteNumber("cost_usd", usd);
        }
        else
        {
            writer.WriteNull("cost_usd");
        }

        writer.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter writer, StepRun step, bool withDebug)
    {
        writer.WriteStartObject();
        writer.WriteString("id", step.StepId);
        writer.WriteString("path", step.StepPath);
        writer.WriteString("type", step.StepType);
        writer.WriteString("status", step.Status.ToText());
        CliJson.Write(writer, "output", step.Output);
        writer.WriteNumber("duration_ms", step.DurationMs);
        writer.WriteNumber("attempts", step.Attempts);
        if (step.Error is { } error)
        {
            CliJson.Write(writer, "error", EngineJson.Element(error));
        }

        if (withDebug && step.Debug.ValueKind is not JsonValueKind.Undefined)
        {
            CliJson.Write(writer, "debug", step.Debug);
        }

        writer.WriteEndObject();
    }
}
