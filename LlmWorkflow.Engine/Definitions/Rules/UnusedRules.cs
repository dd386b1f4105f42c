using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>Notes steps whose output nothing uses.</summary>
internal static class UnusedRules
{
    /// <summary>Checks every step.</summary>
    public static void Check(DefinitionOutline outline, WorkflowDefinition definition, ReferenceRules references, DefinitionIssues issues)
    {
        HashSet<StepNode> piped = [.. outline.AllSteps.Where(ReadsStepBefore).Select(StepBefore).OfType<StepNode>()];
        foreach (StepNode step in outline.AllSteps.Where(step => step.Id.Length > 0 && HasOutput(step)))
        {
            bool isLast = step.Index == step.List.Steps.Count - 1;
            // The last step of a branch is its owner's output; the last of all is the workflow's, unless that is mapped.
            bool isHandedOn = isLast && (step.List.Owner is not null || definition.Output.ValueKind == JsonValueKind.Undefined);
            if (!isHandedOn && !references.IsUsed(step) && !piped.Contains(step))
            {
                issues.Add(IssueSeverity.Info, IssueCodes.UnusedOutput, step.Place, $"Nothing uses the output of step '{Shortened.Name(step.Id)}'.");
            }
        }
    }

    private static bool HasOutput(StepNode step) => step.Definition is not (null or WaitStepDefinition or ApprovalStepDefinition);

    private static bool ReadsStepBefore(StepNode step) =>
        step.Definition is TransformStepDefinition { Input.ValueKind: JsonValueKind.Undefined, Operations: [var first, ..] }
        && (first.Parameters.ValueKind != JsonValueKind.Object || !first.Parameters.TryGetProperty("input", out _));

    private static StepNode? StepBefore(StepNode step) =>
        step.Index > 0 ? step.List.Steps[step.Index - 1] : step.List.Owner is { } owner ? StepBefore(owner) : null;
}
