using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs <c>wait</c> steps: until its time has come the job is parked, without a worker.</summary>
internal sealed class WaitStep(TimeProvider time) : IStepExecutor
{
    private const double LongestSeconds = 31_536_000;

    public string Type => "wait";

    public Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var step = (WaitStepDefinition)context.Step;
        var until = step.Until is { } text ? Time(step, TemplateResolver.ResolveText(text, context.Scope)) : context.StartedAt + Seconds(step, context.Scope);
        return Task.FromResult(until <= time.GetUtcNow()
            ? StepResult.Success(default)
            : StepResult.Parked([new() { StepPath = context.StepPath, StepId = step.Id, DisplayName = step.Label, Reason = WaitReason.Time, Until = until }]));
    }

    private static TimeSpan Seconds(WaitStepDefinition step, ExpressionScope scope)
    {
        var value = TemplateResolver.Resolve(step.Seconds, scope);
        var isNumber = value.ValueKind is JsonValueKind.Number
            ? value.TryGetDouble(out var seconds)
            : double.TryParse(value.ValueKind is JsonValueKind.String ? value.GetString() : null, NumberStyles.Float, CultureInfo.InvariantCulture, out seconds);
        return isNumber && seconds is >= 0 and <= LongestSeconds
            ? TimeSpan.FromSeconds(seconds)
            : throw Fault(step, $"'seconds' must be a number from 0 to {LongestSeconds.ToString(CultureInfo.InvariantCulture)}, not {JsonValues.ToText(value)}.");
    }

    private static DateTimeOffset Time(WaitStepDefinition step, string text) =>
        // With a date: a time of day alone would mean another day after a resume.
        text is [_, _, _, _, '-', ..] && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var until)
            ? until
            : throw Fault(step, $"'until' must be a time such as 2027-01-31T08:00:00Z, not '{(text.Length > 100 ? text[..100] + "…" : text)}'.");

    private static WorkflowException Fault(WaitStepDefinition step, string problem) => new(new WorkflowError
    {
        Type = ErrorTypes.ExpressionError, Category = ErrorCategory.Config, Message = $"Step '{step.Id}': {problem}", StepId = step.Id,
    });
}
