using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs <c>external_api</c> steps.</summary>
internal sealed class ExternalApiStep(ServiceCaller caller, TimeProvider time) : IStepExecutor
{
    public string Type => "external_api";

    public async Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var step = (ExternalApiStepDefinition)context.Step;
        IReadOnlyDictionary<string, JsonElement> parameters;
        try
        {
            parameters = TemplateResolver.Resolve(step.Config, context.Scope);
        }
        catch (WorkflowException exception)
        {
            return StepResult.Failure(exception.Error with { StepId = step.Id });
        }

        var outcome = await caller.CallAsync(Call(context, step, parameters), cancellationToken);
        return outcome.Error is { } error
            ? StepResult.Failure(error with { StepId = step.Id })
            : StepResult.Success(Output(outcome));
    }

    private ServiceCall Call(StepContext context, ExternalApiStepDefinition step, IReadOnlyDictionary<string, JsonElement> parameters) => new()
    {
        Service = step.Service,
        Operation = step.Operation,
        Parameters = parameters,
        CacheTtl = step.CacheTtlSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        // Without a time limit of its own a step has the job's, at most.
        Deadline = time.GetUtcNow() + TimeSpan.FromSeconds(step.TimeoutSeconds ?? context.Workflow.Definition.TimeoutSeconds),
    };

    // Written by hand: a serializer has its own, smaller limit on nesting.
    private static JsonElement Output(ServiceOutcome outcome) => JsonValues.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WritePropertyName("data");
        outcome.Data.WriteTo(writer);
        writer.WriteNumber("status_code", outcome.StatusCode);
        writer.WriteBoolean("cached", outcome.Cached);
        writer.WriteBoolean("stale", outcome.Stale);
        writer.WriteEndObject();
    });
}
