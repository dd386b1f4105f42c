using System.Globalization;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs <c>approval</c> steps: until the signal or the end of the wait the job is parked, without a worker. A signal that came before the step counts.</summary>
internal sealed class ApprovalStep(TimeProvider time) : IStepExecutor
{
    public string Type => "approval";

    public Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var step = (ApprovalStepDefinition)context.Step;
        var signal = TemplateResolver.ResolveText(step.Signal, context.Scope);
        if (!SignalName.IsValid(signal))
        {
            return Task.FromResult(StepResult.Failure(WrongName(step, signal)));
        }

        var until = step.WaitSeconds is { } seconds ? context.StartedAt + TimeSpan.FromSeconds(seconds) : (DateTimeOffset?)null;
        return Task.FromResult(
            context.Signals.TryGetValue(signal, out var payload) ? StepResult.Success(payload)
            : until <= time.GetUtcNow() ? StepResult.Failure(TimedOut(step, signal))
            : StepResult.Parked([new()
            {
                StepPath = context.StepPath,
                StepId = step.Id,
                DisplayName = step.Label,
                Reason = WaitReason.Signal,
                Signal = signal,
                Message = step.Message is { } message ? TemplateResolver.ResolveText(message, context.Scope) : null,
                Until = until,
            }]));
    }

    private static WorkflowError TimedOut(ApprovalStepDefinition step, string signal) => new()
    {
        Type = ErrorTypes.ApprovalTimeout,
        Category = ErrorCategory.User,
        Message = string.Create(CultureInfo.InvariantCulture, $"Nobody sent the signal '{signal}' within the timeout_seconds of {step.WaitSeconds} of step '{step.Id}'."),
        Details = new() { Suggestions = ["Raise timeout_seconds of the step.", "Go on without the signal: \"on_timeout\": \"continue\" with a \"default\"."] },
    };

    private static WorkflowError WrongName(ApprovalStepDefinition step, string signal) => new()
    {
        Type = ErrorTypes.ExpressionError,
        Category = ErrorCategory.Config,
        Message = $"Step '{step.Id}': '{(signal.Length > 100 ? signal[..100] + "…" : signal)}' is no name of a signal: {SignalName.Rule}.",
    };
}
