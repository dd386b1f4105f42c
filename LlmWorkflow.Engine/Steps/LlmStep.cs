using System.Text.Json;
using System.Text.Json.Serialization;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Prompts;
using LlmWorkflow.Engine.Providers;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs <c>llm</c> steps: renders the prompts, makes the call, adds up what the step has cost.</summary>
internal sealed class LlmStep(LlmCaller caller, EngineOptions options) : IStepExecutor
{
    public string Type => "llm";

    public async Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        LlmPrompt prompt;
        try
        {
            prompt = Render((LlmStepDefinition)context.Step, context);
        }
        catch (WorkflowException exception)
        {
            return StepResult.Failure(exception.Error with { StepId = context.Step.Id }) with { Usage = AddUp(context.EarlierCalls) };
        }

        var outcome = await caller.CallAsync(
            new LlmRequest
            {
                Prompt = prompt,
                Job = context.Job,
                Fence = context.Fence,
                StepPath = context.StepPath,
                EarlierCalls = context.EarlierCalls,
                Stream = ((LlmStepDefinition)context.Step).Stream,
                OnDelta = (call, text) => context.OnDelta(new LlmDelta(context.StepPath, call, text)),
            },
            cancellationToken);

        var result = outcome.Error is { } error
            ? StepResult.Failure(error with { StepId = context.Step.Id })
            : StepResult.Success(Output(outcome.Reply!, outcome.Call!.CostUsd));
        return result with
        {
            Usage = AddUp(outcome is { Call: { } call, Reused: false } ? [.. context.EarlierCalls, call] : context.EarlierCalls),
            Debug = context.Job.DebugMode
                ? JsonSerializer.SerializeToElement(new LlmStepDebug(prompt, outcome.Reply?.Content), LlmStepJson.Default.LlmStepDebug)
                : default,
        };
    }

    private LlmPrompt Render(LlmStepDefinition step, StepContext context)
    {
        var (scope, prompts) = (context.Scope, context.Workflow.Prompts);
        var variables = TemplateResolver.Resolve(step.Variables, scope);
        var system = Text(step.SystemPrompt, step.SystemPromptTemplate);
        var user = Text(step.Prompt, step.PromptTemplate);
        return new LlmPrompt
        {
            Provider = step.Provider ?? options.DefaultProvider,
            Model = TemplateResolver.ResolveText(step.Model, scope),
            Messages = [.. Message("system", system), .. Message("user", user)],
            Temperature = step.Temperature,
            MaxTokens = step.MaxTokens,
            TopP = step.TopP,
            Stop = step.Stop,
            Seed = step.Seed,
        };

        string? Text(string? text, string? file) =>
            file is not null ? PromptRenderer.RenderFile(file, prompts, variables, scope)
            : text is not null ? PromptRenderer.RenderText(text, prompts, variables, scope)
            : null;

        static LlmMessage[] Message(string role, string? text) => text is null ? [] : [new LlmMessage(role, text)];
    }

    private static JsonElement Output(LlmReply reply, decimal? costUsd) => JsonSerializer.SerializeToElement(
        new LlmStepOutput(
            reply.Content, null, reply.Model, reply.Provider, reply.FinishReason,
            new LlmStepTokens(
                reply.Usage.InputTokens, reply.Usage.OutputTokens, reply.Usage.TotalTokens, reply.Usage.CacheReadTokens,
                reply.Usage.CacheWriteTokens + reply.Usage.CacheWrite1hTokens, reply.Usage.ReasoningTokens, reply.Usage.Estimated),
            costUsd, reply.DurationMs, reply.ResponseId, Cached: false),
        LlmStepJson.Default.LlmStepOutput);

    // A call whose fate is unknown has no tokens and no cost to add; the ledger shows it as possibly billed.
    private static StepUsage? AddUp(IReadOnlyList<LedgerCall> calls)
    {
        var ended = calls.Where(call => call.State is CallState.Settled or CallState.Aborted).ToList();
        return calls.Count == 0 ? null : new StepUsage
        {
            InputTokens = ended.Sum(call => call.Usage.InputTokens),
            OutputTokens = ended.Sum(call => call.Usage.OutputTokens),
            CostUsd = ended.TrueForAll(call => call.CostUsd is not null) ? ended.Sum(call => call.CostUsd) : null,
            Calls = calls.Count,
        };
    }
}

/// <summary>The output of an <c>llm</c> step.</summary>
internal sealed record LlmStepOutput(
    string Content,
    JsonElement? Json,
    string Model,
    string Provider,
    string? FinishReason,
    LlmStepTokens Usage,
    decimal? CostUsd,
    long DurationMs,
    string? ResponseId,
    bool Cached);

/// <summary>Tokens in an <c>llm</c> step's output.</summary>
internal sealed record LlmStepTokens(
    long InputTokens, long OutputTokens, long TotalTokens, long CacheReadTokens, long CacheWriteTokens, long ReasoningTokens, bool Estimated);

/// <summary>What <c>debug_mode</c> keeps of an <c>llm</c> step.</summary>
internal sealed record LlmStepDebug(LlmPrompt Prompt, string? Reply);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(LlmStepOutput))]
[JsonSerializable(typeof(LlmStepDebug))]
internal sealed partial class LlmStepJson : JsonSerializerContext;
