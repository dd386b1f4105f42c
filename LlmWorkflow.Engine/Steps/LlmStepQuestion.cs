using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Prompts;
using LlmWorkflow.Engine.Providers;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Makes the question of an <c>llm</c> step: prompts rendered, <c>${…}</c> resolved.</summary>
internal static class LlmStepQuestion
{
    /// <summary>The question.</summary>
    /// <exception cref="WorkflowException">A prompt cannot be rendered, a value is missing, or the definition asks for what cannot be.</exception>
    public static LlmQuestion Of(LlmStepDefinition step, StepContext context, string defaultProvider)
    {
        var scope = context.Scope;
        var provider = step.Provider is { } named ? TemplateResolver.ResolveText(named, scope) : defaultProvider;
        var prompt = new LlmPrompt
        {
            Provider = provider,
            Model = TemplateResolver.ResolveText(step.Model, scope),
            Messages = Messages(step, context),
            Temperature = step.Temperature,
            MaxTokens = step.MaxTokens,
            TopP = step.TopP,
            Stop = [.. step.Stop.Select(text => TemplateResolver.ResolveText(text, scope))],
            Seed = step.Seed,
            Format = step.ResponseFormat.Kind switch
            {
                ResponseKind.Json => new LlmJsonFormat(null),
                ResponseKind.JsonSchema => new LlmJsonFormat(step.ResponseFormat.Schema),
                _ => null,
            },
            ProviderOptions = step.ProviderOptions.ValueKind is JsonValueKind.Object
                ? ProviderOptions.Check(TemplateResolver.Resolve(step.ProviderOptions, scope), provider)
                : null,
        };
        var check = ReplyCheck.Of(prompt.Format);
        return new LlmQuestion
        {
            Request = new LlmRequest
            {
                Prompt = prompt,
                Job = context.Job,
                Fence = context.Fence,
                StepPath = context.StepPath,
                EarlierCalls = context.EarlierCalls,
                Stream = step.Stream,
                Keeping = step.Cache is { } cache ? ReplyKeeping.Of(prompt, context.Job.UserId, cache.Shared, TimeSpan.FromSeconds(cache.TtlSeconds), check) : null,
                Budgets = context.Budgets,
                PausesOnBudget = context.PausesOnBudget,
                OnBudgetWarning = context.OnBudgetWarning,
                OnDelta = (call, text) => context.OnDelta(new LlmDelta(context.StepPath, call, text)),
            },
            Check = check,
            Fallbacks =
            [
                .. step.Fallbacks.Select(fallback => new LlmTarget(
                    fallback.Provider is { } other ? TemplateResolver.ResolveText(other, scope) : provider, TemplateResolver.ResolveText(fallback.Model, scope))),
            ],
            RepairAttempts = step.RepairAttempts,
            RepairBy = step.RepairModel is { } model ? new LlmTarget(provider, TemplateResolver.ResolveText(model, scope)) : null,
        };
    }

    /// <summary>The system prompt, then the messages, then the prompt: what is asked comes last.</summary>
    private static IReadOnlyList<LlmMessage> Messages(LlmStepDefinition step, StepContext context)
    {
        var (scope, prompts) = (context.Scope, context.Workflow.Prompts);
        var variables = TemplateResolver.Resolve(step.Variables, scope);
        return
        [
            .. Message("system", step.SystemPrompt, step.SystemPromptTemplate),
            .. step.Messages.SelectMany(message => Message(message.Role, message.Content, null)),
            .. Message("user", step.Prompt, step.PromptTemplate),
        ];

        LlmMessage[] Message(string role, string? text, string? file) =>
            file is not null ? [new LlmMessage(role, PromptRenderer.RenderFile(file, prompts, variables, scope))]
            : text is not null ? [new LlmMessage(role, PromptRenderer.RenderText(text, prompts, variables, scope))]
            : [];
    }
}
