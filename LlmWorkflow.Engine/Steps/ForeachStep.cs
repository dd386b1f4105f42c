using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs <c>foreach</c> steps.</summary>
internal sealed class ForeachStep : IStepExecutor
{
    public string Type => "foreach";

    public async Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var step = (ForeachStepDefinition)context.Step;
        var list = BareExpression.Require(step.Items, context.Scope);
        if (list.ValueKind is not JsonValueKind.Array)
        {
            return StepResult.Failure(NotAList(step, list));
        }

        if (list.GetArrayLength() > ForeachStepDefinition.MaxItems)
        {
            return StepResult.Failure(TooMany(step, list.GetArrayLength()));
        }

        var items = list.EnumerateArray().ToArray();
        long bytes = 0;
        var iterations = new ConcurrentLists(step.MaxConcurrency, failFast: true);
        var results = await iterations.RunAsync(
            items.Length,
            (index, stop) => context.RunStepsAsync(
                new()
                {
                    Segment = index.ToString(CultureInfo.InvariantCulture),
                    Steps = step.Steps,
                    Share = 1.0 / items.Length,
                    Before = items[index],
                    Locals = [new(step.As, items[index]), new("index", JsonValues.Number(index))],
                },
                stop),
            cancellationToken,
            // Checked as they come: the sum of many outputs must not fill the memory before it is too large.
            result => Interlocked.Add(ref bytes, StepOutput.Bytes(result.Output)) <= StepOutput.MaxBytes);
        if (bytes > StepOutput.MaxBytes)
        {
            return StepResult.Failure(StepOutput.TooLarge(step.Id));
        }

        return iterations.Ending(results) ?? StepOutput.Of(writer =>
        {
            writer.WriteStartArray();
            foreach (var result in results)
            {
                StepOutput.WriteOrNull(writer, result!.Output);
            }

            writer.WriteEndArray();
        });
    }

    private static WorkflowError NotAList(ForeachStepDefinition step, JsonElement value) => new()
    {
        Type = ErrorTypes.ExpressionError,
        Category = ErrorCategory.Config,
        Message = $"'items' of step '{step.Id}' must be an array; {step.Items} is {value.KindName()}.",
    };

    private static WorkflowError TooMany(ForeachStepDefinition step, int count) => new()
    {
        Type = ErrorTypes.LimitExceeded,
        Category = ErrorCategory.User,
        Message = string.Create(CultureInfo.InvariantCulture, $"Step '{step.Id}' has {count} items; a foreach takes at most {ForeachStepDefinition.MaxItems}."),
        Details = new() { Suggestions = ["Put several things into one item.", "Submit several jobs."] },
    };
}
