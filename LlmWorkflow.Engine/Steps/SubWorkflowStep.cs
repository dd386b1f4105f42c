using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs <c>workflow</c> steps: another workflow's steps inline, each with its own checkpoint.</summary>
internal sealed class SubWorkflowStep : IStepExecutor
{
    private const int MostIssuesTold = 5;

    public string Type => "workflow";

    public async Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var step = (WorkflowStepDefinition)context.Step;
        if (!context.Workflow.Workflows.TryGetValue(step.Workflow, out var inner))
        {
            return StepResult.Failure(Unknown(step));
        }

        var input = step.Input.ValueKind is JsonValueKind.Undefined ? JsonValues.EmptyObject : TemplateResolver.Resolve(step.Input, context.Scope);
        if (InputSchema.Validate(inner.Definition, input) is { Count: > 0 } issues)
        {
            return StepResult.Failure(WrongInput(step, issues));
        }

        return await context.RunStepsAsync(new() { Steps = inner.Definition.Steps, Workflow = (inner.Definition, input) }, cancellationToken);
    }

    private static WorkflowError Unknown(WorkflowStepDefinition step) => new()
    {
        Type = ErrorTypes.UnknownWorkflow,
        Category = ErrorCategory.Config,
        Message = $"Step '{step.Id}': the job's pinned definition holds no workflow '{step.Workflow}'.",
        Details = new() { Suggestions = ["Submit the job again."] },
    };

    private static WorkflowError WrongInput(WorkflowStepDefinition step, IReadOnlyList<InputIssue> issues) => new()
    {
        Type = ErrorTypes.InvalidInput,
        Category = ErrorCategory.User,
        Message = $"Step '{step.Id}': the input of workflow '{step.Workflow}' breaks its input_schema: "
            + string.Join("; ", issues.Take(MostIssuesTold).Select(issue => $"{(issue.Pointer.Length == 0 ? "the input" : issue.Pointer)}: {issue.Message}")),
    };
}
