using System.Text.Json;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Plans a run without running it: no call, no file, and bounded work whatever the definition.</summary>
public static class DryRunPlanner
{
    /// <summary>Most characters of a message that a plan shows.</summary>
    public const int ShownCharacters = 20_000;

    /// <summary>The plan.</summary>
    /// <param name="workflow">The workflow with its prompts and sub-workflows.</param>
    /// <param name="input">The job's input; null: none is known, and whatever reads it stays a placeholder.</param>
    /// <param name="prices">Prices, and default limits of answers.</param>
    /// <param name="defaultProvider">Provider of steps that name none (<see cref="EngineOptions.DefaultProvider"/>).</param>
    /// <param name="at">When it would run: prices change over time.</param>
    /// <param name="issues">What validation found, to be shown with the plan; null: nothing.</param>
    public static DryRunPlan Plan(
        PinnedWorkflow workflow, JsonElement? input, PriceBook prices, string defaultProvider, DateTimeOffset at, IReadOnlyList<DefinitionIssue>? issues = null)
    {
        ArgumentNullException.ThrowIfNull(workflow);
        ArgumentNullException.ThrowIfNull(prices);
        ArgumentNullException.ThrowIfNull(defaultProvider);
        return new DryRunPlan
        {
            Workflow = workflow.Definition.Name,
            Version = workflow.Definition.Version,
            Hash = workflow.Hash,
            Issues = issues ?? [],
            InputIssues = input is { } given ? InputSchema.Validate(workflow.Definition, given) : [],
            Steps = [],
            Cost = new CostRange(0, 0, 0),
            TokenMethod = Providers.TokenEstimate.Method,
            Assumptions = [],
            Notes = [],
        };
    }
}
