using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Execution;

/// <summary>Errors that running a step makes, and whether the job goes on after one.</summary>
internal static class StepErrors
{
    public static bool GoesOn(StepDefinition step, WorkflowError error) =>
        step.OnError is OnError.Continue
        || (step is ApprovalStepDefinition { OnTimeout: OnError.Continue } approval && error.Type == ErrorTypes.ApprovalTimeout && error.StepId == approval.Id);

    /// <summary>The output of a failed step: <c>default</c> when the job goes on, null without one or when it cannot be evaluated; else none.</summary>
    public static JsonElement Output(StepDefinition step, WorkflowError error, ExpressionScope scope)
    {
        if (!GoesOn(step, error))
        {
            return default;
        }

        try
        {
            return step.Default.ValueKind is JsonValueKind.Undefined ? EngineJson.NullValue : TemplateResolver.Resolve(step.Default, scope);
        }
        catch (WorkflowException)
        {
            // The author said that the job goes on; what went wrong first stays at steps.id.error.
            return EngineJson.NullValue;
        }
    }

    public static WorkflowError TooManySteps(StepDefinition step) => new()
    {
        Type = ErrorTypes.LimitExceeded,
        Category = ErrorCategory.User,
        Message = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The job has run {RunState.MaxSteps} steps, all iterations counted, and stops before '{step.Id}'."),
        StepId = step.Id,
        Details = new() { Suggestions = ["Do more in each step.", "Submit several jobs."] },
    };

    public static WorkflowError TimedOut(StepDefinition step) => new()
    {
        Type = ErrorTypes.StepTimeout,
        Category = ErrorCategory.External,
        Message = $"Step '{step.Id}' ran longer than its timeout_seconds of {step.TimeoutSeconds}.",
        Retryable = true,
        StepId = step.Id,
        Details = new() { Suggestions = ["Raise timeout_seconds of the step.", "Give the step a retry."] },
    };

    public static WorkflowError Fault(Exception exception) => new()
    {
        Type = ErrorTypes.InternalError,
        Category = ErrorCategory.System,
        Message = $"The step failed by a fault of the service ({exception.GetType().Name}).",
        Details = new() { Suggestions = ["Look the job up in the worker's log.", "Report it with the log line."] },
    };
}
