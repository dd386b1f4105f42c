using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Transforms;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs <c>transform</c> steps: the operations in a row, each on the result of the one before unless it names its own <c>input</c>.</summary>
internal sealed class TransformStep : IStepExecutor
{
    /// <inheritdoc/>
    public string Type => "transform";

    /// <inheritdoc/>
    public Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        TransformStepDefinition step = (TransformStepDefinition)context.Step;
        try
        {
            JsonElement value = step.Input.ValueKind == JsonValueKind.Undefined
                ? context.PreviousOutput
                : TemplateResolver.Resolve(step.Input, context.Scope);
            foreach (TransformOperation operation in step.Operations)
            {
                cancellationToken.ThrowIfCancellationRequested();
                JsonElement input = operation.Parameters.TryGetProperty("input", out JsonElement own) ? TemplateResolver.Resolve(own, context.Scope) : value;
                value = TransformCatalog.Apply(new TransformCall(step.Id, operation.Operation, input, operation.Parameters)
                {
                    Scope = context.Scope,
                    Prompts = context.Workflow.Prompts,
                    CancellationToken = cancellationToken,
                });
            }

            return Task.FromResult(StepResult.Success(value));
        }
        catch (WorkflowException exception)
        {
            return Task.FromResult(StepResult.Failure(exception.Error with { StepId = step.Id }));
        }
    }
}
