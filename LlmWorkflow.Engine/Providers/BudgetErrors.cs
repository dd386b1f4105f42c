using System.Globalization;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Providers;

/// <summary>What is told where a cap on cost is in the way of a call.</summary>
internal static class BudgetErrors
{
    /// <summary>A cap would be exceeded.</summary>
    public static WorkflowError Exceeded(BudgetState budget, decimal worstUsd, string provider, string model, bool pauses) => new()
    {
        Type = ErrorTypes.BudgetExceeded,
        Category = ErrorCategory.User,
        Message = Sentence(budget, worstUsd, model),
        Details = new ErrorDetails
        {
            Service = provider,
            Operation = model,
            Suggestions = budget.IsDaily
                ? ["Wait until midnight UTC, or raise the cap in limits.json.", "Lower 'max_tokens', or choose a cheaper model."]
                : ["Raise 'max_cost_usd'.", "Lower 'max_tokens' or the prompt, or choose a cheaper model.",
                    pauses ? "Run it by the service: there the job would wait until the budget is raised." : "Set \"on_budget\": \"pause\", so that the job waits until the budget is raised."],
        },
    };

    /// <summary>There is a cap, and nobody can say what the call may cost at most.</summary>
    public static WorkflowError Unpriced(BudgetState budget, string provider, string model) => new()
    {
        Type = ErrorTypes.UnpricedModel,
        Category = ErrorCategory.Config,
        Message = $"What a call of {model} may cost at most is not known, so it cannot be held against the cap of {Name(budget)}: pricing.json has no price for the model, or the call has tools that the provider bills by use.",
        Details = new ErrorDetails { Service = provider, Operation = model, Suggestions = ["Add the model to pricing.json.", "Take the cap away, choose a model with a price, or leave out web searches and other tools of the provider's."] },
    };

    /// <summary>What stands against a cap, and what a call may add.</summary>
    public static string Sentence(BudgetState budget, decimal worstUsd, string model)
    {
        var held = budget.HeldUsd > 0 ? $", {Text(budget.HeldUsd)} held for calls in flight or of unknown cost" : "";
        return $"The cap of {Name(budget)} is {Text(budget.CapUsd)} USD: {Text(budget.SpentUsd)} spent{held}, and a call of {model} may cost up to {Text(worstUsd)}.";
    }

    private static string Name(BudgetState budget) => budget.Scope.Split(':', 2) switch
    {
        ["step", var path] => $"step '{path}'",
        ["workflow", var name] => $"workflow '{name}' for today (UTC)",
        ["user", _] => "this user for today (UTC)",
        _ => "the job",
    };

    private static string Text(decimal usd) => Usd.WithoutTrailingZeros(usd).ToString(CultureInfo.InvariantCulture);
}
