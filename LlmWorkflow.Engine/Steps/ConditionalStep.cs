using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs <c>conditional</c> steps. A resumed step takes the same branch: its expressions read only what is checkpointed or pinned.</summary>
internal sealed class ConditionalStep : IStepExecutor
{
    public string Type => "conditional";

    public async Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var step = (ConditionalStepDefinition)context.Step;
        if ((step.Cases.FirstOrDefault(c => BareExpression.IsTrue(c.When, context.Scope))?.Branch ?? step.Otherwise) is not { } branch)
        {
            return StepResult.Success(EngineJson.NullValue) with { Branch = EngineJson.NullValue };
        }

        var result = await context.RunStepsAsync(
            new() { Segment = branch.Name, Steps = branch.Steps, Before = context.PreviousOutput, AreVisibleAfterwards = true }, cancellationToken);
        if (result is { IsFailed: false, IsParked: false, Output.ValueKind: JsonValueKind.Undefined })
        {
            result = StepResult.Success(EngineJson.NullValue);
        }

        return result with
        {
            Branch = int.TryParse(branch.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                ? JsonValues.Number(index)
                : JsonValues.String(branch.Name),
        };
    }
}
