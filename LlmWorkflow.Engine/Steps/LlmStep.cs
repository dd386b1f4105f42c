using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Providers;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs <c>llm</c> steps: renders the question, has it answered, adds up what the step has cost.</summary>
internal sealed class LlmStep(LlmCaller caller, EngineOptions options) : IStepExecutor
{
    public string Type => "llm";

    public async Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        LlmQuestion question;
        try
        {
            question = LlmStepQuestion.Of((LlmStepDefinition)context.Step, context, options.DefaultProvider);
        }
        catch (WorkflowException exception)
        {
            return StepResult.Failure(exception.Error with { StepId = context.Step.Id }) with { Usage = LlmStepCosts.Usage(context.EarlierCalls) };
        }

        var exchange = new LlmExchange(caller, question);
        var answer = await exchange.RunAsync(cancellationToken);

        if (answer.Wait is { } wait)
        {
            return StepResult.Parked([Wait(context, wait)]);
        }

        var result = answer.Error is { } error
            ? StepResult.Failure(error with { StepId = context.Step.Id })
            : StepResult.Success(LlmStepOutput.Of(answer, exchange.Calls).ToJson());
        return result with
        {
            Usage = LlmStepCosts.Usage(exchange.Calls),
            Debug = context.Job.DebugMode ? LlmStepDebug.Of(question.Request.Prompt, exchange.Replies).ToJson() : default,
        };
    }

    private static StepWait Wait(StepContext context, CallWait wait) => new()
    {
        StepPath = context.StepPath,
        StepId = context.Step.Id,
        DisplayName = context.Step.Label,
        Reason = wait.Reason,
        Message = wait.Message,
        Until = wait.Until,
        BudgetRaises = wait.BudgetRaises,
    };
}
