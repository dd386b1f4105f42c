using System.Text.Json;
using LlmWorkflow.Engine.Definitions.Language;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Turns a definition's JSON into records, as far as it can be read. <see cref="ShapeCheck"/> says what is wrong with its form.</summary>
internal static class DefinitionReader
{
    /// <summary>The definition; steps of a type that is not known are left out.</summary>
    public static WorkflowDefinition Read(JsonElement root, DefinitionOutline outline)
    {
        Fields fields = new(root);
        WorkflowDefinition defaults = new() { Name = fields.Text("name") ?? "", Steps = StepReader.Read(outline.Steps) };
        return defaults with
        {
            Version = fields.Text("version") ?? defaults.Version,
            Description = fields.Text("description"),
            DisplayName = fields.Text("display_name"),
            InputSchema = fields.Any("input_schema", JsonValueKind.Object),
            Variables = fields.Members("variables"),
            TimeoutSeconds = fields.Seconds("timeout_seconds") ?? defaults.TimeoutSeconds,
            MaxCostUsd = fields.Number("max_cost_usd"),
            OnBudget = fields.Text("on_budget") == "pause" ? OnBudget.Pause : OnBudget.Fail,
            Concurrency = fields.Object("concurrency").Whole("limit") is { } limit ? new ConcurrencyLimit(limit, fields.Object("concurrency").Text("key")) : null,
            Output = fields.Any("output", JsonValueKind.Object),
        };
    }
}
