using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>Checks <c>workflow</c> steps: that the other workflow exists, does not come back to this one, and gets the input that it needs.</summary>
internal static class SubWorkflowRules
{
    /// <summary>Checks one step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="definition">The workflow that it is in.</param>
    /// <param name="workflows">The others, by name.</param>
    /// <param name="issues">Takes what is found.</param>
    public static void Check(
        WorkflowStepDefinition step, JsonPlace place, WorkflowDefinition definition, IReadOnlyDictionary<string, WorkflowDefinition> workflows, DefinitionIssues issues)
    {
        if (step.Workflow.Length == 0)
        {
            return;
        }

        JsonPlace name = place.Member("name");
        if (step.Workflow == definition.Name)
        {
            issues.Error(IssueCodes.WorkflowRecursion, name, $"Workflow '{step.Workflow}' runs itself.");
            return;
        }

        if (!workflows.TryGetValue(step.Workflow, out WorkflowDefinition? other))
        {
            issues.Error(
                IssueCodes.UnknownWorkflow, name, $"There is no workflow '{Shortened.Name(step.Workflow)}' that can be run.", NearestNames.Suggest(step.Workflow, [.. workflows.Keys]));
            return;
        }

        List<string> chain = LongestChain(other, [definition.Name], workflows);
        if (chain[^1] == definition.Name || chain.IndexOf(chain[^1]) < chain.Count - 1)
        {
            issues.Error(IssueCodes.WorkflowRecursion, name, $"Workflows run each other in a circle: {string.Join(" → ", chain)}.");
        }
        else if (chain.Count - 1 > WorkflowStepDefinition.MaxDepth)
        {
            issues.Error(IssueCodes.WorkflowRecursion, name, $"Workflows are nested deeper than {WorkflowStepDefinition.MaxDepth}: {string.Join(" → ", chain)}.");
        }

        Input(step, place, other, issues);
    }

    /// <summary>The workflows that a list of steps runs, nested steps included, by name.</summary>
    public static IEnumerable<string> Names(IEnumerable<StepDefinition> steps) => steps.SelectMany(step =>
        step is WorkflowStepDefinition sub ? [sub.Workflow] : step.Branches.SelectMany(branch => Names(branch.Steps)));

    // Ends at the first circle; else the longest way down.
    private static List<string> LongestChain(WorkflowDefinition workflow, List<string> above, IReadOnlyDictionary<string, WorkflowDefinition> workflows)
    {
        List<string> own = [.. above, workflow.Name];
        List<string> longest = own;
        if (above.Contains(workflow.Name) || own.Count > WorkflowStepDefinition.MaxDepth + 1)
        {
            return own;
        }

        foreach (string name in Names(workflow.Steps).Distinct(StringComparer.Ordinal))
        {
            if (workflows.TryGetValue(name, out WorkflowDefinition? next) && LongestChain(next, own, workflows) is var chain && chain.Count > longest.Count)
            {
                longest = chain;
            }
        }

        return longest;
    }

    private static void Input(WorkflowStepDefinition step, JsonPlace place, WorkflowDefinition other, DefinitionIssues issues)
    {
        if (step.Input.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Object))
        {
            return;
        }

        foreach (string missing in SchemaMembers.Required(other.InputSchema).Where(name => !new Fields(step.Input).Has(name)))
        {
            JsonPlace input = step.Input.ValueKind == JsonValueKind.Object ? place.Member("input") : place;
            issues.Error(IssueCodes.MissingParameter, input, $"Workflow '{step.Workflow}' needs '{missing}' in its input.", $"Add \"{missing}\" to \"input\".");
        }
    }
}
