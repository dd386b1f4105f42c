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

        int depth = Depth(other, workflows, []);
        if (WayTo(definition.Name, other, workflows) is { } way)
        {
            issues.Error(IssueCodes.WorkflowRecursion, name, $"Workflows run each other in a circle: {string.Join(" → ", [definition.Name, .. way])}.");
        }
        else if (depth > WorkflowStepDefinition.MaxDepth)
        {
            issues.Error(IssueCodes.WorkflowRecursion, name, $"Workflows may be inside each other {WorkflowStepDefinition.MaxDepth} deep, not {depth}.");
        }

        Input(step, place, other, issues);
    }

    /// <summary>The workflows that a list of steps runs, nested steps included, by name.</summary>
    public static IEnumerable<string> Names(IEnumerable<StepDefinition> steps) => steps.SelectMany(step =>
        step is WorkflowStepDefinition sub ? [sub.Workflow] : step.Branches.SelectMany(branch => Names(branch.Steps)));

    /// <summary>The shortest way from one workflow to another, both included; null when there is none.</summary>
    private static List<string>? WayTo(string goal, WorkflowDefinition from, IReadOnlyDictionary<string, WorkflowDefinition> workflows)
    {
        Dictionary<string, List<string>> ways = new(StringComparer.Ordinal) { [from.Name] = [from.Name] };
        Queue<WorkflowDefinition> open = new([from]);
        while (open.TryDequeue(out WorkflowDefinition? at))
        {
            foreach (string name in Names(at.Steps))
            {
                if (ways.TryAdd(name, [.. ways[at.Name], name]) && workflows.TryGetValue(name, out WorkflowDefinition? next))
                {
                    open.Enqueue(next);
                }
            }
        }

        return ways.GetValueOrDefault(goal);
    }

    /// <summary>How many workflows are inside each other, this one included. A circle, which the workflows in it are told of, counts once.</summary>
    private static int Depth(WorkflowDefinition workflow, IReadOnlyDictionary<string, WorkflowDefinition> workflows, Dictionary<string, int> known)
    {
        if (known.TryGetValue(workflow.Name, out int depth))
        {
            return depth;
        }

        known[workflow.Name] = 0;
        return known[workflow.Name] = 1 + Names(workflow.Steps).Distinct(StringComparer.Ordinal)
            .Select(name => workflows.TryGetValue(name, out WorkflowDefinition? next) ? Depth(next, workflows, known) : 0).DefaultIfEmpty().Max();
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
