using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Providers;

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
        DryRunSteps steps = new(workflow, new DryRunCalls(prices, defaultProvider, at), at);
        DryRunScope scope = steps.Start(workflow.Definition, input ?? DryRunPlaceholder.Of("input"), false);
        IReadOnlyList<PlannedStep> planned = steps.Plan(workflow.Definition.Steps, "", scope, PlannedRun.Yes, 0);
        CostRange total = DryRunCosts.Sum(planned.Select(step => step.Cost));
        CostRange cost = DryRunCosts.Capped(steps.IsCut ? total with { Expected = null, Highest = null } : total, workflow.Definition.MaxCostUsd);
        return new DryRunPlan
        {
            Workflow = workflow.Definition.Name,
            Version = workflow.Definition.Version,
            Hash = workflow.Hash,
            Issues = issues ?? [],
            InputIssues = input is { } given ? InputSchema.Validate(workflow.Definition, given) : [],
            Steps = planned,
            Cost = cost,
            TokenMethod = TokenEstimate.Method,
            Assumptions = steps.AssumedLength
                ? [.. DryRunCalls.Assumptions, string.Create(CultureInfo.InvariantCulture, $"A list whose length is not known has {DryRunSteps.AssumedItems} items.")]
                : DryRunCalls.Assumptions,
            Notes = [.. Notes(workflow.Definition, input is null, steps.IsCut, cost)],
        };
    }

    private static IEnumerable<string> Notes(WorkflowDefinition definition, bool withoutInput, bool isCut, CostRange cost)
    {
        if (withoutInput)
        {
            yield return "Without an input, whatever reads it is shown as a placeholder.";
        }

        if (isCut)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"The plan ends after {DryRunSteps.MaxSteps} steps, so expected and highest cost are not known.");
        }

        if (cost.Highest is null)
        {
            yield return "There is no highest cost: a price or the length of a list is not known (see the steps' notes). A max_cost_usd would set a limit.";
        }

        if (cost.Expected > definition.MaxCostUsd)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"The job is expected to cost more than its max_cost_usd, {definition.MaxCostUsd} USD.");
        }
    }
}
