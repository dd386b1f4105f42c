using System.Text.Json;
using System.Text.Json.Serialization;
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
            : StepResult.Success(JsonSerializer.SerializeToElement(
                new ExternalApiOutput(outcome.Data, outcome.StatusCode, outcome.Cached, outcome.Stale), ExternalApiJson.Default.ExternalApiOutput));
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
}

/// <summary>The output of an <c>external_api</c> step.</summary>
internal sealed record ExternalApiOutput(JsonElement Data, int StatusCode, bool Cached, bool Stale);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ExternalApiOutput))]
internal sealed partial class ExternalApiJson : JsonSerializerContext;
